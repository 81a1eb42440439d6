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
            if (input.ReplicationTask is null)
            {
                return OracleToWarehouseResult.Of(await report.StateAsync("apply", () => ApplyAllAsync(context, input, null, startsOver: false)), []);
            }

            var reloads = input.Replication == ReplicationMode.Reload;
            var task = await report.StateAsync("replicate", () => SettleAsync(context, input));
            var before = reloads ? await report.StateAsync("catch up", () => ApplyAllAsync(context, input, null, startsOver: false)) : AppliedChanges.None;
            var replicated = await report.StateAsync("replicate", () => ReplicateAsync(context, input, task));
            var after = await report.StateAsync("apply", () => ApplyAllAsync(context, input, replicated, reloads));
            if (replicated.Statistics.Where(table => table.HasFailed).ToList() is { Count: > 0 } failed)
            {
                throw new RunFailedException($"{failed.Count} of {replicated.Statistics.Count} tables of the replication task {task.Id} failed in DMS and are as they were; the others were applied. The first, {failed[0].Schema}.{failed[0].Table}: {failed[0].State}. Mend it, and reload the task.");
            }

            return OracleToWarehouseResult.Of(before.Add(after), replicated.Statistics);
        });

    /// <summary>The task once it can be started, or runs.</summary>
    private static async Task<DmsTask> SettleAsync(TaskOrchestrationContext context, OracleToWarehouseInput input)
    {
        var task = await WaitAsync(context, input, await LookAsync(context, input), Replication.IsSettled);
        return input.Replication == ReplicationMode.Reload && task.Status is "starting" or "running"
            ? throw new RunFailedException($"The replication task {task.Id} is {task.Status}, and is reloaded only when it is stopped. Stop it first.")
            : task;
    }

    private static async Task<Replicated> ReplicateAsync(TaskOrchestrationContext context, OracleToWarehouseInput input, DmsTask task)
    {
        var retry = Steps.Retry(input.Attempts);
        var started = await context.CallActivityAsync<DmsTask>(nameof(StartReplication), new StartReplicationInput(task, input.Replication), retry);
        var done = await WaitAsync(context, input, started, Replication.IsDone);
        return done.FailureOf() is { } failure
            ? throw new RunFailedException($"{failure}. Nothing of it was applied.")
            : new(done, await context.CallActivityAsync<IReadOnlyList<DmsTableStatistics>>(nameof(ReadTableStatistics), input.ReplicationTask, retry));
    }

    private static async Task<DmsTask> WaitAsync(TaskOrchestrationContext context, OracleToWarehouseInput input, DmsTask task, Func<DmsTask, bool> until)
    {
        var deadline = context.CurrentUtcDateTime + input.ReplicateWithin;
        while (!until(task))
        {
            if (context.CurrentUtcDateTime >= deadline)
            {
                throw new RunFailedException($"The replication task {task.Id} is {task.Status} after {input.ReplicateWithin}. It goes on by itself: run the pipeline again when it has delivered.");
            }

            await context.CreateTimer(context.CurrentUtcDateTime + input.PollEvery, CancellationToken.None);
            task = await LookAsync(context, input);
        }

        return task;
    }

    private static Task<DmsTask> LookAsync(TaskOrchestrationContext context, OracleToWarehouseInput input) =>
        context.CallActivityAsync<DmsTask>(nameof(LookAtReplication), input.ReplicationTask, Steps.Retry(input.Attempts));

    /// <summary>Applies what there is, listing by listing, until there is nothing new.</summary>
    private static async Task<AppliedChanges> ApplyAllAsync(TaskOrchestrationContext context, OracleToWarehouseInput input, Replicated? replicated, bool startsOver)
    {
        var applied = AppliedChanges.None;
        for (var more = true; more; startsOver = false)
        {
            var find = new FindChangesInput(input, replicated, startsOver);
            var found = await context.CallActivityAsync<FoundChanges>(nameof(FindChanges), find, Steps.Retry(input.Attempts));
            var outcomes = await context.ForEachAsync(found.Tables, input.AtOnce, table => ApplyTableAsync(context, input, table));
            if (outcomes.Where(outcome => outcome.Failure is not null).Select(outcome => outcome.Failure!).ToList() is { Count: > 0 } failures)
            {
                var next = startsOver ? " What they lack comes with another reload only." : "";
                throw new RunFailedException($"{failures.Count} of {outcomes.Count} tables failed and are as the last whole batch left them.{next} The first: {failures[0].FailureDetails.ErrorMessage}");
            }

            applied = applied.Add(new([.. outcomes.Select(outcome => outcome.Result!)], found.NotUnderstood, found.FirstNotUnderstood, found.NotReloaded));
            more = found.HasMore;
        }

        return applied;
    }

    private static async Task<AppliedTable> ApplyTableAsync(TaskOrchestrationContext context, OracleToWarehouseInput input, TableChanges table)
    {
        var applied = AppliedTable.None(table.Target(input));
        foreach (var files in table.Batches(input))
        {
            var batch = new ApplyChangesInput(input, table with { Files = files, StartsOver = table.StartsOver && files[0] == table.Files[0] }, context.NewGuid());
            applied = applied.Add(await context.CallActivityAsync<AppliedTable>(nameof(ApplyChanges), batch, Steps.Retry(input.Attempts)));
        }

        return applied;
    }
}
