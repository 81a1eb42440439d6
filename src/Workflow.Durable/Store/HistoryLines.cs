using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using Kind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.Durable.Store;

/// <summary>The protocol's events as people read them.</summary>
internal static class HistoryLines
{
    private const int MaxFailure = 1_000;

    /// <summary>An event in a line, without its data.</summary>
    public static string Describe(HistoryEvent happened)
    {
        var line = ToLine(happened);
        var failure = line.Failure?.ErrorMessage;
        return $"{line.Type}{(line.TaskId is { } step ? $" {step}" : "")}{(line.Name is null ? "" : $" {line.Name}")}{(failure is null ? "" : $": {failure[..Math.Min(failure.Length, MaxFailure)]}")}";
    }

    public static OrchestrationHistoryEvent ToLine(HistoryEvent happened)
    {
        OrchestrationHistoryEvent Line(int? taskId = null, string? name = null, string? data = null, Protocol.TaskFailureDetails? failure = null) =>
            new(happened.Timestamp.ToDateTimeOffset(), happened.EventTypeCase.ToString(), taskId, name, data, failure?.ToDetails());

        return happened.EventTypeCase switch
        {
            Kind.ExecutionStarted => Line(name: happened.ExecutionStarted.Name, data: happened.ExecutionStarted.Input),
            Kind.ExecutionCompleted => Line(
                name: happened.ExecutionCompleted.OrchestrationStatus.ToString(), data: happened.ExecutionCompleted.Result, failure: happened.ExecutionCompleted.FailureDetails),
            Kind.ExecutionTerminated => Line(data: happened.ExecutionTerminated.Input),
            Kind.ExecutionSuspended => Line(data: happened.ExecutionSuspended.Input),
            Kind.ExecutionResumed => Line(data: happened.ExecutionResumed.Input),
            Kind.TaskScheduled => Line(happened.EventId, happened.TaskScheduled.Name, happened.TaskScheduled.Input),
            Kind.TaskCompleted => Line(happened.TaskCompleted.TaskScheduledId, data: happened.TaskCompleted.Result),
            Kind.TaskFailed => Line(happened.TaskFailed.TaskScheduledId, failure: happened.TaskFailed.FailureDetails),
            Kind.SubOrchestrationInstanceCreated => Line(
                happened.EventId, happened.SubOrchestrationInstanceCreated.Name, happened.SubOrchestrationInstanceCreated.Input),
            Kind.SubOrchestrationInstanceCompleted => Line(
                happened.SubOrchestrationInstanceCompleted.TaskScheduledId, data: happened.SubOrchestrationInstanceCompleted.Result),
            Kind.SubOrchestrationInstanceFailed => Line(
                happened.SubOrchestrationInstanceFailed.TaskScheduledId, failure: happened.SubOrchestrationInstanceFailed.FailureDetails),
            Kind.TimerCreated => Line(happened.EventId, data: happened.TimerCreated.FireAt.ToDateTimeOffset().ToString("O")),
            Kind.TimerFired => Line(happened.TimerFired.TimerId, data: happened.TimerFired.FireAt.ToDateTimeOffset().ToString("O")),
            Kind.EventSent => Line(happened.EventId, happened.EventSent.Name, happened.EventSent.Input),
            Kind.EventRaised => Line(name: happened.EventRaised.Name, data: happened.EventRaised.Input),
            Kind.ExecutionRewound => Line(data: happened.ExecutionRewound.Reason),
            Kind.GenericEvent => Line(data: happened.GenericEvent.Data),
            _ => Line(),
        };
    }
}
