using Workflow.Cloud.Secrets;

namespace Workflow.App.Configuration;

/// <summary>Where secrets are kept whose names do not begin with <c>local/</c>.</summary>
internal enum SecretStoreKind
{
    /// <summary>In files of the data folder.</summary>
    Local,

    /// <summary>In AWS Secrets Manager.</summary>
    Aws,

    /// <summary>In the vault at <c>Azure:KeyVault</c>.</summary>
    KeyVault,
}

/// <summary>The section <c>Secrets</c>.</summary>
internal sealed record SecretsSettings
{
    public const string Section = "Secrets";

    public SecretStoreKind Store { get; init; }

    /// <summary>How long a secret that was read is used without asking again.</summary>
    public TimeSpan CacheFor { get; init; } = SecretLifetimes.Usual.CacheFor;

    /// <summary>How long beyond that, while the store cannot be read.</summary>
    public TimeSpan ServeStaleFor { get; init; } = SecretLifetimes.Usual.ServeStaleFor;

    public SecretLifetimes Lifetimes => new(CacheFor, ServeStaleFor);

    public static SecretsSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var given = SettingsReader.Read<SecretsSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        Check(nameof(CacheFor), given.CacheFor, TimeSpan.FromDays(1));
        Check(nameof(ServeStaleFor), given.ServeStaleFor, TimeSpan.FromDays(7));
        return given;

        void Check(string name, TimeSpan value, TimeSpan most)
        {
            if (value < TimeSpan.Zero || value > most)
            {
                errors.Add($"{Section}:{name}", value.ToString("c"), $"write a time span from 00:00:00 to {most:c}");
            }
        }
    }
}
