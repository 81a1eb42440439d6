using Google.Protobuf;
using Workflow.Durable.Protocol;
using Workflow.Durable.Store;
using Kind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.Durable.Replay;

/// <summary>The history of a failed execution as it would be had the steps that failed it not ended yet.</summary>
/// <param name="Events">Instead of the old ones: turns as they would have been, and then a note of each event that is taken back.</param>
/// <param name="Unanswered">The steps in it that have no answer.</param>
/// <param name="New">Those among them that were never asked for before.</param>
/// <param name="Failures">How often a step has failed so far, its retries too, by the number of its first attempt.</param>
internal sealed record RewoundHistory(
    IReadOnlyList<HistoryEvent> Events, IReadOnlyList<HistoryEvent> Unanswered, IReadOnlySet<int> New, IReadOnlyDictionary<int, int> Failures);

internal sealed partial class OrchestrationExecution
{
    private bool _isRewound;

    /// <summary>
    /// Applies the history of a failed execution without the failures that ended it. The code runs as it would have run had it not heard
    /// of them: steps that it asks for on the way and that are in the old history are kept under their numbers, with their answers,
    /// in whatever order they come now; all the others are taken back. What came from outside (events, timers) stays.
    /// </summary>
    /// <param name="heard">The failures upon which the code did something, as <see cref="FindHeard"/> says.</param>
    public RewoundHistory Rewind(IReadOnlyCollection<HistoryEvent> past, IReadOnlySet<int> heard)
    {
        var rewind = new Rewinding(this, past, FailedSteps.Of(past, heard));
        _isReplaying = true;
        _flow.Run(rewind.Run);
        _isReplaying = false;
        _isRewound = true;
        _nextId = rewind.NextId;  // what is taken back has had its number
        return rewind.Result();
    }

    /// <summary>Applies a history to find the failed steps whose failure made the code ask for something else at once.</summary>
    public IReadOnlySet<int> FindHeard(IEnumerable<HistoryEvent> past)
    {
        var heard = new HashSet<int>();
        _isReplaying = true;
        _flow.Run(() =>
        {
            foreach (var happened in past)
            {
                var asked = _asked.Count;
                Apply(happened);
                if (FailedSteps.FailureOf(happened) is { } failed && _asked.Count > asked)
                {
                    heard.Add(failed);
                }
            }
        });
        return heard;
    }

    /// <summary>The step waits for an answer.</summary>
    public bool IsPending(int taskId) => _pending.ContainsKey(taskId);

    private void TakeRewound(ExecutionRewoundEvent rewound)
    {
        _rewinds++;
        if (rewound.ParentInstance is { } parent)
        {
            _started = _started.Clone();
            _started.ParentInstance = parent;
        }
    }

    private sealed class Rewinding(OrchestrationExecution execution, IReadOnlyCollection<HistoryEvent> past, IReadOnlySet<int> failed)
    {
        private readonly Dictionary<ByteString, Queue<HistoryEvent>> _unclaimed =
            past.Where(IsStep).GroupBy(StepEvents.Content).ToDictionary(same => same.Key, same => new Queue<HistoryEvent>(same));
        private readonly Dictionary<int, HistoryEvent> _claimed = [];
        private readonly HashSet<int> _new = [];
        private readonly HashSet<int> _answered = [];
        private readonly List<HistoryEvent> _early = [];  // answers to steps that the code has not come to yet
        private readonly List<HistoryEvent> _takenBack = [];
        private readonly List<HistoryEvent> _kept = [];
        private HistoryEvent? _turn;

        public int NextId { get; private set; } = past.Max(happened => happened.EventId) + 1;

        public void Run()
        {
            foreach (var happened in past)
            {
                if (happened.EventTypeCase == Kind.OrchestratorStarted)
                {
                    EndTurn();
                    _turn = happened;
                }

                Take(happened);
            }

            EndTurn();
        }

        public RewoundHistory Result()
        {
            var takenBack = _takenBack.Concat(_early).Concat(_unclaimed.Values.SelectMany(same => same)).ToHashSet<HistoryEvent>(ReferenceEqualityComparer.Instance);
            return new(
                [.. _kept, .. past.Where(takenBack.Contains).Select(Messages.TakenBack)],
                [.. _claimed.Values.Where(step => !_answered.Contains(step.EventId))],
                _new,
                failed.CountBy(new Attempts(past).FirstOf).ToDictionary());
        }

        private void Take(HistoryEvent happened)
        {
            switch (happened.EventTypeCase)
            {
                case var _ when IsStep(happened):
                    break;  // it is kept when the code asks for it
                case Kind.ExecutionCompleted or Kind.ExecutionTerminated:
                case Kind.GenericEvent when happened.GenericEvent.Data == Messages.StrayedData:
                case Kind.TaskFailed or Kind.SubOrchestrationInstanceFailed when failed.Contains(AnswerTo(happened)!.Value):
                    _takenBack.Add(happened);
                    break;
                case var _ when AnswerTo(happened) is { } taskId && !_claimed.ContainsKey(taskId):
                    _early.Add(happened);
                    break;
                default:
                    Keep(happened);
                    break;
            }
        }

        private void Keep(HistoryEvent happened)
        {
            _kept.Add(happened);
            if (AnswerTo(happened) is { } taskId)
            {
                _answered.Add(taskId);
            }

            execution.Apply(happened);
        }

        /// <summary>Writes down what the code has asked for. Where the answer is there already, another turn brings it.</summary>
        private void EndTurn()
        {
            while (true)
            {
                while (execution._asked.TryDequeue(out var asked))
                {
                    Claim(asked);
                }

                HistoryEvent[] answers = [.. _early.Where(answer => _claimed.ContainsKey(AnswerTo(answer)!.Value))];
                if (answers.Length == 0)
                {
                    return;
                }

                Keep(_turn!);
                foreach (var answer in answers)
                {
                    _early.Remove(answer);
                    Keep(answer);
                }
            }
        }

        private void Claim(Asked asked)
        {
            var step = StepEvents.From(asked.Action, _turn!.Timestamp);
            if (_unclaimed.TryGetValue(StepEvents.Content(step), out var same) && same.TryDequeue(out var recorded))
            {
                step = recorded;
            }
            else
            {
                step.EventId = NextId++;
                _new.Add(step.EventId);
            }

            _claimed.Add(step.EventId, step);
            _kept.Add(step);
            execution.Settle(asked, step.EventId);
        }

        private static int? AnswerTo(HistoryEvent happened) => happened.EventTypeCase switch
        {
            Kind.TaskCompleted => happened.TaskCompleted.TaskScheduledId,
            Kind.SubOrchestrationInstanceCompleted => happened.SubOrchestrationInstanceCompleted.TaskScheduledId,
            Kind.TimerFired => happened.TimerFired.TimerId,
            _ => FailedSteps.FailureOf(happened),
        };
    }
}
