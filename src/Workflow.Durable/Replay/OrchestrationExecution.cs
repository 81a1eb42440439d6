using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Workflow.Durable.Protocol;
using Workflow.Durable.Store;
using Kind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.Durable.Replay;

/// <summary>What a turn asks for, in the order the code asked.</summary>
/// <param name="Actions">Numbered as the steps are; the last one may complete the orchestration.</param>
/// <param name="CustomStatus">JSON; meaningful when <paramref name="SetsCustomStatus"/>.</param>
/// <param name="IsSuspended">The instance holds back what comes in.</param>
/// <param name="ActivitiesPending">Asked for, in this turn or before, and not back.</param>
internal sealed record TurnResult(
    IReadOnlyList<OrchestratorAction> Actions, bool SetsCustomStatus, string? CustomStatus, bool IsSuspended, int ActivitiesPending);

/// <summary>
/// One execution of an orchestrator: (past events, new events) → actions. It stays in memory between turns, in which case
/// only the new events are applied; made anew, it gets to the same point by applying the past ones first.
/// </summary>
internal sealed partial class OrchestrationExecution : TaskOrchestrationContext
{
    /// <summary>Tags of a retried step: the number of its first attempt, and which attempt this is.</summary>
    public const string FirstTaskIdTag = "workflow.firstTaskId";
    public const string AttemptTag = "workflow.attempt";

    private readonly Func<string, ITaskOrchestrator> _create;
    private readonly ILoggerFactory _loggers;
    private readonly Engine _engine;
    private readonly OrchestratorFlow _flow;
    private readonly Dictionary<int, PendingStep> _pending = [];
    private readonly Queue<Asked> _asked = new();
    private readonly Dictionary<string, EventQueue> _events = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<HistoryEvent> _heldBack = new();
    private readonly List<HistoryEvent> _tooLate = [];

    private ExecutionStartedEvent _started = new();
    private bool _hasStarted;
    private CompleteOrchestrationAction? _ended;
    private CompleteOrchestrationAction? _continuedAsNew;
    private bool _preserveEvents;
    private bool _isReplaying;
    private bool _isSuspended;
    private bool _setsCustomStatus;
    private string? _customStatus;
    private DateTime _now;
    private int _nextId;
    private int _activitiesPending;
    private int _guids;
    private int _rewinds;
    private long _arrivals;

    /// <param name="create">Makes the orchestrator registered under a name.</param>
    /// <param name="onStray">Called, from any thread, when the orchestrator's code comes back from something that is not in history.</param>
    /// <param name="engine">What keeps the instance; null for our task hub.</param>
    public OrchestrationExecution(Func<string, ITaskOrchestrator> create, ILoggerFactory loggers, Action onStray, Engine? engine = null)
    {
        _create = create;
        _loggers = loggers;
        _engine = engine ?? Engine.TaskHub;
        _flow = new OrchestratorFlow(onStray);
    }

    // ---- Turns -------------------------------------------------------------------------------------------------------

    /// <summary>Applies a history that was committed before. Asks for nothing; finds out whether the code still asks for the same.</summary>
    public void Replay(IEnumerable<HistoryEvent> past)
    {
        _isReplaying = true;
        _flow.Run(() =>
        {
            foreach (var happened in past)
            {
                Apply(happened);
            }

            CheckNothingUnrecorded();
        });
        if (_ended is { FailureDetails: var failure } && !IsDivergence(failure))
        {
            var how = failure is null ? "" : $" ({failure.ErrorType}: {failure.ErrorMessage})";
            Diverge($"the code ends after step {LatestStep}{how}, but in history it went on waiting");
        }

        if (_ended is not null)
        {
            _asked.Clear();  // what code asks for that has left its history is not done
        }

        _isReplaying = false;
    }

    /// <summary>Applies what is new and collects what the code asks for.</summary>
    public TurnResult Turn(IEnumerable<HistoryEvent> news)
    {
        _setsCustomStatus = _isRewound;
        _isRewound = false;
        if (_flow.HasStrayed)
        {
            Fail(Strayed());
        }

        _flow.Run(() =>
        {
            foreach (var happened in news)
            {
                Apply(happened);
            }
        });

        if (IsStuck)
        {
            Fail(Strayed());
        }

        if (_ended is not null)
        {
            Ask(new OrchestratorAction { CompleteOrchestration = WithCarryover(_ended) });
        }

        OrchestratorAction[] actions = [.. _asked.Select(asked => asked.Action)];
        while (_asked.TryDequeue(out var asked))
        {
            Settle(asked, _nextId);
        }

        return new TurnResult(actions, _setsCustomStatus, _customStatus, _isSuspended, _activitiesPending);
    }

