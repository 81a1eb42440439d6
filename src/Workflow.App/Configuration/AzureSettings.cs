using System.Text.RegularExpressions;
using Workflow.Cloud.Azure;

namespace Workflow.App.Configuration;

/// <summary>The section <c>Azure</c>: who we are there, the storage account behind <c>az://</c>, and the vault.</summary>
/// <param name="Storage">Null where there is none.</param>
/// <param name="KeyVault">The vault's address; null where there is none.</param>
internal sealed partial record AzureSettings(AzureIdentityOptions Identity, AzureStorage? Storage, Uri? KeyVault)
{
    public const string Section = "Azure";

    public static AzureSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var written = SettingsReader.Read<Written>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        return new(
            new(written.Identity.Kind, written.Identity.ClientId, written.Identity.TenantId),
            written.Storage is { } storage ? ReadStorage(storage, errors) : null,
            written.KeyVault is { } vault ? ReadVault(vault, errors) : null);
    }

    /// <summary>Secrets that are in a vault need one.</summary>
    public void CheckVault(SecretStoreKind store, SettingErrors errors)
    {
        if (store == SecretStoreKind.KeyVault && KeyVault is null)
        {
            errors.Add($"{Section}:{nameof(KeyVault)}", null, $"write the vault's address, for example https://orders.vault.azure.net: {SecretsSettings.Section}:{nameof(SecretsSettings.Store)} is {store}");
        }
    }

    private static AzureStorage? ReadStorage(WrittenStorage written, SettingErrors errors)
    {
        var section = $"{Section}:{nameof(Written.Storage)}";
        if (written.Account is { } account && !AccountName().IsMatch(account) || written.Account is null && (written.Endpoint is null || written.Secret is not null))
        {
            errors.Add($"{section}:{nameof(written.Account)}", written.Account, "write the account's name: 3 to 24 small letters and digits");
            return null;
        }

        if (!Uri.TryCreate(written.Endpoint ?? $"https://{written.Account}.blob.core.windows.net", UriKind.Absolute, out var endpoint) || !IsSafe(endpoint))
        {
            errors.Add($"{section}:{nameof(written.Endpoint)}", written.Endpoint, "write the blob endpoint with https, for example https://account.blob.core.windows.net; http is for servers on this machine");
            return null;
        }

        if (endpoint.Scheme == Uri.UriSchemeHttp && written.Secret is null)
        {
            errors.Add($"{section}:{nameof(written.Secret)}", null, "name the secret whose field AccountKey has the account's key: tokens are not sent over http");
            return null;
        }

        return new(endpoint, written.Account, written.Secret);
    }

    private static Uri? ReadVault(string written, SettingErrors errors)
    {
        if (Uri.TryCreate(written, UriKind.Absolute, out var vault) && vault is { Scheme: "https", AbsolutePath: "/", Query: "", UserInfo: "" })
        {
            return vault;
        }

        errors.Add($"{Section}:{nameof(Written.KeyVault)}", written, "write the vault's address, for example https://orders.vault.azure.net");
        return null;
    }

    private static bool IsSafe(Uri endpoint) =>
        endpoint is { Query: "", UserInfo: "" } && (endpoint.Scheme == Uri.UriSchemeHttps || endpoint.Scheme == Uri.UriSchemeHttp && endpoint.IsLoopback);

    [GeneratedRegex(@"\A[a-z0-9]{3,24}\z")]
    private static partial Regex AccountName();

    private sealed record Written
    {
        public WrittenIdentity Identity { get; init; } = new();

        public WrittenStorage? Storage { get; init; }

        public string? KeyVault { get; init; }
    }

    private sealed record WrittenIdentity
    {
        public AzureIdentityKind Kind { get; init; }

        public string? ClientId { get; init; }

        public string? TenantId { get; init; }
    }

    private sealed record WrittenStorage
    {
        public string? Account { get; init; }

        public string? Endpoint { get; init; }

        public string? Secret { get; init; }
    }
}

/// <param name="Account">Known where a key is used: it signs with its name.</param>
/// <param name="Secret">The secret with the account's key; null for tokens of our identity.</param>
internal sealed record AzureStorage(Uri Endpoint, string? Account, string? Secret);
