using Azure.Core;
using Azure.Core.Pipeline;
using Workflow.App.Configuration;
using Workflow.Cloud.Azure;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Blob;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

internal static class AzureServices
{
    /// <summary>Our identity on Azure, which is asked for nothing until somebody needs it, and what the settings have us use there.</summary>
    public static IServiceCollection AddAzure(this IServiceCollection services, AzureSettings settings)
    {
        services.AddSingleton<TokenCredential>(_ => AzureIdentity.Create(settings.Identity));
        services.AddSingleton<HttpPipelineTransport>(provider => CreateTransport(provider.GetRequiredService<OutboundGuard>()));
        if (settings.Storage is { } storage)
        {
            services.AddSingleton<IObjectStore>(provider => CreateStore(storage, provider));
        }

        if (settings.KeyVault is { } vault)
        {
            services.AddSingleton(provider => new KeyVaultSecretStore(
                vault, provider.GetRequiredService<TokenCredential>(), provider.GetRequiredService<HttpPipelineTransport>(), provider.GetRequiredService<TimeProvider>()));
        }

        return services;
    }

    private static BlobObjectStore CreateStore(AzureStorage storage, IServiceProvider provider)
    {
        var transport = provider.GetRequiredService<HttpPipelineTransport>();
        var time = provider.GetRequiredService<TimeProvider>();
        return storage.Secret is { } secret
            ? BlobObjectStore.WithKey(storage.Endpoint, storage.Account!, provider.GetRequiredService<Secrets>(), secret, transport, time)
            : BlobObjectStore.WithIdentity(storage.Endpoint, provider.GetRequiredService<TokenCredential>(), transport, time);
    }

    private static HttpClientTransport CreateTransport(OutboundGuard guard)
    {
        var handler = guard.CreateHandler();
        // The pipeline's own business.
        handler.AllowAutoRedirect = false;
        handler.UseCookies = false;
        return new(handler);
    }
}