    /// <summary>Its code waits, but for nothing that could ever come to it: what it awaits is not in its history.</summary>
    private bool IsStuck => _hasStarted && _ended is null && !_isSuspended && _pending.Count == 0 && _asked.All(asked => asked.Step is null) && !_events.Values.Any(queue => queue.IsAwaited);

    /// <summary>Its code came back from something that is not in history. It says so at the next turn, whoever takes it.</summary>
    public bool HasStrayed => _flow.HasStrayed;

    /// <summary>How the execution began; null while the start has not come.</summary>
    public ExecutionStartedEvent? Started => _hasStarted ? _started : null;

    private void Apply(HistoryEvent happened)
    {
        if (_ended is not null)
        {
            if (_isReplaying && IsStep(happened))
            {
                Recall(happened);
            }

            // What is meant for the instance, not for this execution of it, is the next one's.
            if (happened.EventTypeCase is Kind.EventRaised or Kind.ExecutionTerminated or Kind.ExecutionSuspended or Kind.ExecutionResumed)
            {
                _tooLate.Add(happened);
            }

            return;
        }

        switch (happened.EventTypeCase)
        {
            case Kind.OrchestratorStarted:
                CheckNothingUnrecorded();
                _now = happened.Timestamp.ToDateTime();
                break;
            case var _ when IsStep(happened):
                Recall(happened);
                break;
            case Kind.ExecutionTerminated:
                Terminate(happened.ExecutionTerminated);
                break;
            case Kind.GenericEvent when happened.GenericEvent.Data == Messages.StrayedData:
                Fail(Strayed());
                break;
            case Kind.GenericEvent:
                _nextId = Math.Max(_nextId, happened.EventId + 1);  // the number of a step that a rewind took back is not used again
                break;
            case Kind.ExecutionRewound:
                TakeRewound(happened.ExecutionRewound);
                break;
            case Kind.ExecutionSuspended:
                _isSuspended = true;
                break;
            case Kind.ExecutionResumed:
                _isSuspended = false;
                while (!_isSuspended && _heldBack.TryDequeue(out var held))
                {
                    Apply(held);
                }

                break;
            default:
                if (_isSuspended)
                {
                    _heldBack.Enqueue(happened);
                }
                else
                {
                    Deliver(happened);
                }

                break;
        }
    }

    private void Deliver(HistoryEvent happened)
    {
        switch (happened.EventTypeCase)
        {
            case Kind.ExecutionStarted:
                _started = happened.ExecutionStarted;
                _hasStarted = true;
                _ = RunAsync();  // it ends by setting _ended, never by throwing
                break;
            case Kind.TaskCompleted:
                TakeActivity(happened.TaskCompleted.TaskScheduledId)?.Complete(happened.TaskCompleted.Result);
                break;
            case Kind.TaskFailed:
                TakeActivity(happened.TaskFailed.TaskScheduledId)?.Fail(happened.TaskFailed.FailureDetails);
                break;
            case Kind.SubOrchestrationInstanceCompleted:
                Take(happened.SubOrchestrationInstanceCompleted.TaskScheduledId)?.Complete(happened.SubOrchestrationInstanceCompleted.Result);
                break;
            case Kind.SubOrchestrationInstanceFailed:
                Take(happened.SubOrchestrationInstanceFailed.TaskScheduledId)?.Fail(happened.SubOrchestrationInstanceFailed.FailureDetails);
                break;
            case Kind.TimerFired:
                Take(happened.TimerFired.TimerId)?.Complete(null);
                break;
            case Kind.EventRaised:
                EventsNamed(happened.EventRaised.Name).Arrive(happened, _arrivals++);
                break;
            case Kind.ExecutionCompleted or Kind.OrchestratorCompleted or Kind.ContinueAsNew:
                break;
            default:
                Fail(new NonDeterministicOrchestrationException(
                    $"The history of instance '{InstanceId}' holds a {happened.EventTypeCase} event, which this version does not know. Run it on the version that wrote it."));
                break;
        }
    }

