using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;

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
    private readonly HashSet<long> _seen = [];
    private List<Arrival> _arrivals = [];
    private bool _inHand;
    private bool _inTurn;
    private bool _wanted;

    public string InstanceId => instanceId;

    public Guid ExecutionId { get; private set; } = executionId;

    /// <summary>Turns committed so far.</summary>
    public int Turn { get; private set; } = turn;

    /// <summary>Null until it has been replayed.</summary>
    public OrchestrationExecution? Execution { get; set; }

    /// <summary>The history to replay when there is no execution in memory.</summary>
    public IReadOnlyList<HistoryChunk> History { get; set; } = [];

    public void TakeInHand()
    {
        lock (_lock)
        {
            _inHand = true;
        }
    }

    /// <summary>Takes in messages not seen yet. True when a turn is to be queued.</summary>
    public bool Deliver(IEnumerable<(long MessageId, HistoryEvent Event)> messages)
    {
        lock (_lock)
        {
            if (!_inHand)
            {
                return false;
            }

            foreach (var (messageId, happened) in messages)
            {
                if (_seen.Add(messageId))
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

    /// <summary>The turn is in the database. True when the next one is to be queued.</summary>
    public bool EndTurn(Guid executionId, IEnumerable<long> messagesTaken)
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
            _seen.ExceptWith(messagesTaken);
            if (_inHand)
            {
                return (_arrivals.Count > 0 || _wanted) && Awaken();
            }

            // What came after the release is still in the database and comes again.
            _seen.Clear();
            _arrivals = [];
            return false;
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
