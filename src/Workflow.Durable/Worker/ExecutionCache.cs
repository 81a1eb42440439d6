namespace Workflow.Durable.Worker;

/// <summary>Orchestrators that wait, remembered so that they need not be replayed: the most recently used, so many at most.</summary>
internal sealed class ExecutionCache(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<LiveInstance>> _known = [];
    private readonly LinkedList<LiveInstance> _byUse = new();

    public void Keep(LiveInstance live)
    {
        lock (_lock)
        {
            Forget(live.InstanceId);
            _known[live.InstanceId] = _byUse.AddLast(live);
            if (_byUse.Count > capacity)
            {
                Forget(_byUse.First!.Value.InstanceId);
            }
        }
    }

    /// <summary>Takes the instance out, or null when it is not remembered.</summary>
    public LiveInstance? Take(string instanceId)
    {
        lock (_lock)
        {
            return Forget(instanceId);
        }
    }

    private LiveInstance? Forget(string instanceId)
    {
        if (!_known.Remove(instanceId, out var node))
        {
            return null;
        }

        _byUse.Remove(node);
        return node.Value;
    }
}