    private async Task RunAsync()
    {
        try
        {
            var orchestrator = _create(_started.Name);
            var input = JsonDataConverter.Deserialize(_started.Input, orchestrator.InputType);
            var output = await orchestrator.RunAsync(this, input);
            _ended ??= _continuedAsNew ?? new CompleteOrchestrationAction
            {
                OrchestrationStatus = OrchestrationStatus.Completed,
                Result = JsonDataConverter.Serialize(output, $"the output of orchestrator '{Name}'"),
            };
        }
        catch (Exception error)
        {
            Fail(error);
        }
    }

    // ---- The end of an execution -------------------------------------------------------------------------------------

    private CompleteOrchestrationAction WithCarryover(CompleteOrchestrationAction ended)
    {
        if (ended.OrchestrationStatus == OrchestrationStatus.ContinuedAsNew)
        {
            var early = _events.Values.SelectMany(queue => queue.Early).OrderBy(early => early.Arrival).Select(early => early.Raised);
            ended.CarryoverEvents.AddRange(early.Concat(_tooLate).Where(happened => _preserveEvents || happened.EventTypeCase != Kind.EventRaised));
        }

        return ended;
    }

    private static CompleteOrchestrationAction Failed(Exception error) =>
        new() { OrchestrationStatus = OrchestrationStatus.Failed, FailureDetails = Failures.From(error) };

    private void Fail(Exception error) => _ended ??= Failed(error);

    private void Terminate(ExecutionTerminatedEvent terminated)
    {
        _asked.Clear();
        _ended = new CompleteOrchestrationAction { OrchestrationStatus = OrchestrationStatus.Terminated, Result = terminated.Input };
        if (!terminated.Recurse)
        {
            return;
        }

        foreach (var child in _pending.Values.Where(step => step.ChildInstanceId is not null).ToArray())
        {
            Ask(new OrchestratorAction
            {
                TerminateOrchestration = new() { InstanceId = child.ChildInstanceId, Reason = terminated.Input, Recurse = true },
            });
        }
    }

    // ---- Determinism -------------------------------------------------------------------------------------------------

    /// <summary>A recorded step must be one that the code has just asked for again.</summary>
    private void Recall(HistoryEvent recorded)
    {
        if (!_asked.TryDequeue(out var asked))
        {
            Diverge($"step {recorded.EventId} is {Describe(recorded)} in history, but the code no longer asks for a step there");
            return;
        }

        Settle(asked, recorded.EventId);
        if (Describe(recorded) != Describe(asked.Action))
        {
            Diverge($"step {recorded.EventId} is {Describe(recorded)} in history, but the code now asks for {Describe(asked.Action)}");
        }
    }

    /// <summary>All that the code asked for while it was replayed must be in history by the end of the turn.</summary>
    private void CheckNothingUnrecorded()
    {
        if (_isReplaying && _asked.Count > 0 && _ended is null)
        {
            Diverge($"step {_nextId} is {Describe(_asked.Peek().Action)} in the code, but history holds no step there");
        }
    }

    /// <summary>The first divergence is the instance's end, whatever end the code itself came to.</summary>
    private void Diverge(string how)
    {
        if (_ended is null || !IsDivergence(_ended.FailureDetails))
        {
            _ended = Failed(new NonDeterministicOrchestrationException(
                $"Orchestrator '{Name}' (instance '{InstanceId}') does not match its history: {how}. "
                + "Orchestrators must ask for the same steps in the same order on every replay; give changed code a new orchestrator name, or let running instances end first."));
        }
    }

    private static bool IsDivergence(Protocol.TaskFailureDetails? failure) => failure?.ErrorType == typeof(NonDeterministicOrchestrationException).FullName;

    private static bool IsStep(HistoryEvent happened) =>
        happened.EventTypeCase is Kind.TaskScheduled or Kind.SubOrchestrationInstanceCreated or Kind.TimerCreated or Kind.EventSent;

    private int LatestStep => _nextId - 1 + _asked.Count;

