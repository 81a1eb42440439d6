using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

/// <summary>A replication task of the stand-in for AWS DMS. It moves nothing: it takes its time and ends as it is told.</summary>
/// <param name="MigrationType">full-load ends by itself; cdc and full-load-and-cdc run until they are told to end.</param>
/// <param name="Ends">stopped or failed; null keeps a task of changes running.</param>
/// <param name="Seconds">How long starting, and then running, take.</param>
public sealed record LocalDmsTask(
    string Id, string MigrationType = "full-load", string? Ends = "stopped", string? LastFailure = null, double Seconds = 0.2)
{
    /// <summary>What it says it has done for its tables, once it has run.</summary>
    public IReadOnlyList<LocalDmsTable> Tables { get; init; } = [];

    /// <summary>How much of the full load is done when it stops, in percent.</summary>
    public int FullLoadProgress { get; init; } = 100;

    /// <summary>Why it stops; null says that the full load is done.</summary>
    public string? StopReason { get; init; }

    /// <summary>The status it is in until it is put again, whatever its start comes to: creating, modifying, stopping, stopped …</summary>
    public string? Holds { get; init; }

    public string Arn => LocalDms.TaskArn(Id);
}

public sealed record LocalDmsTable(string Schema, string Table, long FullLoadRows, long Inserts = 0, long Updates = 0, long Deletes = 0, string State = "Table completed", double? FullLoadEndedAt = null);

/// <summary>A start of a task. What it comes to is settled when it is started.</summary>
public sealed record LocalDmsStart(LocalDmsTask Task, string Type, DateTimeOffset At)
{
    internal string StatusAt(DateTimeOffset now) => (now - At).TotalSeconds switch
    {
        var passed when passed < Task.Seconds => "starting",
        var passed when passed < 2 * Task.Seconds || Task.Ends is null => "running",
        _ => Task.Ends,
    };
}

/// <summary>
/// A stand-in for AWS DMS: replication tasks (POST <c>/local/aws/dms/tasks</c>, a <see cref="LocalDmsTask"/>; what they were started with
/// at <c>/local/aws/dms/starts</c>). It refuses what DMS refuses: a task that is not there, one that runs, one that goes on before it began.
/// </summary>
public sealed class LocalDms(string dataFolder, TimeProvider time) : ILocalAwsService
{
    private const int SmallestPage = 20;
    private const int LargestPage = 100;
    private static readonly string[] StartTypes = ["start-replication", "resume-processing", "reload-target"];

    private readonly LocalAwsState<State> _state = new(dataFolder, "dms", time);

    public string SigningName => "dms";

    public string? TargetPrefix => "AmazonDMSv20160101";

    public static string TaskArn(string id) => $"arn:aws:dms:{LocalAws.Region}:{LocalAws.Account}:task:{id}";

    /// <summary>Makes a task, or changes what its next start comes to.</summary>
    public Task PutTaskAsync(LocalDmsTask task, CancellationToken cancellation) => _state.UpdateAsync(state => state.Tasks[task.Arn] = task, cancellation);

    /// <summary>What was started, oldest first.</summary>
    public Task<IReadOnlyList<LocalDmsStart>> ReadStartsAsync(CancellationToken cancellation) =>
        _state.ReadAsync(IReadOnlyList<LocalDmsStart> (state) => state.Starts, cancellation);

    public void Map(IEndpointRouteBuilder local)
    {
        local.MapPost("/tasks", PutTaskAsync);
        local.MapGet("/starts", ReadStartsAsync);
    }

