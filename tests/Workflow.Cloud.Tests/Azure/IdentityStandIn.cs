using System.Text;
using System.Text.Json.Nodes;
using Azure.Core;
using Azure.Core.Pipeline;
using Microsoft.AspNetCore.Http;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Azure;

/// <summary>
/// The two endpoints from which a managed identity's tokens come, each with what proves that it is asked from within: App Service's
/// secret header, and the plain <c>Metadata</c> header of machines. It issues tokens that a storage account takes.
/// </summary>
internal sealed class IdentityStandIn : IAsyncDisposable
{
    public const string AppServiceHeader = "an app's own secret";
    public const string ClientId = "00000000-0000-0000-0000-00000000c11e";

    private LoopbackServer _server = null!;

    public LoopbackServer Server => _server;

    /// <summary>How long the tokens of now on live.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    public string AppServiceEndpoint => $"http://127.0.0.1:{_server.Port}/msi/token";

    public static async Task<IdentityStandIn> StartAsync(CancellationToken cancellation)
    {
        var identity = new IdentityStandIn();
        identity._server = await LoopbackServer.StartAsync(identity.AnswerAsync, certificate: null, cancellation);
        return identity;
    }

    /// <summary>Takes every request here, whatever address it is for, and tries again at once.</summary>
    public void Configure(ClientOptions options)
    {
        options.Transport = new HttpClientTransport(new SocketsHttpHandler { ConnectCallback = ConnectAsync });
        options.Retry.Delay = TimeSpan.FromMilliseconds(1);
        options.Retry.MaxDelay = TimeSpan.FromMilliseconds(5);
        options.Retry.MaxRetries = 2;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(System.Net.IPAddress.Loopback, _server.Port, cancellation);
        return client.GetStream();
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
        if (!proven || query["client_id"] is { Count: 1 } client && client != ClientId || query["resource"].Count != 1)
        {
            context.Response.StatusCode = 400;
            return context.Response.WriteAsync("""{"error": "invalid_request", "error_description": "Identity not found"}""");
        }

        var now = TimeProvider.System.GetUtcNow();
        var ends = (now + Lifetime).ToUnixTimeSeconds();
        return context.Response.WriteAsync(new JsonObject
        {
            ["access_token"] = Token(query["resource"].ToString(), now.ToUnixTimeSeconds(), ends),
            ["client_id"] = ClientId,
            ["expires_on"] = $"{ends}",
            ["expires_in"] = $"{Lifetime.TotalSeconds}",
            ["resource"] = query["resource"].ToString(),
            ["token_type"] = "Bearer",
        }.ToJsonString());
    }

    private static string Token(string audience, long now, long ends)
    {
        var claims = new JsonObject { ["aud"] = audience, ["iss"] = "https://sts.windows.net/00000000-0000-0000-0000-000000000001/", ["iat"] = now, ["nbf"] = now, ["exp"] = ends, ["jti"] = $"{Guid.NewGuid()}" };
        return string.Join('.', new[] { """{"alg":"none","typ":"JWT"}""", claims.ToJsonString(), "not signed" }.Select(part => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(part))));
    }
}