    private NonDeterministicOrchestrationException Strayed() => new(
        $"Orchestrator '{Name}' (instance '{InstanceId}') awaited something that is not in its history, after step {LatestStep}. "
        + "Await only what the context returns: no Task.Run, Task.Delay, ConfigureAwait(false) or I/O; move that into an activity.");

    private static string Describe(HistoryEvent recorded) => recorded.EventTypeCase switch
    {
        Kind.TaskScheduled => $"activity '{recorded.TaskScheduled.Name}'",
        Kind.SubOrchestrationInstanceCreated => $"sub-orchestration '{recorded.SubOrchestrationInstanceCreated.Name}'",
        Kind.EventSent => $"event '{recorded.EventSent.Name}' to '{recorded.EventSent.InstanceId}'",
        _ => "a timer",
    };

    private static string Describe(OrchestratorAction asked) => asked.OrchestratorActionTypeCase switch
    {
        OrchestratorAction.OrchestratorActionTypeOneofCase.ScheduleTask => $"activity '{asked.ScheduleTask.Name}'",
        OrchestratorAction.OrchestratorActionTypeOneofCase.CreateSubOrchestration => $"sub-orchestration '{asked.CreateSubOrchestration.Name}'",
        OrchestratorAction.OrchestratorActionTypeOneofCase.SendEvent => $"event '{asked.SendEvent.Name}' to '{asked.SendEvent.Instance.InstanceId}'",
        _ => "a timer",
    };

    // ---- What the orchestrator sees of itself ------------------------------------------------------------------------

    public override string Name => _started.Name;

    public override string InstanceId => _started.OrchestrationInstance.InstanceId;

    public override string Version => _started.Version ?? "";

    public override ParentOrchestrationInstance? Parent => _started.ParentInstance is { } parent
        ? new ParentOrchestrationInstance(parent.Name ?? "", parent.OrchestrationInstance.InstanceId)
        : null;

    public override DateTime CurrentUtcDateTime => _now;

    public override bool IsReplaying => _isReplaying;

