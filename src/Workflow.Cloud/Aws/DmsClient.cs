using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Workflow.Cloud.Aws;

/// <summary>A replication task of DMS.</summary>
/// <param name="Status">creating, ready, starting, running, stopping, stopped, failed, modifying, moving, deleting, testing.</param>
/// <param name="MigrationType">full-load, cdc or full-load-and-cdc.</param>
/// <param name="StopReason">Why it stopped, such as <c>Stop Reason FULL_LOAD_ONLY_FINISHED</c>; null where it says nothing.</param>
/// <param name="LastFailure">What DMS says of its last failure.</param>
/// <param name="FullLoadProgress">In percent.</param>
/// <param name="StartedAt">When it was last started, in seconds since 1970; null where it never was.</param>
public sealed record DmsTask(string Arn, string Id, string Status, string MigrationType, string? StopReason, string? LastFailure, int FullLoadProgress, double? StartedAt);

/// <summary>What DMS has done for a table.</summary>
/// <param name="State">Such as Table completed, Table error, Full load, Before load.</param>
/// <param name="FullLoadEndedAt">In seconds since 1970; null where DMS does not say.</param>
public sealed record DmsTableStatistics(
    string Schema, string Table, string State, long FullLoadRows, long FullLoadErrorRows, long Inserts, long Updates, long Deletes, long Ddls, double? FullLoadEndedAt = null)
{
    /// <summary>DMS has given the table up until it is loaded anew.</summary>
    [JsonIgnore]
    public bool HasFailed => State is "Table error" or "Table cancelled";
}

/// <summary>How a task is started; the names are DMS's.</summary>
public enum DmsStart
{
    /// <summary>The first time.</summary>
    StartReplication,

    /// <summary>From where it stopped.</summary>
    ResumeProcessing,

    /// <summary>The full load once more.</summary>
    ReloadTarget,
}

/// <summary>AWS Database Migration Service: replication tasks.</summary>
public sealed class DmsClient(AwsEndpoints endpoints)
{
    private readonly AwsJsonClient _dms = new(new("DMS", "dms") { ServiceId = "Database Migration Service", Api = "AmazonDMSv20160101" }, endpoints);

    /// <summary>Starts a task. It is sent once: where the answer is lost, <see cref="FindTaskAsync"/> says what became of it.</summary>
    /// <exception cref="AwsRefusedException">There is no such task (<c>ResourceNotFoundFault</c>), or its state does not allow it (<c>InvalidResourceStateFault</c>).</exception>
    public async Task<DmsTask> StartAsync(string arn, DmsStart how, CancellationToken cancellation)
    {
        var type = how switch { DmsStart.StartReplication => "start-replication", DmsStart.ResumeProcessing => "resume-processing", _ => "reload-target" };
        var started = await _dms.CallOnceAsync("StartReplicationTask", new() { ["ReplicationTaskArn"] = arn, ["StartReplicationTaskType"] = type }, cancellation);
        return ReadTask(started["ReplicationTask"]!);
    }

    /// <summary>A task as it is now, or null where there is none.</summary>
    public async Task<DmsTask?> FindTaskAsync(string arn, CancellationToken cancellation)
    {
        var filter = new JsonObject { ["Name"] = "replication-task-arn", ["Values"] = new JsonArray(arn) };
        try
        {
            var tasks = await _dms.CallAsync("DescribeReplicationTasks", new() { ["Filters"] = new JsonArray(filter), ["WithoutSettings"] = true }, cancellation);
            return tasks["ReplicationTasks"] is JsonArray { Count: > 0 } found ? ReadTask(found[0]!) : null;
        }
        catch (AwsRefusedException absent) when (absent.Code == "ResourceNotFoundFault")
        {
            return null;
        }
    }

    /// <summary>The statistics of all tables of a task, page by page.</summary>
    public async Task<IReadOnlyList<DmsTableStatistics>> ListTableStatisticsAsync(string arn, CancellationToken cancellation)
    {
        var tables = new List<DmsTableStatistics>();
        string? marker = null;
        do
        {
            var input = new JsonObject { ["ReplicationTaskArn"] = arn };
            if (marker is not null)
            {
                input["Marker"] = marker;
            }

            var page = await _dms.CallAsync("DescribeTableStatistics", input, cancellation);
            tables.AddRange((page["TableStatistics"] as JsonArray ?? []).Select(table => ReadTable(table!)));
            marker = (string?)page["Marker"];
        }
        while (!string.IsNullOrEmpty(marker));
        return tables;
    }

    private static DmsTask ReadTask(JsonNode task) => new(
        (string)task["ReplicationTaskArn"]!,
        (string?)task["ReplicationTaskIdentifier"] ?? "",
        (string)task["Status"]!,
        (string?)task["MigrationType"] ?? "",
        (string?)task["StopReason"],
        (string?)task["LastFailureMessage"],
        (int?)task["ReplicationTaskStats"]?["FullLoadProgressPercent"] ?? 0,
        (double?)task["ReplicationTaskStartDate"]);

    private static DmsTableStatistics ReadTable(JsonNode table)
    {
        return new(
            (string)table["SchemaName"]!, (string)table["TableName"]!, (string?)table["TableState"] ?? "",
            Count("FullLoadRows"), Count("FullLoadErrorRows"), Count("Inserts"), Count("Updates"), Count("Deletes"), Count("Ddls"), (double?)table["FullLoadEndTime"]);

        long Count(string name) => (long?)table[name] ?? 0;
    }
}
