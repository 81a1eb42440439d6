using Workflow.App.Hosting;

namespace Workflow.App.Api.Access;

/// <summary>What it takes to ask callers who they are.</summary>
internal static class AccessRegistration
{
    /// <summary>On loopback the owner of the data folder has a key from the first start on; anywhere else somebody has to make one.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services, ServiceOptions options) =>
        services.AddSingleton(options.Listen.IsLoopback ? LocalKey.Ensure(options.Data) : LocalKey.Find(options.Data));
}