    public override Guid NewGuid()
    {
        CheckFlow();
        var seed = $"{InstanceId}\n{_started.OrchestrationInstance.ExecutionId}\n{_guids++}{(_rewinds == 0 ? "" : $"\n{_rewinds}")}";
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(seed)).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x80);  // RFC 9562: version 8, made from a hash of our own
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    public override ILogger CreateReplaySafeLogger(string categoryName) => new ReplaySafeLogger(this, _loggers.CreateLogger(categoryName));

    public override void SetCustomStatus(object? customStatus)
    {
        CheckFlow();
        _customStatus = JsonDataConverter.Serialize(customStatus, $"the custom status of instance '{InstanceId}'");
        _setsCustomStatus = true;
    }

    // ---- What the orchestrator asks for ------------------------------------------------------------------------------

    public override Task<TResult> CallActivityAsync<TResult>(string name, object? input = null, TaskOptions? options = null)
    {
        CheckFlow();
        var json = JsonDataConverter.Serialize(input, $"the input of activity '{name}'");
        int? first = null;
        return options?.Retry is { } policy
            ? WithRetries<TResult>(policy, Deliver)
            : Deliver(1, null);

        Task<TResult> Deliver(int attempt, int? firstId) => _engine.LosesActivities
            ? WithRetries<TResult>(LostActivityException.Retries, (delivery, _) => Schedule(attempt + delivery - 1, first ??= LatestStep + 1))
            : Schedule(attempt, firstId);

        Task<TResult> Schedule(int attempt, int? firstId)
        {
            var action = new ScheduleTaskAction { Name = name, Input = json };
            Tag(action.Tags, attempt, firstId);
            _activitiesPending++;
            return Await<TResult>(name, new OrchestratorAction { ScheduleTask = action });
        }
    }

    public override Task<TResult> CallSubOrchestratorAsync<TResult>(string name, object? input = null, TaskOptions? options = null)
    {
        CheckFlow();
        var json = JsonDataConverter.Serialize(input, $"the input of orchestrator '{name}'");
        var givenId = (options as SubOrchestrationOptions)?.InstanceId;
        return options?.Retry is { } policy ? WithRetries<TResult>(policy, Begin) : Begin(1, null);

        Task<TResult> Begin(int attempt, int? firstId) =>
            _engine.SwallowsTakenIds && givenId is not null ? CreateUnlessTakenAsync(givenId, attempt, firstId) : Create(attempt, firstId);

        async Task<TResult> CreateUnlessTakenAsync(string id, int attempt, int? firstId)
        {
            if (await CallActivityAsync<OrchestrationRuntimeStatus?>(FindUnfinished.Name, InstanceIds.Check(id)) is { } status)
            {
                throw new TaskFailedException(name, LatestStep + 1, TaskFailureDetails.FromException(new OrchestrationAlreadyExistsException(id, status)));
            }

            return await Create(attempt, firstId);
        }

        Task<TResult> Create(int attempt, int? firstId)
        {
            var id = givenId is null ? InstanceIds.Derive(InstanceId, NewGuid()) : InstanceIds.Check(givenId);
            var action = new CreateSubOrchestrationAction { InstanceId = id, Name = name, Input = json };
            Tag(action.Tags, attempt, firstId);
            return Await<TResult>(name, new OrchestratorAction { CreateSubOrchestration = action }, childInstanceId: id);
        }
    }

    public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        CheckFlow();
        return fireAt.ToUniversalTime() - _now > _engine.LongestTimer ? CreateLongTimerAsync(fireAt, cancellationToken) : CreateOneTimer(fireAt, cancellationToken);
    }

    private async Task CreateLongTimerAsync(DateTime fireAt, CancellationToken cancellationToken)
    {
        while (fireAt.ToUniversalTime() - _now > _engine.LongestTimer)
        {
            await CreateOneTimer(_now + _engine.LongestTimer, cancellationToken);
        }

        await CreateOneTimer(fireAt, cancellationToken);
    }

    private Task<object?> CreateOneTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        var action = new CreateTimerAction { FireAt = Timestamp.FromDateTime(fireAt.ToUniversalTime()) };
        return Await<object?>("timer", new OrchestratorAction { CreateTimer = action }, cancellation: cancellationToken);
    }

    public override Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default)
    {
        CheckFlow();
        ArgumentException.ThrowIfNullOrWhiteSpace(eventName);
        var waiter = new PendingStep<T>(eventName, null);
        EventsNamed(eventName).Wait(waiter);
        waiter.CancelWith(cancellationToken);
        return waiter.Task;
    }

    public override void SendEvent(string instanceId, string eventName, object? payload = null)
    {
        CheckFlow();
        ArgumentException.ThrowIfNullOrWhiteSpace(eventName);
        var json = JsonDataConverter.Serialize(payload, $"event '{eventName}' for instance '{instanceId}'");
        Ask(new OrchestratorAction { SendEvent = new() { Instance = new() { InstanceId = instanceId }, Name = eventName, Data = json } });
    }

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true)
    {
        CheckFlow();
        var json = JsonDataConverter.Serialize(newInput, $"the input of orchestrator '{Name}'");
        _preserveEvents = preserveUnprocessedEvents;
        _continuedAsNew = new CompleteOrchestrationAction
        {
            OrchestrationStatus = OrchestrationStatus.ContinuedAsNew,
            Result = json,
            NewVersion = _started.Version,
        };
    }

    private async Task<TResult> WithRetries<TResult>(RetryPolicy policy, Func<int, int?, Task<TResult>> call)
    {
        var begun = CurrentUtcDateTime;
        int? firstId = null;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call(attempt, firstId);
            }
            catch (TaskFailedException failed) when (attempt < policy.MaxNumberOfAttempts && policy.Allows(failed.FailureDetails))
            {
                firstId ??= failed.TaskId;
                var interval = policy.IntervalAfter(attempt);
                if (policy.RetryTimeout != Timeout.InfiniteTimeSpan && CurrentUtcDateTime + interval - begun >= policy.RetryTimeout)
                {
                    throw;
                }

                if (interval > TimeSpan.Zero)
                {
                    await CreateTimer(interval, CancellationToken.None);
                }
            }
        }
    }

    /// <summary>A retry says whose retry it is.</summary>
    private static void Tag(MapField<string, string> tags, int attempt, int? firstId)
    {
        if (firstId is { } first)
        {
            tags[FirstTaskIdTag] = first.ToString(CultureInfo.InvariantCulture);
            tags[AttemptTag] = attempt.ToString(CultureInfo.InvariantCulture);
        }
    }

    private Task<T> Await<T>(string name, OrchestratorAction action, string? childInstanceId = null, CancellationToken cancellation = default)
    {
        var step = new PendingStep<T>(name, childInstanceId);
        Ask(action, step);
        step.CancelWith(cancellation);
        return step.Task;
    }

    private void Ask(OrchestratorAction action, PendingStep? step = null) => _asked.Enqueue(new Asked(action, step));

    /// <summary>A step gets its number when it is written to history, or the one that history has for it.</summary>
    private void Settle(Asked asked, int id)
    {
        asked.Action.Id = id;
        _nextId = Math.Max(_nextId, id + 1);
        if (asked.Step is { } step)
        {
            step.Id = id;
            _pending[id] = step;
        }
    }

    private PendingStep? TakeActivity(int id)
    {
        var step = Take(id);
        _activitiesPending -= step is null ? 0 : 1;
        return step;
    }

    private PendingStep? Take(int id) => _pending.Remove(id, out var step) ? step : null;

    private EventQueue EventsNamed(string name)
    {
        if (!_events.TryGetValue(name, out var queue))
        {
            _events.Add(name, queue = new EventQueue());
        }

        return queue;
    }

    private void CheckFlow()
    {
        if (!_flow.IsCurrent)
        {
            throw Strayed();
        }
    }

    // ---- Waiting -----------------------------------------------------------------------------------------------------

    /// <summary>What the code has asked for in the turn under way, and what waits for it.</summary>
    private sealed record Asked(OrchestratorAction Action, PendingStep? Step);

    /// <summary>A step that has been asked for and has not come back.</summary>
    private abstract class PendingStep(string name, string? childInstanceId)
    {
        public string Name => name;

        public int Id { get; set; } = -1;

        public string? ChildInstanceId => childInstanceId;

        public abstract bool IsOver { get; }

        public abstract void Complete(string? json);

        public abstract void Fail(Protocol.TaskFailureDetails failure);
    }

    // No RunContinuationsAsynchronously: WhenAll and WhenAny would then go on from the thread pool, outside the turn.
    private sealed class PendingStep<T>(string name, string? childInstanceId) : PendingStep(name, childInstanceId)
    {
        private readonly TaskCompletionSource<T> _result = new();

        public Task<T> Task => _result.Task;

        public override bool IsOver => Task.IsCompleted;

        public override void Complete(string? json)
        {
            T value;
            try
            {
                value = JsonDataConverter.Deserialize<T>(json)!;
            }
            catch (Exception error)  // of the serialiser or of the type's own constructor: the orchestrator's, never the host's
            {
                _result.TrySetException(new InvalidOperationException($"What '{Name}' returned is not a {typeof(T).Name}: {error.Message}", error));
                return;
            }

            _result.TrySetResult(value);
        }

        public override void Fail(Protocol.TaskFailureDetails failure) =>
            _result.TrySetException(new TaskFailedException(Name, Id, failure.ToDetails()));

        public void CancelWith(CancellationToken cancellation)
        {
            if (cancellation.CanBeCanceled)
            {
                cancellation.Register(() => _result.TrySetCanceled(cancellation));
            }
        }
    }

    /// <summary>Events of one name: those that came before anybody asked, or those who asked before one came.</summary>
    private sealed class EventQueue
    {
        private readonly Queue<PendingStep> _waiting = new();
        private readonly Queue<(HistoryEvent Raised, long Arrival)> _early = new();

        public IEnumerable<(HistoryEvent Raised, long Arrival)> Early => _early;

        public bool IsAwaited => _waiting.Any(waiter => !waiter.IsOver);

        public void Arrive(HistoryEvent raised, long arrival)
        {
            while (_waiting.TryDequeue(out var waiter))
            {
                if (!waiter.IsOver)
                {
                    waiter.Complete(raised.EventRaised.Input);
                    return;
                }
            }

            _early.Enqueue((raised, arrival));
        }

        public void Wait(PendingStep waiter)
        {
            if (_early.TryDequeue(out var early))
            {
                waiter.Complete(early.Raised.EventRaised.Input);
            }
            else
            {
                _waiting.Enqueue(waiter);
            }
        }
    }

    private sealed class ReplaySafeLogger(OrchestrationExecution execution, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => !execution.IsReplaying && inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
