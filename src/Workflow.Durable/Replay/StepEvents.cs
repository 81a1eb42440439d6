using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Workflow.Durable.Protocol;
using ActionKind = Workflow.Durable.Protocol.OrchestratorAction.OrchestratorActionTypeOneofCase;

namespace Workflow.Durable.Replay;

/// <summary>What an orchestrator asks for, as history records it.</summary>
internal static class StepEvents
{
    /// <param name="action">One that asks for a step: an activity, a sub-orchestration, a timer or an event for another instance.</param>
    public static HistoryEvent From(OrchestratorAction action, Timestamp now)
    {
        var step = action.OrchestratorActionTypeCase switch
        {
            ActionKind.ScheduleTask => new HistoryEvent { TaskScheduled = Scheduled(action.ScheduleTask) },
            ActionKind.CreateSubOrchestration => new HistoryEvent { SubOrchestrationInstanceCreated = Created(action.CreateSubOrchestration) },
            ActionKind.CreateTimer => new HistoryEvent { TimerCreated = new() { FireAt = action.CreateTimer.FireAt } },
            ActionKind.SendEvent => new HistoryEvent { EventSent = Sent(action.SendEvent) },
            var other => throw new InvalidOperationException($"{other} is no step."),
        };
        step.EventId = action.Id;
        step.Timestamp = now;
        return step;
    }

    /// <summary>What a recorded step asks for, whenever and under whatever number.</summary>
    public static ByteString Content(HistoryEvent step)
    {
        var content = step.Clone();
        content.EventId = 0;
        content.Timestamp = null;
        return content.ToByteString();
    }

    private static TaskScheduledEvent Scheduled(ScheduleTaskAction task) => new() { Name = task.Name, Version = task.Version, Input = task.Input, Tags = { task.Tags } };

    private static SubOrchestrationInstanceCreatedEvent Created(CreateSubOrchestrationAction child) =>
        new() { InstanceId = child.InstanceId, Name = child.Name, Version = child.Version, Input = child.Input, Tags = { child.Tags } };

    private static EventSentEvent Sent(SendEventAction sent) => new() { InstanceId = sent.Instance.InstanceId, Name = sent.Name, Input = sent.Data };
}
