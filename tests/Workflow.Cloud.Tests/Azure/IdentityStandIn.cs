using System.Text;
using System.Text.Json.Nodes;
using Azure.Core;
using Azure.Core.Pipeline;
using Microsoft.AspNetCore.Http;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Azure;

/// <summary>
/// The two endpoints from which a managed identity's tokens come, each with what proves that it is asked from within: App Service's
/// secret header, and the plain <c>Metadata</c> header of machines; and the authority from which applications get theirs, for a secret or
/// for the token of a service account. It issues tokens that a storage account takes.
/// </summary>
internal sealed class IdentityStandIn : IAsyncDisposable
{
    public const string AppServiceHeader = "an app's own secret";
    public const string ClientId = "00000000-0000-0000-0000-00000000c11e";

    /// <summary>Of a test that needs tokens which no other test has got: a process keeps them by identity and resource.</summary>
    public const string ClientIdOfItsOwn = "00000000-0000-0000-0000-00000000c11f";

    public const string Tenant = "00000000-0000-0000-0000-000000000001";
    public const string ClientSecret = "a made up secret";
    public const string ServiceAccountToken = "a.made-up.token";

    private readonly LoopbackCertificate _certificate = new();
    private LoopbackServer _server = null!;
    private LoopbackServer _authority = null!;

    public LoopbackServer Server => _server;

    /// <summary>How long the tokens of now on live.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    public string AppServiceEndpoint => $"http://127.0.0.1:{_server.Port}/msi/token";

    public static async Task<IdentityStandIn> StartAsync(CancellationToken cancellation)
    {
        var identity = new IdentityStandIn();
        identity._server = await LoopbackServer.StartAsync(identity.AnswerAsync, certificate: null, cancellation);
        identity._authority = await LoopbackServer.StartAsync(identity.AuthorizeAsync, identity._certificate, cancellation);
        return identity;
    }

    /// <summary>Takes every request here, whatever address it is for, and tries again at once.</summary>
    public void Configure(ClientOptions options)
    {
        options.Transport = new HttpClientTransport(_certificate.CreateHandler(port => port == 443 ? _authority.Port : _server.Port));
        options.Retry.Delay = TimeSpan.FromMilliseconds(1);
        options.Retry.MaxDelay = TimeSpan.FromMilliseconds(5);
        options.Retry.MaxRetries = 2;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _authority.DisposeAsync();
        _certificate.Dispose();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var proven = context.Request.Path.Value switch
        {
            "/msi/token" => context.Request.Headers["X-IDENTITY-HEADER"] == AppServiceHeader && query["api-version"] == "2019-08-01",
            "/metadata/identity/oauth2/token" => context.Request.Headers["Metadata"] == "true" && query["api-version"] == "2018-02-01",
            _ => false,
        };
        if (!proven || query["client_id"] is { Count: 1 } client && client != ClientId && client != ClientIdOfItsOwn || query["resource"].Count != 1)
        {
            context.Response.StatusCode = 400;
            return context.Response.WriteAsync("""{"error": "invalid_request", "error_description": "Identity not found"}""");
        }

        return IssueAsync(context, query["resource"].ToString());
    }

    private async Task AuthorizeAsync(HttpContext context)
    {
        if (context.Request.Path == "/common/discovery/instance")
        {
            await context.Response.WriteAsync($$"""
                {"tenant_discovery_endpoint": "https://login.microsoftonline.com/{{Tenant}}/v2.0/.well-known/openid-configuration", "api-version": "1.1",
                 "metadata": [{"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net", "aliases": ["login.microsoftonline.com"]}]}
                """);
            return;
        }

        var form = context.Request.HasFormContentType ? await context.Request.ReadFormAsync() : FormCollection.Empty;
        var proven = form["client_secret"] == ClientSecret || form["client_assertion"] == ServiceAccountToken && form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        if (context.Request.Path != $"/{Tenant}/oauth2/v2.0/token" || form["grant_type"] != "client_credentials" || form["client_id"] != ClientId || !proven)
        {
            context.Response.StatusCode = 401;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync("""{"error": "invalid_client", "error_description": "AADSTS7000215: made up"}""");
            return;
        }

        await IssueAsync(context, form["scope"].ToString()[..^"/.default".Length]);
    }

    private Task IssueAsync(HttpContext context, string audience)
    {
        var now = TimeProvider.System.GetUtcNow();
        var ends = (now + Lifetime).ToUnixTimeSeconds();
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(new JsonObject
        {
            ["access_token"] = Token(audience, now.ToUnixTimeSeconds(), ends),
            ["client_id"] = ClientId,
            ["expires_on"] = $"{ends}",
            ["expires_in"] = (long)Lifetime.TotalSeconds,
            ["resource"] = audience,
            ["token_type"] = "Bearer",
        }.ToJsonString());
    }

    private static string Token(string audience, long now, long ends)
    {
        var claims = new JsonObject { ["aud"] = audience, ["iss"] = "https://sts.windows.net/" + Tenant + "/", ["iat"] = now, ["nbf"] = now, ["exp"] = ends, ["jti"] = $"{Guid.NewGuid()}" };
        return string.Join('.', new[] { """{"alg":"none","typ":"JWT"}""", claims.ToJsonString(), "not signed" }.Select(part => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part))));
    }
}
