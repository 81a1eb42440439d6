namespace Workflow.Durable.Replay;

/// <summary>
/// The one flow an orchestrator's code runs on: continuations queue here and run inside a turn, one after the other, in order.
/// A continuation that comes from anywhere else means that the code awaited something that is not in its history.
/// </summary>
internal sealed class OrchestratorFlow(Action onStray) : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Run, object? State)> _ready = new();
    private int _turnThread;

    /// <summary>Something came back from outside a turn; what it carries is not replayable.</summary>
    public bool HasStrayed { get; private set; }

    /// <summary>The calling code is the orchestrator's, inside a turn.</summary>
    public bool IsCurrent => Current == this && _turnThread == Environment.CurrentManagedThreadId;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Volatile.Read(ref _turnThread) == Environment.CurrentManagedThreadId)
        {
            _ready.Enqueue((d, state));
            return;
        }

        if (!HasStrayed)
        {
            HasStrayed = true;
            onStray();
        }
    }

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("An orchestrator cannot be called into synchronously.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs <paramref name="step"/> and all that becomes ready by it, on this thread.</summary>
    public void Run(Action step)
    {
        var before = Current;
        SetSynchronizationContext(this);
        Volatile.Write(ref _turnThread, Environment.CurrentManagedThreadId);
        try
        {
            step();
            while (_ready.TryDequeue(out var next))
            {
                next.Run(next.State);
            }
        }
        finally
        {
            Volatile.Write(ref _turnThread, 0);
            SetSynchronizationContext(before);
        }
    }
}
