using Workflow.Cloud.Aws;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OracleToWarehouse;

internal static class Replication
{
    /// <summary>Its files are there, as far as they will come by waiting: a task of changes goes on for ever, once its full load is done.</summary>
    public static bool HasDelivered(this DmsTask task) =>
        task.Status is "stopped" or "failed" || (task.Status == "running" && task.MigrationType != "full-load" && (task.MigrationType == "cdc" || task.FullLoadProgress == 100));
}

/// <summary>Asks how far a replication task is.</summary>
internal sealed class LookAtReplication(DmsClient dms) : TaskActivity<string, DmsTask>
{
    public override async Task<DmsTask> RunAsync(TaskActivityContext context, string input) =>
        await dms.FindTaskAsync(input, context.CancellationToken)
        ?? throw new NonRetriableException($"There is no replication task {input}. Check ReplicationTask, the region and Aws:Endpoints:DMS.");
}

/// <param name="Before">As it was before it was started: what has changed since then was done by an attempt before.</param>
internal sealed record StartReplicationInput(DmsTask Before, ReplicationMode Mode);

/// <summary>Starts a replication task, or resumes it, as its state asks for.</summary>
internal sealed class StartReplication(DmsClient dms) : TaskActivity<StartReplicationInput, DmsTask>
{
    public override async Task<DmsTask> RunAsync(TaskActivityContext context, StartReplicationInput input)
    {
        var (before, mode) = (input.Before, input.Mode);
        if (mode == ReplicationMode.Reload && before.Status is "starting" or "running")
        {
            throw new NonRetriableException($"The replication task {before.Id} is {before.Status}, and is reloaded only when it is stopped. Stop it first.");
        }

        DmsStart? how = before.Status switch
        {
            "ready" => DmsStart.StartReplication,
            "stopped" or "failed" when mode == ReplicationMode.Reload => DmsStart.ReloadTarget,

            // A full load that is done is done.
            "stopped" when before.MigrationType == "full-load" => null,
            "stopped" or "failed" => DmsStart.ResumeProcessing,
            _ => null,
        };
        var now = await dms.FindTaskAsync(before.Arn, context.CancellationToken) ?? before;
        return how is { } start && now.StartedAt == before.StartedAt ? await dms.StartAsync(before.Arn, start, context.CancellationToken) : now;
    }
}

/// <summary>What a replication task has done for its tables.</summary>
internal sealed class ReadTableStatistics(DmsClient dms) : TaskActivity<string, IReadOnlyList<DmsTableStatistics>>
{
    // They must fit into one payload of the history.
    private const int MostTables = 2_000;

    public override async Task<IReadOnlyList<DmsTableStatistics>> RunAsync(TaskActivityContext context, string input) =>
        [.. (await dms.ListTableStatisticsAsync(input, context.CancellationToken)).Take(MostTables)];
}
