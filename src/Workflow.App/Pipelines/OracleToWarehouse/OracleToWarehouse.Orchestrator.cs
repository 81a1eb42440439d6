using Workflow.Cloud.Aws;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OracleToWarehouse;

/// <summary>
/// Has DMS write its files, where it is told to, and applies those that are new: the tables beside each other, the files of a table one
/// batch after the other.
/// </summary>
internal sealed class OracleToWarehouse : TaskOrchestrator<OracleToWarehouseInput, OracleToWarehouseResult>
{
    public override Task<OracleToWarehouseResult> RunAsync(TaskOrchestrationContext context, OracleToWarehouseInput input) =>
        context.ReportAsync(input, input.Schema, async report =>
        {
            var reloads = input is { ReplicationTask: not null, Replication: ReplicationMode.Reload };
            var before = reloads ? await report.StateAsync("catch up", () => ApplyAllAsync(context, input, startsOver: false)) : [];
            var statistics = input.ReplicationTask is null ? [] : await report.StateAsync("replicate", () => ReplicateAsync(context, input));
            var after = await report.StateAsync("apply", () => ApplyAllAsync(context, input, reloads));
            return OracleToWarehouseResult.Of(Sum([.. before, .. after]), statistics);
        });

    private static async Task<IReadOnlyList<DmsTableStatistics>> ReplicateAsync(TaskOrchestrationContext context, OracleToWarehouseInput input)
    {
        var retry = Steps.Retry(input.Attempts);
        var deadline = context.CurrentUtcDateTime + input.ReplicateWithin;
        var task = await context.CallActivityAsync<DmsTask>(nameof(LookAtReplication), input.ReplicationTask, retry);
        task = await context.CallActivityAsync<DmsTask>(nameof(StartReplication), new StartReplicationInput(task, input.Replication), retry);
        while (!task.HasDelivered())
        {
            if (context.CurrentUtcDateTime >= deadline)
            {
                throw new RunFailedException($"The replication task {task.Id} is {task.Status} after {input.ReplicateWithin}. It goes on by itself: run the pipeline again when it has delivered.");
            }

            await context.CreateTimer(context.CurrentUtcDateTime + input.PollEvery, CancellationToken.None);
            task = await context.CallActivityAsync<DmsTask>(nameof(LookAtReplication), input.ReplicationTask, retry);
        }

        return task.Status != "failed"
            ? await context.CallActivityAsync<IReadOnlyList<DmsTableStatistics>>(nameof(ReadTableStatistics), input.ReplicationTask, retry)
            : throw new RunFailedException($"The replication task {task.Id} failed: {task.LastFailure ?? task.StopReason ?? "DMS does not say why"}");
    }

    /// <summary>Applies what there is, listing by listing, until there is nothing new.</summary>
    private static async Task<IReadOnlyList<AppliedTable>> ApplyAllAsync(TaskOrchestrationContext context, OracleToWarehouseInput input, bool startsOver)
    {
        var applied = new List<AppliedTable>();
        for (var more = true; more; startsOver = false)
        {
            var found = await context.CallActivityAsync<FoundChanges>(nameof(FindChanges), new FindChangesInput(input, startsOver), Steps.Retry(input.Attempts));
            var over = startsOver;
            var outcomes = await context.ForEachAsync(found.Tables, input.AtOnce, table => ApplyTableAsync(context, input, table, over));
            if (outcomes.Where(outcome => outcome.Failure is not null).Select(outcome => outcome.Failure!).ToList() is { Count: > 0 } failures)
            {
                throw new RunFailedException($"{failures.Count} of {outcomes.Count} tables failed and are as the last whole batch left them. The first: {failures[0].FailureDetails.ErrorMessage}");
            }

            applied.AddRange(outcomes.Select(outcome => outcome.Result!));
            more = found.HasMore;
        }

        return Sum(applied);
    }

    private static async Task<AppliedTable> ApplyTableAsync(TaskOrchestrationContext context, OracleToWarehouseInput input, TableChanges table, bool startsOver)
    {
        var applied = AppliedTable.None(table.Target(input));
        foreach (var files in table.Batches(input))
        {
            var batch = new ApplyChangesInput(input, table with { Files = files }, context.NewGuid(), startsOver && files[0] == table.Files[0] && table.StartsWithFullLoad());
            applied = applied.Add(await context.CallActivityAsync<AppliedTable>(nameof(ApplyChanges), batch, Steps.Retry(input.Attempts)));
        }

        return applied;
    }

    private static IReadOnlyList<AppliedTable> Sum(IEnumerable<AppliedTable> applied) =>
        [.. applied.GroupBy(table => table.Table).OrderBy(table => table.Key, StringComparer.Ordinal).Select(table => table.Aggregate((sum, next) => sum.Add(next)))];
}
