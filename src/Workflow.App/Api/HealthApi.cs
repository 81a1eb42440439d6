using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>What a watchdog asks: is the process there, and can it do its work.</summary>
internal static class HealthApi
{
    private const int LongestNonce = 100;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", (ServiceIdentity service, LocalKey local, string? nonce = null) =>
            TypedResults.Ok(new Liveness("live", service.Id, nonce is { Length: <= LongestNonce } ? local.Key?.Prove(nonce) : null))).OpenTo("a watchdog asks, and learns that the service is there").WithTags("Health").WithSummary("The process is there.");
        routes.MapGet("/health/ready", ReadyAsync).OpenTo("a watchdog asks, and learns whether the service can work").WithTags("Health").WithSummary("The service can do its work.").Produces<Readiness>(StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>Ready means that the hub's database answers and that the service is to go on. While it is away the service waits for it, alive but not ready.</summary>
    private static async Task<Results<Ok<Readiness>, JsonHttpResult<Readiness>>> ReadyAsync(
        HttpContext context, DurableTaskClient client, IHostApplicationLifetime lifetime, CancellationToken cancellation)
    {
        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return TypedResults.Json(new Readiness("stopping", "The service has been told to stop and brings what it has begun to its end."), statusCode: StatusCodes.Status503ServiceUnavailable);
        }

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        enough.CancelAfter(AnswerWithin);
        try
        {
            await client.QueryInstancesAsync(new OrchestrationQuery(PageSize: 1), enough.Token);
            return TypedResults.Ok(new Readiness("ready", null));
        }
        catch (Exception away) when (away is NpgsqlException || (away is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            // Where the database is, is told on this machine only.
            var why = LocalCallers.IsFromHere(context) ? $"The hub's database does not answer: {away.Message}" : "The hub's database does not answer.";
            return TypedResults.Json(new Readiness("waiting", why), statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }
}

internal sealed record Readiness(string Status, string? Reason);
