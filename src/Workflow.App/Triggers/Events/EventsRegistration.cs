using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api;
using Workflow.App.Triggers.Events.Inbound;

namespace Workflow.App.Triggers.Events;

/// <summary>The parts that take events in.</summary>
internal static class EventsRegistration
{
    /// <summary>The name of the HTTP client that asks SNS.</summary>
    public const string Sns = "sns";

    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    /// <summary>What starts runs for events, whoever brings them.</summary>
    public static IServiceCollection AddObjectEvents(this IServiceCollection services) =>
        services.AddSingleton<EventCounts>().AddSingleton<ObjectArrivals>().AddSingleton<ObjectEvents>();

    /// <summary>What hears them over HTTP.</summary>
    public static IServiceCollection AddInbound(this IServiceCollection services)
    {
        // An address that was checked is the one that is asked: no redirects. It may be in a private network, where that has an endpoint of SNS;
        // whoever answers there must have SNS's name in its certificate. No logs, because an address of SNS may hold a token.
        services.AddHttpClient(Sns, http => http.Timeout = AnswerWithin).RemoveAllLoggers()
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });
        services.AddSingleton(provider => new SnsCertificates(ToSns(provider), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new SnsSubscriptions(ToSns(provider), provider.GetRequiredService<ILogger<SnsSubscriptions>>()));
        return services.AddSingleton<SnsTrust>().AddSingleton<SharedKeys>().AddSingleton<SlackCommands>();
    }

    public static void MapEvents(this IEndpointRouteBuilder routes)
    {
        routes.MapInbound();
        routes.MapGet("/api/events", Count).Needs(Role.Viewer).WithTags("Events").WithSummary("Events that came in since the process started: runs started, ignored, refused, put aside.");
    }

    private static HttpClient ToSns(IServiceProvider provider) => provider.GetRequiredService<IHttpClientFactory>().CreateClient(Sns);

    /// <summary>What came in since this process started.</summary>
    private static Ok<EventCountsView> Count(EventCounts counts) => TypedResults.Ok(counts.Read());
}
