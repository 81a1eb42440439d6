using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Workflow.App.Configuration;
using Workflow.Cloud.Outbound;

namespace Workflow.App.Hosting;

internal static class OutboundCalls
{
    /// <summary>
    /// All HTTP clients of the process, those of AWS and Azure, and who connects to a database that a secret names go through the guard; where it
    /// is a service, its own stand-ins and its embedded database are open to it.
    /// </summary>
    public static IServiceCollection AddOutboundGuard(this IServiceCollection services, OutboundSettings settings)
    {
        services.AddSingleton(provider => new OutboundGuard(settings.Allow, () => [.. Own(provider.GetService<IServer>()), .. provider.GetService<Databases>()?.OwnAddresses ?? []]));
        return services.ConfigureHttpClientDefaults(client => client.ConfigurePrimaryHttpMessageHandler(provider => provider.GetRequiredService<OutboundGuard>().CreateHandler()));
    }

    private static IEnumerable<Uri> Own(IServer? server) =>
        server?.Features.Get<IServerAddressesFeature>() is { Addresses.Count: > 0 } listening ? [ListenAddresses.FromHere(listening.Addresses)] : [];
}
