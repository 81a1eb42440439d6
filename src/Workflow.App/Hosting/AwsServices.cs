using Azure.Core;
using Workflow.App.Configuration;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Hosting;

/// <summary>AWS as the section <c>Aws</c> describes it: where its services are, and who signs what is sent to them.</summary>
internal static class AwsServices
{
    /// <param name="localAddress">Where the stand-ins answer.</param>
    public static IServiceCollection AddAws(this IServiceCollection services, Settings settings, Func<IServiceProvider, Uri> localAddress) => services
        .AddSingleton(provider =>
        {
            var endpoints = new AwsEndpoints(settings.Aws, () => localAddress(provider), provider.GetRequiredService<OutboundGuard>());
            return endpoints.SignedBy(new(
                settings.AwsIdentity.ToIdentity(provider.GetRequiredService<TokenCredential>),
                endpoints,
                provider.GetRequiredService<KnownSecrets>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<AwsCredentials>>()));
        })
        .AddAwsClients();
}
