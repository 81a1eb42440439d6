using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api.Access;
using Microsoft.AspNetCore.Mvc;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>Runs: looked at, steered and removed.</summary>
internal static class RunsApi
{
    private const int MaxPage = 1_000;
    private const int MaxWaitSeconds = 60;

    public static void MapRuns(this IEndpointRouteBuilder routes)
    {
        var runs = routes.MapGroup("/api/runs").WithTags("Runs");
        var run = runs.MapGroup("/{instance}");
        runs.MapGet("/", ListAsync).Needs(Role.Viewer).ByCaller().WithSummary("Runs, newest first, a page at a time.")
            .WithDescription("A run that is on one page is on no other, whatever is started meanwhile. Several states are separated by commas.");
        runs.MapDelete("/", PurgeManyAsync).Needs(Role.Admin).WithSummary("Removes runs that have ended, by the time they were started at and their state.");
        run.MapGet("/", GetAsync).Needs(Role.Viewer).WithSummary("A run; with 'wait' once it has ended, or after so many seconds.");
        run.MapDelete("/", PurgeAsync).Needs(Role.Admin).WithSummary("Removes a run that has ended, with all that it started.");
        run.MapGet("/history", HistoryAsync).Needs(Role.Viewer).WithSummary("What has happened in a run.");
        run.MapPost("/terminate", TerminateAsync).Needs(Role.Operator).WithSummary("Ends a run, with all that it started.");
        run.MapPost("/suspend", SuspendAsync).Needs(Role.Operator).WithSummary("Holds a run: nothing new is begun until it is resumed.");
        run.MapPost("/resume", ResumeAsync).Needs(Role.Operator).WithSummary("Lets a suspended run go on.");
        run.MapPost("/rewind", RewindAsync).Needs(Role.Operator).WithSummary("Lets a failed run go on from the steps that failed it.");
        run.MapPost("/events/{name}", RaiseAsync).Needs(Role.Operator).WithSummary("Raises an event; its payload is the body.");
    }

    private static async Task<Ok<RunPage>> ListAsync(
        DurableTaskClient client, HttpContext context, CancellationToken cancellation, string? pipeline = null, string? status = null, string? prefix = null,
        DateTimeOffset? since = null, DateTimeOffset? before = null, string? parent = null, bool roots = false,
        int top = OrchestrationQuery.DefaultPageSize, string? after = null)
    {
        var query = new OrchestrationQuery(since, before, Statuses(status), pipeline, prefix, PageSize(top), FetchInputsAndOutputs: true, after, Caller.Of(context).Roots, parent, roots);
        var page = await client.QueryInstancesAsync(query, cancellation);
        return TypedResults.Ok(new RunPage([.. page.Values.Select(Run.From)], page.ContinuationToken));
    }

    /// <summary>How many runs a page holds at most.</summary>
    public static int PageSize(int top) => Math.Clamp(top, 1, MaxPage);

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

    public static Task<Accepted<Run>> TerminateAsync(string instance, DurableTaskClient client, CancellationToken cancellation, string? reason = null) =>
        SteerAsync(client, instance, () => client.TerminateInstanceAsync(instance, reason, recursive: true, cancellation), cancellation);

    public static Task<Accepted<Run>> SuspendAsync(string instance, DurableTaskClient client, CancellationToken cancellation, string? reason = null) =>
        SteerAsync(client, instance, () => client.SuspendInstanceAsync(instance, reason, cancellation), cancellation);

    public static Task<Accepted<Run>> ResumeAsync(string instance, DurableTaskClient client, CancellationToken cancellation, string? reason = null) =>
        SteerAsync(client, instance, () => client.ResumeInstanceAsync(instance, reason, cancellation), cancellation);

    public static async Task<Accepted<Run>> RewindAsync(string instance, DurableTaskClient client, CancellationToken cancellation, string? reason = null)
    {
        await client.RewindInstanceAsync(instance, reason, cancellation);
        return TypedResults.Accepted((string?)null, Run.From(await FindAsync(client, instance, cancellation)));
    }

    public static Task<Accepted<Run>> RaiseAsync(
        string instance, string name, DurableTaskClient client, CancellationToken cancellation, [FromBody] JsonElement? payload = null)
    {
        BadRequestException.ThrowIfUnreadable(payload);
        return SteerAsync(client, instance, () => client.RaiseEventAsync(instance, name, payload, cancellation), cancellation);
    }

    public static async Task<Ok<Purged>> PurgeAsync(string instance, DurableTaskClient client, CancellationToken cancellation)
    {
        var run = await FindAsync(client, instance, cancellation);
        return run.IsCompleted
            ? TypedResults.Ok(new Purged(await client.PurgeInstanceAsync(instance, recursive: true, cancellation)))
            : throw new RunNotEndedException(run);
    }

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

    private static async Task<Ok<Purged>> PurgeManyAsync(DurableTaskClient client, CancellationToken cancellation, DateTimeOffset? before = null, string? status = null)
    {
        if (before is null && status is null)
        {
            throw new BadRequestException("Say which runs to purge: those created 'before' a time, those of a 'status', or both.");
        }

        return TypedResults.Ok(new Purged(await client.PurgeAllInstancesAsync(new(CreatedTo: before, Statuses: Statuses(status)), cancellation)));
    }

    public static async Task<OrchestrationMetadata> FindAsync(DurableTaskClient client, string instance, CancellationToken cancellation) =>
        await client.GetInstanceAsync(instance, getInputsAndOutputs: true, cancellation) ?? throw new InstanceNotFoundException(instance);

    /// <summary>States by their names, separated by commas.</summary>
    public static OrchestrationRuntimeStatus[]? Statuses(string? status) => status is null ? null :
    [
        .. status.Split(',', StringSplitOptions.TrimEntries).Select(word =>
            Enum.GetNames<OrchestrationRuntimeStatus>().Contains(word, StringComparer.OrdinalIgnoreCase)
                ? Enum.Parse<OrchestrationRuntimeStatus>(word, ignoreCase: true)
                : throw new BadRequestException($"'{word}' is no status. There are {string.Join(", ", Enum.GetNames<OrchestrationRuntimeStatus>())}.")),
    ];
}
