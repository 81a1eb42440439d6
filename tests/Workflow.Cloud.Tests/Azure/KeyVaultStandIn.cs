using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Security.KeyVault.Secrets;
using Microsoft.AspNetCore.Http;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Azure;

/// <summary>
/// A vault under its real name, on loopback: it challenges who comes without a token, and takes those alone that were issued for
/// vaults and have not ended.
/// </summary>
internal sealed class KeyVaultStandIn : IAsyncDisposable
{
    private readonly LoopbackCertificate _certificate = new();
    private readonly ConcurrentDictionary<string, JsonObject> _secrets = new(StringComparer.OrdinalIgnoreCase);
    private LoopbackServer _server = null!;

    /// <summary>Another one for each: what a vault asks for is remembered by its name, in all of a process.</summary>
    public Uri Vault { get; } = new($"https://test-{Guid.NewGuid().ToString("N")[..16]}.vault.azure.net");

    public LoopbackServer Server => _server;

    public IssuedTokens Tokens { get; } = new();

    /// <summary>How many came without a good token.</summary>
    public int Refusals { get; private set; }

    /// <summary>What it says its tokens must be for.</summary>
    public string Resource { get; set; } = "https://vault.azure.net";

    public static async Task<KeyVaultStandIn> StartAsync(CancellationToken cancellation)
    {
        var vault = new KeyVaultStandIn();
        vault._server = await LoopbackServer.StartAsync(vault.AnswerAsync, vault._certificate, cancellation);
        return vault;
    }

    public KeyVaultSecretStore CreateStore(TimeProvider? time = null, TimeSpan? patience = null) => new(
        Vault,
        Tokens,
        time ?? TimeProvider.System,
        new SecretClientOptions
        {
            Transport = new HttpClientTransport(_certificate.CreateHandler(_ => _server.Port)),
            Retry = { MaxRetries = 3, Delay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(5), NetworkTimeout = patience ?? TimeSpan.FromSeconds(30) },
        });

    public void Put(string vaultName, string value, bool enabled = true, DateTimeOffset? expires = null, DateTimeOffset? notBefore = null, string version = "0123456789abcdef0123456789abcdef") => _secrets[vaultName] = new JsonObject
    {
        ["value"] = value,
        ["id"] = $"{Vault}secrets/{vaultName}/{version}",
        ["attributes"] = new JsonObject { ["enabled"] = enabled, ["exp"] = expires?.ToUnixTimeSeconds(), ["nbf"] = notBefore?.ToUnixTimeSeconds(), ["created"] = 1700000000, ["updated"] = 1700000000 },
    };

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificate.Dispose();
    }

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (!context.Request.Headers.Authorization.ToString().StartsWith("Bearer ", StringComparison.Ordinal) || !Tokens.IsGood(context.Request.Headers.Authorization.ToString()["Bearer ".Length..], $"{Resource}/.default"))
        {
            Refusals++;
            context.Response.Headers.WWWAuthenticate = $"Bearer authorization=\"https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001\", resource=\"{Resource}\"";
            return RefuseAsync(context, 401, "Unauthorized");
        }

        if (context.Request.Query["api-version"].Count == 0 || path is not ["secrets", var name, .. var version])
        {
            return RefuseAsync(context, 400, "BadParameter");
        }

        if (!_secrets.TryGetValue(name, out var secret) || version is [var wanted] && !((string)secret["id"]!).EndsWith('/' + wanted))
        {
            return RefuseAsync(context, 404, "SecretNotFound");
        }

        return (bool)secret["attributes"]!["enabled"]!
            ? context.Response.WriteAsync(secret.ToJsonString())
            : RefuseAsync(context, 403, "Forbidden", "SecretDisabled");
    }

    private static Task RefuseAsync(HttpContext context, int status, string code, string? inner = null)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        var error = new JsonObject { ["code"] = code, ["message"] = $"Because {code}." };
        if (inner is not null)
        {
            error["innererror"] = new JsonObject { ["code"] = inner };
        }

        return context.Response.WriteAsync(new JsonObject { ["error"] = error }.ToJsonString());
    }
}

/// <summary>A credential whose tokens its services know: each is for one scope and ends at a time.</summary>
internal sealed class IssuedTokens : TokenCredential
{
    private readonly ConcurrentDictionary<string, (string Scope, DateTimeOffset Ends)> _issued = [];

    public int Count => _issued.Count;

    /// <summary>How long the tokens of now on live.</summary>
    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    public void RevokeAll() => _issued.Clear();

    public bool IsGood(string token, string scope) =>
        _issued.TryGetValue(token, out var issued) && issued.Scope == scope && issued.Ends > TimeProvider.System.GetUtcNow();

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
    {
        var ends = TimeProvider.System.GetUtcNow() + Lifetime;
        var token = $"token-{Guid.NewGuid():N}";
        _issued[token] = (requestContext.Scopes.Single(), ends);
        return new(new AccessToken(token, ends));
    }

    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => throw new NotSupportedException();
}
