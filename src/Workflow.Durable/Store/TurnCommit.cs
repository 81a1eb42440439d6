using Google.Protobuf.WellKnownTypes;
using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using ActionKind = Workflow.Durable.Protocol.OrchestratorAction.OrchestratorActionTypeOneofCase;
using StepKind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.Durable.Store;

/// <summary>Work that an orchestrator asked for.</summary>
/// <param name="Scheduled">HistoryEvent with TaskScheduled.</param>
internal sealed record ActivityWork(string InstanceId, Guid ExecutionId, int TaskId, int Deliveries, HistoryEvent Scheduled);

/// <summary>A message on its way. Without an execution it is for whichever runs.</summary>
internal sealed record OutgoingMessage(string InstanceId, Guid? ExecutionId, bool Carried, DateTime VisibleAt, byte[] Event);

/// <summary>A sub-orchestration to start, and what its parent hears if the id is in use.</summary>
internal sealed record Child(string InstanceId, Guid ExecutionId, string Name, string? Input, byte[] Started, byte[] Refusal);

/// <summary>A sub-orchestration of an instance that is rewound.</summary>
/// <param name="Output">JSON.</param>
internal sealed record RewoundChild(string InstanceId, string Status, string? Output);

/// <summary>All that one turn changes, ready to be committed.</summary>
internal sealed class TurnCommit
{
    public required string InstanceId { get; init; }

    public required Guid ExecutionId { get; init; }

    /// <summary>The turn this one is: nothing is committed if the instance has moved on.</summary>
    public required int Turn { get; init; }

    public required IReadOnlyList<long> MessagesTaken { get; init; }

    public required IReadOnlyList<int> ActivitiesDone { get; init; }

    public required string Status { get; set; }

    public HistoryChunk History { get; } = new();

    public List<ActivityWork> Activities { get; } = [];

    public List<OutgoingMessage> Messages { get; } = [];

    public List<Child> Children { get; } = [];

    /// <summary>What replaces the history so far, where a failed instance is rewound.</summary>
    public HistoryChunk? Rewound { get; private set; }

    /// <summary>Failed sub-orchestrations that go on, and what they are told.</summary>
    public List<(string InstanceId, byte[] Event)> ChildrenRewound { get; } = [];

    public bool SetsCustomStatus { get; init; }

    public string? CustomStatus { get; init; }

    public string? Output { get; private set; }

    public byte[]? Failure { get; private set; }

    /// <summary>The execution after this turn: another one after a continue-as-new.</summary>
    public Guid NextExecutionId { get; private set; }

    public string? NextInput { get; private set; }

    public bool ContinuesAsNew => NextExecutionId != ExecutionId;

    /// <summary>What is on its way to the instance has changed, by what the turn took, sent or ended.</summary>
    public bool MovesMessages => MessagesTaken.Count > 0 || Messages.Count > 0 || Children.Count > 0 || Ends;

    public bool Ends => Status is "Completed" or "Failed" or "Terminated";

    /// <summary>Results of activities, from here or elsewhere, are the next to come.</summary>
    public bool WaitsForActivities { get; private init; }

    /// <summary>Decided when it is committed: what comes next is far away, so any host may take it.</summary>
    public bool Releases { get; set; }

    /// <summary>The first of <see cref="Activities"/> that this host begins itself; the rest are for anybody.</summary>
    public int ActivitiesKept { get; set; }

    /// <summary>Turns what the code asked for into history, rows and messages.</summary>
    /// <param name="started">How the execution began; null while it has not.</param>
    /// <param name="arrived">What came to the instance in this turn.</param>
    public static TurnCommit From(
        (string InstanceId, Guid ExecutionId, int Turn) instance,
        ExecutionStartedEvent? started,
        TurnResult result,
        IEnumerable<HistoryEvent> arrived,
        IReadOnlyList<long> messagesTaken,
        IReadOnlyList<int> activitiesDone,
        DateTimeOffset now)
    {
        var commit = new TurnCommit
        {
            InstanceId = instance.InstanceId,
            ExecutionId = instance.ExecutionId,
            NextExecutionId = instance.ExecutionId,
            Turn = instance.Turn,
            MessagesTaken = messagesTaken,
            ActivitiesDone = activitiesDone,
            Status = result.IsSuspended ? "Suspended" : started is null ? "Pending" : "Running",
            SetsCustomStatus = result.SetsCustomStatus,
            CustomStatus = result.CustomStatus,
            WaitsForActivities = result.ActivitiesPending > 0 && !result.IsSuspended,
        };
        commit.History.Events.AddRange(arrived);
        foreach (var action in result.Actions)
        {
            commit.Add(action, started, now);
        }

        return commit;
    }

