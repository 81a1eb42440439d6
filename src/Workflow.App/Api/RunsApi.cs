using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api.Access;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>Runs: looked at, steered and removed.</summary>
internal static class RunsApi
{
    private const int MaxPage = 1_000;
    private const int MaxWaitSeconds = 60;

    public static void MapRuns(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/api/runs");
        runs.MapGet("/", ListAsync).Needs(Role.Viewer).ByCaller();
        runs.MapDelete("/", PurgeManyAsync).Needs(Role.Admin);
        runs.MapGet("/{instance}", GetAsync).Needs(Role.Viewer);
        runs.MapDelete("/{instance}", PurgeAsync).Needs(Role.Admin);
        runs.MapGet("/{instance}/history", HistoryAsync).Needs(Role.Viewer);
        runs.MapPost("/{instance}/terminate", (string instance, string? reason, DurableTaskClient client, CancellationToken cancellation) =>
            SteerAsync(client, instance, () => client.TerminateInstanceAsync(instance, reason, recursive: true, cancellation), cancellation)).Needs(Role.Operator);
        runs.MapPost("/{instance}/suspend", (string instance, string? reason, DurableTaskClient client, CancellationToken cancellation) =>
            SteerAsync(client, instance, () => client.SuspendInstanceAsync(instance, reason, cancellation), cancellation)).Needs(Role.Operator);
        runs.MapPost("/{instance}/resume", (string instance, string? reason, DurableTaskClient client, CancellationToken cancellation) =>
            SteerAsync(client, instance, () => client.ResumeInstanceAsync(instance, reason, cancellation), cancellation)).Needs(Role.Operator);
        runs.MapPost("/{instance}/events/{name}", RaiseAsync).Needs(Role.Operator);
    }

    private static async Task<Ok<RunPage>> ListAsync(
        DurableTaskClient client, HttpContext context, CancellationToken cancellation, string? pipeline = null, string? status = null, string? prefix = null,
        DateTimeOffset? since = null, DateTimeOffset? before = null, int top = OrchestrationQuery.DefaultPageSize, string? after = null)
    {
        var query = new OrchestrationQuery(since, before, Statuses(status), pipeline, prefix, Math.Clamp(top, 1, MaxPage), FetchInputsAndOutputs: true, after, Caller.Of(context).Pipelines);
        var page = await client.QueryInstancesAsync(query, cancellation);
        return TypedResults.Ok(new RunPage([.. page.Values.Select(Run.From)], page.ContinuationToken));
    }

    /// <param name="wait">Seconds to hold the request open until the run has ended.</param>
    private static async Task<Ok<Run>> GetAsync(
        string instance, DurableTaskClient client, IHostApplicationLifetime lifetime, CancellationToken cancellation, int wait = 0)
    {
        if (wait > 0)
        {
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation, lifetime.ApplicationStopping);
            enough.CancelAfter(TimeSpan.FromSeconds(Math.Min(wait, MaxWaitSeconds)));
            try
            {
                return TypedResults.Ok(Run.From(await client.WaitForInstanceCompletionAsync(instance, cancellation: enough.Token)));
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // It has not ended yet; the answer is how it stands.
            }
        }

        return TypedResults.Ok(Run.From(await FindAsync(client, instance, cancellation)));
    }

    private static async Task<Ok<IReadOnlyList<OrchestrationHistoryEvent>>> HistoryAsync(string instance, DurableTaskClient client, CancellationToken cancellation) =>
        TypedResults.Ok(await client.GetOrchestrationHistoryAsync(instance, cancellation));

    private static async Task<Accepted<Run>> SteerAsync(DurableTaskClient client, string instance, Func<Task> steer, CancellationToken cancellation)
    {
        var before = await FindAsync(client, instance, cancellation);
        if (before.IsCompleted)
        {
            throw new RunEndedException(before);
        }

        await steer();
        return TypedResults.Accepted((string?)null, Run.From(await FindAsync(client, instance, cancellation)));
    }

    private static Task<Accepted<Run>> RaiseAsync(
        string instance, string name, DurableTaskClient client, CancellationToken cancellation, [Microsoft.AspNetCore.Mvc.FromBody] JsonElement? payload = null) =>
        SteerAsync(client, instance, () => client.RaiseEventAsync(instance, name, payload, cancellation), cancellation);

    private static async Task<Ok<Purged>> PurgeAsync(string instance, DurableTaskClient client, CancellationToken cancellation)
    {
        var run = await FindAsync(client, instance, cancellation);
        return run.IsCompleted
            ? TypedResults.Ok(new Purged(await client.PurgeInstanceAsync(instance, recursive: true, cancellation)))
            : throw new RunNotEndedException(run);
    }

    private static async Task<Ok<Purged>> PurgeManyAsync(DurableTaskClient client, CancellationToken cancellation, DateTimeOffset? before = null, string? status = null)
    {
        if (before is null && status is null)
        {
            throw new BadRequestException("Say which runs to purge: those created 'before' a time, those of a 'status', or both.");
        }

        return TypedResults.Ok(new Purged(await client.PurgeAllInstancesAsync(new(CreatedTo: before, Statuses: Statuses(status)), cancellation)));
    }

    private static async Task<OrchestrationMetadata> FindAsync(DurableTaskClient client, string instance, CancellationToken cancellation) =>
        await client.GetInstanceAsync(instance, getInputsAndOutputs: true, cancellation) ?? throw new InstanceNotFoundException(instance);

    private static OrchestrationRuntimeStatus[]? Statuses(string? status) => status is null ? null :
    [
        .. status.Split(',', StringSplitOptions.TrimEntries).Select(word =>
            Enum.GetNames<OrchestrationRuntimeStatus>().Contains(word, StringComparer.OrdinalIgnoreCase)
                ? Enum.Parse<OrchestrationRuntimeStatus>(word, ignoreCase: true)
                : throw new BadRequestException($"'{word}' is no status. There are {string.Join(", ", Enum.GetNames<OrchestrationRuntimeStatus>())}.")),
    ];
}
