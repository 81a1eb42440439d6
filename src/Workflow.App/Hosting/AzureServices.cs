using Azure.Core;
using Workflow.App.Configuration;
using Workflow.Cloud.Azure;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

internal static class AzureServices
{
    /// <summary>Our identity on Azure, which is asked for nothing until somebody needs it, and what the settings have us use there.</summary>
    public static IServiceCollection AddAzure(this IServiceCollection services, AzureSettings settings)
    {
        services.AddSingleton<TokenCredential>(_ => AzureIdentity.Create(settings.Identity));
        if (settings.Storage is { } storage)
        {
            services.AddSingleton<IObjectStore>(provider => CreateStore(storage, provider));
        }

        return services;
    }

    private static BlobObjectStore CreateStore(AzureStorage storage, IServiceProvider provider)
    {
        var time = provider.GetRequiredService<TimeProvider>();
        if (storage.Secret is not { } secret)
        {
            return BlobObjectStore.WithIdentity(storage.Endpoint, provider.GetRequiredService<TokenCredential>(), time);
        }

        var secrets = provider.GetRequiredService<LocalSecretStore>();
        return BlobObjectStore.WithKey(storage.Endpoint, storage.Account!, cancellation => secrets.GetAsync(secret, cancellation), time);
    }
}
