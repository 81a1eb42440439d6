using Workflow.Cloud.Aws;
using Workflow.Durable;

namespace Workflow.App.Pipelines.OracleToWarehouse;

/// <summary>A replication task that has delivered, and what it says of its tables.</summary>
internal sealed record Replicated(DmsTask Task, IReadOnlyList<DmsTableStatistics> Statistics)
{
    public DmsTableStatistics? Find(string schema, string table) => Statistics.FirstOrDefault(statistics => statistics.Is(schema, table));

    /// <summary>The table was loaded whole since the task was started.</summary>
    public bool HasLoaded(string schema, string table) =>
        Find(schema, table) is { State: "Table completed" } loaded && (loaded.FullLoadEndedAt is not { } ended || ended >= Math.Floor(Task.StartedAt ?? 0));

    /// <summary>Written since the task was started; stores know seconds.</summary>
    public bool IsSince(DateTimeOffset written) => Task.StartedAt is { } started && written >= DateTimeOffset.FromUnixTimeSeconds((long)started);
}

internal static class Replication
{
    // Of the reasons that DMS gives, those of a task that did what it was told; its values are "Stop Reason NORMAL" and so on.
    private static readonly string[] Ends =
        ["NORMAL", "FULL_LOAD_ONLY_FINISHED", "STOPPED_AFTER_FULL_LOAD", "STOPPED_AFTER_CACHED_EVENTS", "STOPPED_AFTER_DDL_APPLY", "STOPPED_AT_SERVER_TIME", "STOPPED_AT_COMMIT_TIME"];

    /// <summary>On its way to another state, it can be neither started nor left alone.</summary>
    public static bool IsSettled(this DmsTask task) => task.Status is not ("creating" or "modifying" or "moving" or "stopping" or "testing");

    /// <summary>No more comes by waiting: a task of changes goes on for ever, once its full load is done.</summary>
    public static bool IsDone(this DmsTask task) =>
        task.Status is "stopped" or "failed" or "failed-move" or "deleting" || (task.Status == "running" && task.MigrationType != "full-load" && task.HasLoaded());

    /// <summary>Why what a task has written is not what it was to write; null where it is.</summary>
    public static string? FailureOf(this DmsTask task)
    {
        // A task that stopped may still say what made it fail long before.
        var why = (task.Status == "stopped" ? task.StopReason ?? task.LastFailure : task.LastFailure ?? task.StopReason) ?? "DMS does not say why";
        return task.Status switch
        {
            "running" => null,
            not "stopped" => $"The replication task {task.Id} is {task.Status}: {why}",
            _ when !task.HasLoaded() => $"The replication task {task.Id} stopped after {task.FullLoadProgress} % of its full load: {why}",
            _ when task.StopReason is { Length: > 0 } reason && !Ends.Contains(reason.Split(' ')[^1]) => $"The replication task {task.Id} stopped: {why}",
            _ => null,
        };
    }

    /// <summary>Its full load, where it has one, is done.</summary>
    public static bool HasLoaded(this DmsTask task) => task.MigrationType == "cdc" || task.FullLoadProgress == 100;

    public static bool Is(this DmsTableStatistics statistics, string schema, string table) =>
        statistics.Schema.Equals(schema, StringComparison.OrdinalIgnoreCase) && statistics.Table.Equals(table, StringComparison.OrdinalIgnoreCase);
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
        DmsStart? how = before.Status switch
        {
            "ready" => DmsStart.StartReplication,
            "stopped" or "failed" when mode == ReplicationMode.Reload => DmsStart.ReloadTarget,

            // A full load that is done is done.
            "stopped" when before.MigrationType == "full-load" && before.HasLoaded() => null,
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
    public override Task<IReadOnlyList<DmsTableStatistics>> RunAsync(TaskActivityContext context, string input) =>
        dms.ListTableStatisticsAsync(input, context.CancellationToken);
}