    /// <summary>
    /// Puts the rewound history in place of the old one, and sees to each of its steps that has no answer: activities and timers are
    /// asked for again, failed sub-orchestrations rewound, in turn, and those that have gone or were terminated started anew.
    /// </summary>
    /// <param name="isPending">Whether a step still waits after this turn.</param>
    /// <param name="children">The sub-orchestrations that the instance has started, as they are now.</param>
    public void Rewind(RewoundHistory rewound, Func<int, bool> isPending, ExecutionStartedEvent? started, ILookup<string, RewoundChild> children, DateTimeOffset now)
    {
        Rewound = new HistoryChunk { Events = { rewound.Events } };
        if (Ends || started is null)
        {
            return;
        }

        foreach (var step in rewound.Unanswered.Where(step => rewound.New.Contains(step.EventId) || isPending(step.EventId)))
        {
            if (step.SubOrchestrationInstanceCreated is { } created && children[created.InstanceId].FirstOrDefault() is { Status: not "Terminated" } child)
            {
                Rewind(child, step.EventId, started, now);
            }
            else
            {
                Issue(step, started, now, rewound.Failures.GetValueOrDefault(step.EventId));
            }
        }
    }

    private void Rewind(RewoundChild child, int taskId, ExecutionStartedEvent started, DateTimeOffset now)
    {
        if (child.Status == "Completed")
        {
            // Nobody was there to hear of it.
            Messages.Add(new OutgoingMessage(InstanceId, ExecutionId, false, now.UtcDateTime, Store.Messages.SubOrchestrationCompleted(taskId, child.Output, now).ToBytes()));
        }
        else if (child.Status == "Failed")
        {
            ChildrenRewound.Add((child.InstanceId, Store.Messages.Rewound($"Its parent '{InstanceId}' was rewound.", AsParent(taskId, started), now).ToBytes()));
        }
    }

    private void Add(OrchestratorAction action, ExecutionStartedEvent? started, DateTimeOffset now)
    {
        switch (action.OrchestratorActionTypeCase)
        {
            case ActionKind.TerminateOrchestration:
                var terminate = action.TerminateOrchestration;
                Send(terminate.InstanceId, null, now, new() { ExecutionTerminated = new() { Input = terminate.Reason, Recurse = terminate.Recurse } });
                break;
            case ActionKind.CompleteOrchestration when action.CompleteOrchestration.OrchestrationStatus == OrchestrationStatus.ContinuedAsNew:
                ContinueAsNew(action.CompleteOrchestration, started!, now);
                break;
            case ActionKind.CompleteOrchestration:
                End(action, started, now);
                break;
            default:
                var step = StepEvents.From(action, Timestamp.FromDateTimeOffset(now));
                History.Events.Add(step);
                Issue(step, started!, now);
                break;
        }
    }

    /// <summary>Sees to what a recorded step asks for.</summary>
    /// <param name="failures">How often it has been done in vain.</param>
    private void Issue(HistoryEvent step, ExecutionStartedEvent started, DateTimeOffset now, int failures = 0)
    {
        switch (step.EventTypeCase)
        {
            case StepKind.TaskScheduled:
                Activities.Add(new ActivityWork(InstanceId, ExecutionId, step.EventId, failures + 1, step));
                break;
            case StepKind.SubOrchestrationInstanceCreated:
                AddChild(step.EventId, step.SubOrchestrationInstanceCreated, started, now);
                break;
            case StepKind.TimerCreated:
                var fireAt = step.TimerCreated.FireAt;
                Messages.Add(new OutgoingMessage(InstanceId, ExecutionId, false, fireAt.ToDateTime(), Store.Messages.TimerFired(step.EventId, fireAt).ToBytes()));
                break;
            case StepKind.EventSent:
                var sent = step.EventSent;
                Send(sent.InstanceId, null, now, new() { EventRaised = new() { Name = sent.Name, Input = sent.Input } });
                break;
            default:
                throw new InvalidOperationException($"Instance '{InstanceId}' asked for {step.EventTypeCase}, which this store does not keep.");
        }
    }

