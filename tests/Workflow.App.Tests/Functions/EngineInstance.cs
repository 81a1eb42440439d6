using Workflow.Durable;
using Workflow.Durable.Protocol;

namespace Workflow.App.Tests.Functions;

/// <summary>An instance as the engine keeps it.</summary>
internal sealed class EngineInstance(string id, string name, string? input, DateTime createdAt)
{
    public string Id => id;

    public string Name => name;

    public string? Input { get; set; } = input;

    public string ExecutionId { get; set; } = Guid.NewGuid().ToString("N");

    public DateTime CreatedAt { get; } = createdAt;

    public DateTime LastUpdatedAt { get; set; } = createdAt;

    /// <summary>Who waits for it, and at which step.</summary>
    public (EngineInstance Instance, int TaskId)? Parent { get; init; }

    /// <summary>What its current execution has been told and has asked for.</summary>
    public List<HistoryEvent> History { get; } = [];

    /// <summary>What has not been told yet.</summary>
    public Queue<HistoryEvent> Inbox { get; } = new();

    public OrchestrationRuntimeStatus Status { get; set; } = OrchestrationRuntimeStatus.Pending;

    public string? Output { get; set; }

    public string? CustomStatus { get; set; }

    public bool HasEnded => Status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;

    /// <summary>Why it failed.</summary>
    public Workflow.Durable.TaskFailureDetails Failure => OrchestrationTurn.ReadFailure(Output);

    public T? Read<T>() => Status == OrchestrationRuntimeStatus.Completed
        ? JsonDataConverter.Deserialize<T>(Output)
        : throw new InvalidOperationException($"'{id}' is {Status}: {Output}");

    /// <summary>The events of one kind that its current execution holds.</summary>
    public int Count(HistoryEvent.EventTypeOneofCase kind) => History.Count(happened => happened.EventTypeCase == kind);
}
