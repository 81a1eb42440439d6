using System.Text.Json;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>What a run does that finds another one of its pipeline at work.</summary>
internal enum Overlap
{
    /// <summary>Begins when those before it have ended.</summary>
    Wait,

    /// <summary>Ends without having done anything.</summary>
    Skip,
}

internal sealed record FindRunBeforeInput(string Pipeline, string Instance);

/// <summary>The run that this one has to let go first: one that is at work, or was started earlier and has not ended; null for none.</summary>
/// <remarks>
/// Runs have one order, by the time of their start and then by their ids, so that of any two one goes first. A host whose clock is behind
/// could start a run that is "earlier" than one at work; that one says so in its status, and counts, too.
/// </remarks>
internal sealed class FindRunBefore(DurableTaskClient client) : TaskActivity<FindRunBeforeInput, string?>
{
    private static readonly OrchestrationRuntimeStatus[] Unfinished =
        [OrchestrationRuntimeStatus.Pending, OrchestrationRuntimeStatus.Running, OrchestrationRuntimeStatus.Suspended];

    private static readonly string AtWork = JsonSerializer.Serialize(Turns.AtWork);

    public override async Task<string?> RunAsync(TaskActivityContext context, FindRunBeforeInput input)
    {
        var query = new OrchestrationQuery(Name: input.Pipeline, Statuses: Unfinished);
        var runs = await client.GetAllInstancesAsync(query, context.CancellationToken).ToListAsync(context.CancellationToken);
        var self = runs.Find(run => run.InstanceId == input.Instance);
        return runs
            .Where(run => run != self && (run.SerializedCustomStatus == AtWork || self is null || Order(run).CompareTo(Order(self)) < 0))
            .OrderBy(Order)
            .FirstOrDefault()?.InstanceId;
    }

    private static (DateTimeOffset, string) Order(OrchestrationMetadata run) => (run.CreatedAt, run.InstanceId);
}
