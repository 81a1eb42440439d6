using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Workflow.Durable.Protocol;

namespace Workflow.Durable.Store;

/// <summary>The protocol's events that travel to an instance. Their event id is -1: no step of the orchestrator's asked for them by number.</summary>
internal static class Messages
{
    public static HistoryEvent ExecutionStarted(
        string instanceId, Guid executionId, string name, string? input, ParentInstanceInfo? parent, DateTimeOffset now) => At(now, new()
        {
            ExecutionStarted = new()
            {
                Name = name,
                Input = input,
                OrchestrationInstance = new() { InstanceId = instanceId, ExecutionId = executionId.ToString() },
                ParentInstance = parent,
            },
        });

    public static HistoryEvent ExecutionStarted(NewInstance start, Guid executionId, DateTimeOffset now)
    {
        var started = ExecutionStarted(start.InstanceId, executionId, start.Name, start.Input, parent: null, now);
        started.ExecutionStarted.Version = start.Options.Version;
        started.ExecutionStarted.Tags.Add(start.Options.Tags.ToDictionary());
        return started;
    }

    /// <summary>An instance out of hand came back from something that is not in its history.</summary>
    public static HistoryEvent Strayed(DateTimeOffset now) => At(now, new() { GenericEvent = new() { Data = StrayedData } });

    public const string StrayedData = "strayed";

    public static HistoryEvent Rewound(string? reason, ParentInstanceInfo? parent, DateTimeOffset now) =>
        At(now, new() { ExecutionRewound = new() { Reason = reason, ParentInstance = parent } });

    /// <summary>What stays in history of an event that a rewind took back: a line to read, and the number of the step, which is not used again.</summary>
    public static HistoryEvent TakenBack(HistoryEvent undone) => new()
    {
        EventId = undone.EventId,
        Timestamp = undone.Timestamp,
        GenericEvent = new() { Data = $"Rewound: {HistoryLines.Describe(undone)}" },
    };

    public static HistoryEvent OrchestratorStarted(DateTimeOffset now) => At(now, new() { OrchestratorStarted = new() });

    public static HistoryEvent EventRaised(string name, string? input, TimeProvider time) =>
        At(time.GetUtcNow(), new() { EventRaised = new() { Name = name, Input = input } });

    public static HistoryEvent Terminated(string? output, bool recurse, TimeProvider time) =>
        At(time.GetUtcNow(), new() { ExecutionTerminated = new() { Input = output, Recurse = recurse } });

    public static HistoryEvent Suspended(string? reason, TimeProvider time) =>
        At(time.GetUtcNow(), new() { ExecutionSuspended = new() { Input = reason } });

    public static HistoryEvent Resumed(string? reason, TimeProvider time) =>
        At(time.GetUtcNow(), new() { ExecutionResumed = new() { Input = reason } });

    public static HistoryEvent TimerFired(int timerId, Timestamp fireAt) =>
        new() { EventId = -1, Timestamp = fireAt, TimerFired = new() { TimerId = timerId, FireAt = fireAt } };

    public static HistoryEvent TaskCompleted(int taskId, string? result, TimeProvider time) =>
        At(time.GetUtcNow(), new() { TaskCompleted = new() { TaskScheduledId = taskId, Result = result } });

    public static HistoryEvent TaskFailed(int taskId, Protocol.TaskFailureDetails failure, TimeProvider time) =>
        At(time.GetUtcNow(), new() { TaskFailed = new() { TaskScheduledId = taskId, FailureDetails = failure } });

    public static HistoryEvent SubOrchestrationFailed(int taskId, Protocol.TaskFailureDetails failure, DateTimeOffset now) =>
        At(now, new() { SubOrchestrationInstanceFailed = new() { TaskScheduledId = taskId, FailureDetails = failure } });

    public static HistoryEvent SubOrchestrationCompleted(int taskId, string? result, DateTimeOffset now) =>
        At(now, new() { SubOrchestrationInstanceCompleted = new() { TaskScheduledId = taskId, Result = result } });

    public static byte[] ToBytes(this IMessage message) => message.ToByteArray();

    private static HistoryEvent At(DateTimeOffset now, HistoryEvent happened)
    {
        happened.EventId = -1;
        happened.Timestamp = Timestamp.FromDateTimeOffset(now);
        return happened;
    }
}

/// <summary>What may name an instance.</summary>
internal static class InstanceIds
{
    private const int MaxLength = 250;

    /// <exception cref="ArgumentException">The id is empty, too long, or holds what would break a log line or an address.</exception>
    public static string Check(string instanceId)
    {
        if (instanceId.Length is 0 or > MaxLength || instanceId[0] == '@' || instanceId.Any(char.IsControl))
        {
            throw new ArgumentException(
                $"'{instanceId}' cannot be an instance id. Use 1 to {MaxLength} characters, none of them control characters, not beginning with '@'.", nameof(instanceId));
        }

        return instanceId;
    }

    /// <summary>The id of a sub-orchestration that was given none: its parent's first, so that a family lists together. Of a long one only the beginning.</summary>
    public static string Derive(string parent, Guid unique)
    {
        var end = ":" + unique.ToString("N")[..16];
        var kept = Math.Min(parent.Length, MaxLength - end.Length);
        return parent[..(char.IsHighSurrogate(parent[kept - 1]) ? kept - 1 : kept)] + end;
    }
}
