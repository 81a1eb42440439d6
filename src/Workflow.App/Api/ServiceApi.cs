using System.Text.Json.Serialization;

namespace Workflow.App.Api;

/// <summary>The HTTP API as a whole: JSON in, JSON or problem details out, for callers on this machine.</summary>
internal static class ServiceApi
{
    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
        return services.AddRoutingCore().AddProblemDetails().AddExceptionHandler<Problems>();
    }

    public static void UseApi(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseLocalCallersOnly();
        app.UseRouting();
        app.UseBodyLimit();
        app.MapHealth();
        app.MapPipelines();
        app.MapRuns();
        app.MapBookmarks();
        app.MapCheckIns();
        app.MapNotifications();
    }
}
