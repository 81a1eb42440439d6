using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using Workflow.Durable.Store;

namespace Workflow.Durable.Worker;

/// <summary>Something that came to an instance and waits for its next turn.</summary>
/// <param name="MessageId">Where it came as a message.</param>
/// <param name="TaskId">Where it is the result of an activity that this host holds.</param>
internal readonly record struct Arrival(HistoryEvent Event, long? MessageId, int? TaskId);

/// <summary>
/// An instance in this host's memory. In hand, it takes turns: at most one at a time from the moment something arrives until that
/// turn is committed. Out of hand, it is only remembered, for as long as nobody else has moved it on.
/// </summary>
internal sealed class LiveInstance(string instanceId, Guid executionId, int turn)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<long, long> _seen = [];  // messages taken in, and when they were spent; 0 until then
    private List<Arrival> _arrivals = [];
    private bool _inHand;
    private bool _inTurn;
    private bool _wanted;
    private bool _refused;

    public string InstanceId => instanceId;

    public Guid ExecutionId { get; private set; } = executionId;

    /// <summary>Turns committed so far.</summary>
    public int Turn { get; private set; } = turn;

    /// <summary>Null until it has been replayed.</summary>
    public OrchestrationExecution? Execution { get; set; }

    /// <summary>The history to replay when there is no execution in memory.</summary>
    public IReadOnlyList<HistoryChunk> History { get; set; } = [];

    /// <summary>Its history ends with its end: it was rewound, and its next turn begins again.</summary>
    public bool IsRewound => History.Count > 0 && History[^1].Events.LastOrDefault()?.ExecutionCompleted is not null;

    /// <summary>The sub-orchestrations it has started, where it is rewound.</summary>
    public ILookup<string, RewoundChild>? Children { get; set; }

    /// <summary>What its next turn puts in place of its history, where it is rewound.</summary>
    public RewoundHistory? Rewound { get; set; }

    public void TakeInHand()
    {
        lock (_lock)
        {
            _inHand = true;
        }
    }

    /// <summary>Takes in messages not seen yet. True when a turn is to be queued.</summary>
    /// <param name="asked">When the database was asked: what was spent since may be among the messages once more.</param>
    public bool Deliver(IEnumerable<(long MessageId, HistoryEvent Event)> messages, long asked)
    {
        lock (_lock)
        {
            if (!_inHand)
            {
                _refused = true;
                return false;
            }

            foreach (var (spent, _) in _seen.Where(seen => seen.Value != 0 && seen.Value < asked).ToArray())
            {
                _seen.Remove(spent);
            }

            foreach (var (messageId, happened) in messages)
            {
                if (_seen.TryAdd(messageId, 0))
                {
                    _arrivals.Add(new Arrival(happened, messageId, null));
                }
            }

            return Awaken();
        }
    }

    /// <summary>Takes in the result of an activity this host ran. False when the instance is not in hand, or another execution of it is.</summary>
    public bool TryDeliver(Guid executionId, int taskId, HistoryEvent result, out bool queue)
    {
        lock (_lock)
        {
            queue = false;
            if (!_inHand || executionId != ExecutionId)
            {
                return false;
            }

            _arrivals.Add(new Arrival(result, null, taskId));
            queue = Awaken();
            return true;
        }
    }

    /// <summary>Asks for a turn although nothing has arrived. True when it is to be queued.</summary>
    public bool WantTurn()
    {
        lock (_lock)
        {
            _wanted = true;
            return _inHand && Awaken();
        }
    }

    /// <summary>Begins a turn with all that has arrived.</summary>
    public List<Arrival> BeginTurn()
    {
        lock (_lock)
        {
            var arrived = _arrivals;
            _arrivals = [];
            _wanted = false;
            return arrived;
        }
    }

    /// <summary>Lets go, as part of the commit being made, unless the next turn is near.</summary>
    /// <param name="ends">The instance, or this execution of it, is over.</param>
    /// <param name="waitsForActivities">Their results come here first.</param>
    public bool TryRelease(bool ends, bool waitsForActivities)
    {
        lock (_lock)
        {
            _inHand = !ends && (waitsForActivities || _arrivals.Count > 0 || _wanted);
            return !_inHand;
        }
    }

    /// <summary>Lets go without a turn, where none is under way or due.</summary>
    public bool TryLetGo()
    {
        lock (_lock)
        {
            if (_inTurn || _arrivals.Count > 0 || _wanted)
            {
                return false;
            }

            _inHand = false;
            return true;
        }
    }

    /// <summary>The turn is in the database.</summary>
    /// <param name="now">A timestamp, as <see cref="Deliver"/> takes them.</param>
    /// <returns>
    /// Whether the next turn is to be queued; whether messages were turned away that must be looked for again; and results that came
    /// too late for the execution that asked for them.
    /// </returns>
    public (bool Queue, bool Look, IReadOnlyList<Arrival> TooLate) EndTurn(Guid executionId, IEnumerable<long> messagesTaken, long now)
    {
        lock (_lock)
        {
            Turn++;
            if (executionId != ExecutionId)
            {
                ExecutionId = executionId;
                Execution = null;
            }

            _inTurn = false;
            foreach (var spent in messagesTaken)
            {
                _seen[spent] = now;
            }

            if (_inHand)
            {
                return (Awaken(), false, []);
            }

            // Let go with arrivals: the instance, or this execution of it, is over. Messages among them are still in the database and
            // come again, those for the next execution behind the ones it carries over.
            Arrival[] tooLate = [.. _arrivals.Where(arrival => arrival.TaskId is not null)];
            _arrivals = [];
            _seen.Clear();
            var look = _refused;
            _refused = false;
            return (false, look, tooLate);
        }
    }

    private bool Awaken()
    {
        if (_inTurn || (_arrivals.Count == 0 && !_wanted))
        {
            return false;
        }

        return _inTurn = true;
    }
}