    private void AddChild(int taskId, SubOrchestrationInstanceCreatedEvent child, ExecutionStartedEvent started, DateTimeOffset now)
    {
        var executionId = Guid.NewGuid();
        var refusal = new Protocol.TaskFailureDetails
        {
            ErrorType = typeof(OrchestrationAlreadyExistsException).FullName,
            ErrorMessage = $"Sub-orchestration '{child.Name}' was not started: instance '{child.InstanceId}' already exists and has not ended.",
            IsNonRetriable = true,
        };
        Children.Add(new Child(
            child.InstanceId,
            executionId,
            child.Name,
            child.Input,
            Store.Messages.ExecutionStarted(child.InstanceId, executionId, child.Name, child.Input, AsParent(taskId, started), now).ToBytes(),
            Store.Messages.SubOrchestrationFailed(taskId, refusal, now).ToBytes()));
    }

    private ParentInstanceInfo AsParent(int taskId, ExecutionStartedEvent started) => new()
    {
        TaskScheduledId = taskId,
        Name = started.Name,
        OrchestrationInstance = new() { InstanceId = InstanceId, ExecutionId = ExecutionId.ToString() },
    };

    private void ContinueAsNew(CompleteOrchestrationAction complete, ExecutionStartedEvent started, DateTimeOffset now)
    {
        NextExecutionId = Guid.NewGuid();
        NextInput = complete.Result;
        Status = "Running";
        var again = Store.Messages.ExecutionStarted(InstanceId, NextExecutionId, started.Name, complete.Result, started.ParentInstance, now);
        again.ExecutionStarted.Version = complete.NewVersion;
        again.ExecutionStarted.Tags.Add(started.Tags);
        Messages.RemoveAll(message => message.InstanceId == InstanceId && message.ExecutionId == ExecutionId);  // timers of an execution that is over

        // Due since ever: a look that began a moment ago must not see what came later without them.
        Messages.Add(new OutgoingMessage(InstanceId, null, true, DateTime.UnixEpoch, again.ToBytes()));
        Messages.AddRange(complete.CarryoverEvents.Select(carried => new OutgoingMessage(InstanceId, null, true, DateTime.UnixEpoch, carried.ToBytes())));
    }

    private void End(OrchestratorAction action, ExecutionStartedEvent? started, DateTimeOffset now)
    {
        var complete = action.CompleteOrchestration;
        Status = complete.OrchestrationStatus.ToString();
        Output = complete.Result;
        Failure = complete.FailureDetails?.ToBytes();
        History.Events.Add(new HistoryEvent
        {
            EventId = action.Id,
            Timestamp = Timestamp.FromDateTimeOffset(now),
            ExecutionCompleted = new() { OrchestrationStatus = complete.OrchestrationStatus, Result = complete.Result, FailureDetails = complete.FailureDetails },
        });
        if (started?.ParentInstance is not { } parent)
        {
            return;
        }

        var failure = complete.OrchestrationStatus switch
        {
            OrchestrationStatus.Completed => null,
            OrchestrationStatus.Failed => complete.FailureDetails,
            _ => new Protocol.TaskFailureDetails
            {
                ErrorType = typeof(OperationCanceledException).FullName,
                ErrorMessage = $"Sub-orchestration '{started.Name}' (instance '{InstanceId}') was terminated.",
                IsNonRetriable = true,
            },
        };
        var answer = failure is null
            ? Store.Messages.SubOrchestrationCompleted(parent.TaskScheduledId, complete.Result, now)
            : Store.Messages.SubOrchestrationFailed(parent.TaskScheduledId, failure, now);
        Messages.Add(new OutgoingMessage(
            parent.OrchestrationInstance.InstanceId, Guid.Parse(parent.OrchestrationInstance.ExecutionId), false, now.UtcDateTime, answer.ToBytes()));
    }

    /// <summary>This turn cannot be committed as it is; the instance ends with the reason instead.</summary>
    public TurnCommit Refused(Exception reason, ExecutionStartedEvent? started, DateTimeOffset now)
    {
        var failed = new OrchestratorAction
        {
            Id = -1,
            CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.Failed, FailureDetails = Failures.From(reason) },
        };
        return From(
            (InstanceId, ExecutionId, Turn), started, new TurnResult([failed], false, null, false, 0), [Store.Messages.OrchestratorStarted(now)], MessagesTaken, ActivitiesDone, now);
    }

    private void Send(string instanceId, Guid? executionId, DateTimeOffset now, HistoryEvent message)
    {
        message.EventId = -1;
        message.Timestamp = Timestamp.FromDateTimeOffset(now);
        Messages.Add(new OutgoingMessage(instanceId, executionId, false, now.UtcDateTime, message.ToBytes()));
    }
}
