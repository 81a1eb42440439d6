using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api;

namespace Workflow.App.Triggers.Events;

/// <summary>The parts that take events in.</summary>
internal static class EventsRegistration
{
    /// <summary>What starts runs for events, whoever brings them.</summary>
    public static IServiceCollection AddObjectEvents(this IServiceCollection services) =>
        services.AddSingleton<EventCounts>().AddSingleton<ObjectArrivals>().AddSingleton<ObjectEvents>();

    public static void MapEvents(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/events", Count).Needs(Role.Viewer);
    }

    /// <summary>What came in since this process started.</summary>
    private static Ok<EventCountsView> Count(EventCounts counts) => TypedResults.Ok(counts.Read());
}
