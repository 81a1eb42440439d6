using System.Text.Json;
using System.Text.RegularExpressions;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Security.KeyVault.Secrets;

namespace Workflow.Cloud.Secrets;

/// <summary>
/// Secrets of one Azure Key Vault. Names there have no slashes and know no case: <c>orders/database</c> is <c>orders--database</c>
/// in the vault. <c>name?version=ID</c> is a version other than the current one. A secret that is not a JSON object is one field,
/// <see cref="Secret.ValueField"/>.
/// </summary>
public sealed partial class KeyVaultSecretStore : ISecretStore
{
    private const string Separator = "--";

    private readonly SecretClient _client;
    private readonly TimeProvider _time;

    /// <param name="vault"><c>https://name.vault.azure.net</c></param>
    /// <param name="credential">Of an identity with the role Key Vault Secrets User.</param>
    /// <param name="time">Tells whether a secret has expired.</param>
    public KeyVaultSecretStore(Uri vault, TokenCredential credential, HttpPipelineTransport transport, TimeProvider time)
        : this(vault, credential, time, new SecretClientOptions { Transport = transport, Retry = { MaxRetries = 5, Delay = TimeSpan.FromMilliseconds(200), MaxDelay = TimeSpan.FromSeconds(10) } })
    {
    }

    internal KeyVaultSecretStore(Uri vault, TokenCredential credential, TimeProvider time, SecretClientOptions options)
    {
        _client = new(vault, credential, options);
        _time = time;
    }

    public async Task<Secret> GetAsync(string name, CancellationToken cancellation)
    {
        var (vaultName, version) = Parse(name);
        try
        {
            var answer = await _client.GetSecretAsync(vaultName, version, cancellationToken: cancellation);
            CheckValidity(name, answer.Value.Properties);
            return Secret.FromText(name, answer.Value.Value);
        }
        catch (RequestFailedException refused) when (refused.Status is >= 400 and < 500 and not 408 and not 429)
        {
            throw new SecretException($"The secret '{name}' cannot be read from {_client.VaultUri}: {Explain(refused, vaultName)}");
        }
        catch (Exception failed) when (failed is RequestFailedException or AggregateException or AuthenticationFailedException)
        {
            var last = failed is AggregateException all ? all.InnerExceptions[^1] : failed;
            throw new SecretUnavailableException($"The secret '{name}' could not be read from {_client.VaultUri} this time: {FirstLine(last.Message)}", failed);
        }
    }

    private static (string VaultName, string? Version) Parse(string name)
    {
        var (path, version) = name.Split('?', 2) switch
        {
            [var whole] => (whole, null),
            [var before, var which] when which.StartsWith("version=", StringComparison.Ordinal) => (before, which["version=".Length..]),
            _ => throw new SecretException($"'{name}' is no name for a secret: after the question mark write version=ID."),
        };
        var vaultName = path.Replace("/", Separator, StringComparison.Ordinal);
        return ValidPath().IsMatch(path) && vaultName.Length <= 127
            ? (vaultName, version)
            : throw new SecretException(
                $"'{name}' is no name for a secret of a vault: use letters, digits and single hyphens within parts between slashes, all together at most 127 characters; a slash becomes two hyphens there.");
    }

    private void CheckValidity(string name, SecretProperties properties)
    {
        var now = _time.GetUtcNow();
        if (properties.ExpiresOn is { } end && end <= now)
        {
            throw new SecretException($"The secret '{name}' expired at {end:u}: put its successor into {_client.VaultUri}, or move its expiry date.");
        }

        if (properties.NotBefore is { } begin && begin > now)
        {
            throw new SecretException($"The secret '{name}' is not valid before {begin:u}: move its activation date in {_client.VaultUri}, or wait.");
        }
    }

    private static string Explain(RequestFailedException refused, string vaultName) => (refused.Status, InnerCode(refused)) switch
    {
        (404, _) => $"there is no '{vaultName}'. Create it there, or check Azure:KeyVault.",
        (_, "SecretDisabled") => $"'{vaultName}' is disabled. Enable it there.",
        (401 or 403, _) => $"{refused.ErrorCode}. Check that the identity in use has the role Key Vault Secrets User on it, and that its network rules let this host in.",
        _ => $"{refused.ErrorCode} (HTTP {refused.Status}) for '{vaultName}'. Check its name and version.",
    };

    /// <summary><c>{"error": {"code": "Forbidden", "innererror": {"code": "SecretDisabled"}}}</c></summary>
    private static string? InnerCode(RequestFailedException refused)
    {
        try
        {
            using var answer = JsonDocument.Parse(refused.GetRawResponse()?.Content ?? BinaryData.Empty);
            return answer.RootElement.TryGetProperty("error", out var error) && error.TryGetProperty("innererror", out var inner) && inner.TryGetProperty("code", out var code)
                ? code.GetString()
                : null;
        }
        catch (JsonException)
        {
            // Something on the way answered, not the vault; its status is what counts.
            return null;
        }
    }

    private static string FirstLine(string message) => message.Split('\n')[0].Trim();

    // Without hyphens at the ends of parts or two in a row, no two names are one in the vault (but for case).
    [GeneratedRegex(@"\A[A-Za-z0-9]+(-[A-Za-z0-9]+)*(/[A-Za-z0-9]+(-[A-Za-z0-9]+)*)*\z")]
    private static partial Regex ValidPath();
}
