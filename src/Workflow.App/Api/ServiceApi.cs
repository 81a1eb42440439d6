using System.Text.Json.Serialization;
using Workflow.App.Api.Access;

namespace Workflow.App.Api;

/// <summary>The HTTP API as a whole: JSON in, JSON or problem details out, for callers who say who they are.</summary>
internal static class ServiceApi
{
    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
        services.AddOpenApiDocument();
        return services.AddRoutingCore().AddProblemDetails().AddExceptionHandler<Problems>();
    }

    public static void UseApi(this WebApplication app)
    {
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseRouting();
        app.UseLocalCallers();
        app.UseAccess();

        // Once more, inside: the audit wants to know how a change was answered.
        app.UseExceptionHandler();
        app.UseBodyLimit();
        app.MapHealth();
        app.MapKeys();
        app.MapAudit();
        app.MapPipelines();
        app.MapRuns();
        app.MapSchedules();
        app.MapDurableFunctions();
        app.MapBookmarks();
        app.MapCheckIns();
        app.MapNotifications();
        app.MapOpenApiDocument();
    }
}
