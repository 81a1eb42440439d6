using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

/// <summary>Secrets from the store that <c>Secrets:Store</c> names.</summary>
internal static class SecretServices
{
    /// <param name="known">What is masked; the log has it from its first line on.</param>
    public static IServiceCollection AddSecrets(this IServiceCollection services, SecretsSettings settings, DataFolder data, KnownSecrets known) => services
        .AddSingleton(known)
        .AddSingleton(settings.Lifetimes)
        .AddSingleton(new LocalSecretStore(data.Secrets))
        .AddSingleton(provider => new SecretStores(provider.GetRequiredService<LocalSecretStore>(), Configured(settings.Store, provider)))
        .AddSingleton<Secrets>()
        .AddHostedService<MaskedTraces>();

    /// <summary>The passwords that connection strings hold.</summary>
    public static void LearnPasswords(this KnownSecrets known, params IEnumerable<string?> connections)
    {
        foreach (var connection in connections)
        {
            known.Learn(new NpgsqlConnectionStringBuilder(connection).Password);
        }
    }

    private static ISecretStore Configured(SecretStoreKind store, IServiceProvider provider) => store switch
    {
        SecretStoreKind.Aws => provider.GetRequiredService<AwsSecretStore>(),
        SecretStoreKind.KeyVault => provider.GetRequiredService<KeyVaultSecretStore>(),
        SecretStoreKind.Local => provider.GetRequiredService<LocalSecretStore>(),
        _ => throw new NotSupportedException($"There is no store of secrets for {store}: add it here."),
    };
}
