using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Workflow.App.Configuration;
using Workflow.Cloud.Outbound;

namespace Workflow.App.Hosting;

internal static class OutboundCalls
{
    /// <summary>All HTTP clients of the service call through the guard; its own stand-ins are open to it.</summary>
    public static IServiceCollection AddOutboundGuard(this IServiceCollection services, OutboundSettings settings)
    {
        services.AddSingleton(provider => new OutboundGuard(
            settings.Allow, () => provider.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses.Select(address => new Uri(address)) ?? []));
        return services.ConfigureHttpClientDefaults(client => client.ConfigurePrimaryHttpMessageHandler(provider => provider.GetRequiredService<OutboundGuard>().CreateHandler()));
    }
}