    public Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation) => operation switch
    {
        "StartReplicationTask" => _state.UpdateAsync(state => Start(state, input), cancellation),
        "DescribeReplicationTasks" => _state.ReadAsync(state => DescribeTasks(state, input), cancellation),
        "DescribeTableStatistics" => _state.ReadAsync(state => DescribeTables(state, input), cancellation),
        _ => throw new LocalAwsException("UnknownOperationException", $"The stand-in does not do {operation}."),
    };

    private JsonObject Start(State state, JsonObject input)
    {
        var task = Find(state, LocalAwsInput.Text(input, "ReplicationTaskArn"));
        var type = LocalAwsInput.Text(input, "StartReplicationTaskType");
        if (!StartTypes.Contains(type))
        {
            throw new LocalAwsException("ValidationException", $"Value '{type}' at 'startReplicationTaskType' failed to satisfy constraint: Member must satisfy enum value set: [{string.Join(", ", StartTypes)}]");
        }

        var status = StatusOf(state, task);
        if (status is not ("ready" or "stopped" or "failed"))
        {
            throw InvalidState($"Replication Task cannot be started, invalid state: {status}");
        }

        var wasStarted = status != "ready";
        if (type != "start-replication" && !wasStarted)
        {
            throw InvalidState($"Start Type : {type.ToUpperInvariant().Replace('-', '_')}, valid only for tasks running previously");
        }

        if (type == "start-replication" && wasStarted && task.MigrationType != "cdc")
        {
            throw InvalidState("Start Type : START_REPLICATION, valid only for tasks running for the first time");
        }

        if (type == "resume-processing" && task.MigrationType == "full-load" && status == "stopped" && Meant(state, task).FullLoadProgress == 100)
        {
            throw InvalidState("Resume not allowed: full load task has completed");
        }

        state.Starts.Add(new(task, type, time.GetUtcNow()));
        return new() { ["ReplicationTask"] = Describe(state, task) };
    }

    private JsonObject DescribeTasks(State state, JsonObject input)
    {
        var filters = (input["Filters"] as JsonArray ?? []).OfType<JsonObject>().ToList();
        if (filters.Find(filter => (string?)filter["Name"] is not ("replication-task-arn" or "replication-task-id")) is { } unknown)
        {
            throw new LocalAwsException("InvalidParameterValueException", $"Filter {unknown["Name"]} is not supported.");
        }

        var tasks = state.Tasks.Values.Where(task => filters.TrueForAll(filter => Values(filter).Contains((string?)filter["Name"] == "replication-task-arn" ? task.Arn : task.Id))).ToList();
        if (tasks.Count == 0 && filters.Count > 0)
        {
            throw new LocalAwsException("ResourceNotFoundFault", "No Tasks found matching provided filter");
        }

        var page = Page(tasks, input, out var marker);
        return new() { ["ReplicationTasks"] = new JsonArray([.. page.Select(task => Describe(state, task))]), ["Marker"] = marker };

        static IEnumerable<string?> Values(JsonObject filter) => (filter["Values"] as JsonArray ?? []).Select(value => (string?)value);
    }

    private JsonObject DescribeTables(State state, JsonObject input)
    {
        var task = Find(state, LocalAwsInput.Text(input, "ReplicationTaskArn"));
        var tables = StatusOf(state, task) is "ready" or "creating" or "starting" ? [] : Meant(state, task).Tables;
        var page = Page(tables, input, out var marker);
        return new()
        {
            ["ReplicationTaskArn"] = task.Arn,
            ["TableStatistics"] = new JsonArray([.. page.Select(table => new JsonObject
            {
                ["SchemaName"] = table.Schema,
                ["TableName"] = table.Table,
                ["TableState"] = table.State,
                ["FullLoadRows"] = table.FullLoadRows,
                ["FullLoadErrorRows"] = 0,
                ["Inserts"] = table.Inserts,
                ["Updates"] = table.Updates,
                ["Deletes"] = table.Deletes,
                ["Ddls"] = 0,
                ["FullLoadEndTime"] = table.FullLoadEndedAt,
            })]),
            ["Marker"] = marker,
        };
    }

    private static LocalDmsTask Find(State state, string arn) =>
        state.Tasks.GetValueOrDefault(arn) ?? throw new LocalAwsException("ResourceNotFoundFault", $"Replication task {arn} not found.");

    private JsonObject Describe(State state, LocalDmsTask task)
    {
        var status = StatusOf(state, task);
        var meant = Meant(state, task);
        return new()
        {
            ["ReplicationTaskArn"] = task.Arn,
            ["ReplicationTaskIdentifier"] = task.Id,
            ["MigrationType"] = task.MigrationType,
            ["Status"] = status,
            ["ReplicationTaskStartDate"] = LastStart(state, task)?.At.ToUnixTimeMilliseconds() / 1000.0,
            ["StopReason"] = status switch { "failed" => "Stop Reason FATAL_ERROR Error Level FATAL", "stopped" => meant.StopReason ?? "Stop Reason FULL_LOAD_ONLY_FINISHED", _ => null },
            ["LastFailureMessage"] = status == "failed" ? meant.LastFailure ?? "Last Error  Task error notification received from subtask 0." : null,
            ["ReplicationTaskStats"] = new JsonObject { ["FullLoadProgressPercent"] = ProgressOf(status, meant) },
        };
    }

    /// <summary>ready until it is started; then starting, running and, where it ends, its end, each after its time.</summary>
    private string StatusOf(State state, LocalDmsTask task) => task.Holds ?? LastStart(state, task)?.StatusAt(time.GetUtcNow()) ?? "ready";

    /// <summary>The task as it is held, or as it was when it was started.</summary>
    private static LocalDmsTask Meant(State state, LocalDmsTask task) => task.Holds is null ? LastStart(state, task)?.Task ?? task : task;

    /// <summary>A task that is going to fail never gets its full load done.</summary>
    private static int ProgressOf(string status, LocalDmsTask task) => status switch
    {
        "ready" or "creating" or "starting" => 0,
        "running" or "failed" when task.Ends is not null => 50,
        _ => task.FullLoadProgress,
    };

    private static LocalDmsStart? LastStart(State state, LocalDmsTask task) => state.Starts.FindLast(start => start.Task.Arn == task.Arn);

    private static IReadOnlyList<T> Page<T>(IReadOnlyList<T> all, JsonObject input, out string? marker)
    {
        var size = (int?)input["MaxRecords"] ?? LargestPage;
        if (size is < SmallestPage or > LargestPage)
        {
            throw new LocalAwsException("InvalidParameterValueException", $"MaxRecords must be between {SmallestPage} and {LargestPage}.");
        }

        var from = int.Parse((string?)input["Marker"] ?? "0", CultureInfo.InvariantCulture);
        marker = from + size < all.Count ? $"{from + size}" : null;
        return [.. all.Skip(from).Take(size)];
    }

    private static LocalAwsException InvalidState(string message) => new("InvalidResourceStateFault", message);

    private sealed class State
    {
        public Dictionary<string, LocalDmsTask> Tasks { get; init; } = [];

        /// <summary>Oldest first.</summary>
        public List<LocalDmsStart> Starts { get; init; } = [];
    }
}
