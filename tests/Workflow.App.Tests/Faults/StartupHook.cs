using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Objects;

/// <summary>
/// Loaded into the real program by <c>DOTNET_STARTUP_HOOKS</c>: watches its calls to object stores and over HTTP, so that the process is
/// killed right after a chosen one. The runtime looks for a class of this name without a namespace.
/// </summary>
internal static class StartupHook
{
    private static readonly EffectCount Effects = new();

    public static void Initialize()
    {
        KillAfterEachActivity.Watch();
        DiagnosticListener.AllListeners.Subscribe(new Watch<DiagnosticListener>(source =>
        {
            if (source.Name is "Microsoft.Extensions.Hosting" or "HttpHandlerDiagnosticListener")
            {
                source.Subscribe(new Watch<KeyValuePair<string, object?>>(told => See(told.Key, told.Value)));
            }
        }));
    }

    private static void See(string what, object? about)
    {
        if (what == "HostBuilding" && about is IHostBuilder builder)
        {
            builder.ConfigureServices(WrapStores);
        }
        else if (what == "System.Net.Http.HttpRequestOut.Stop")
        {
            Effects.Happened();
        }
    }

    private static void WrapStores(IServiceCollection services)
    {
        foreach (var store in services.Where(service => service.ServiceType == typeof(IObjectStore)).ToList())
        {
            services.Remove(store);
            services.AddSingleton<IObjectStore>(provider => new CountingObjectStore((IObjectStore)store.ImplementationFactory!(provider), Effects));
        }
    }

    private sealed class Watch<T>(Action<T> see) : IObserver<T>
    {
        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void OnNext(T value) => see(value);
    }
}
