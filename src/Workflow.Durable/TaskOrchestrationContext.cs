using Microsoft.Extensions.Logging;

namespace Workflow.Durable;

/// <summary>
/// All that an orchestrator may touch. Every member gives the same answer on replay as it did the first time.
/// Await nothing but what this context returns (and <c>Task.WhenAll</c>/<c>WhenAny</c> over it), on the orchestrator's own flow.
/// </summary>
public abstract class TaskOrchestrationContext
{
    /// <summary>The orchestrator's registered name.</summary>
    public abstract string Name { get; }

    public abstract string InstanceId { get; }

    /// <summary>The instance that started this one as a sub-orchestration, or null.</summary>
    public abstract ParentOrchestrationInstance? Parent { get; }

    /// <summary>The time of the current turn, UTC: the only clock an orchestrator has.</summary>
    public abstract DateTime CurrentUtcDateTime { get; }

    /// <summary>True while history is being replayed: what happens now has happened before.</summary>
    public abstract bool IsReplaying { get; }

    /// <summary>The version this instance was started with; empty without one.</summary>
    public abstract string Version { get; }

    /// <summary>Calls an activity by name; with retries as <paramref name="options"/> say.</summary>
    /// <exception cref="TaskFailedException">The activity failed for good.</exception>
    public abstract Task<TResult> CallActivityAsync<TResult>(string name, object? input = null, TaskOptions? options = null);

    /// <inheritdoc cref="CallActivityAsync{TResult}"/>
    public Task CallActivityAsync(string name, object? input = null, TaskOptions? options = null) =>
        CallActivityAsync<object?>(name, input, options);

    /// <summary>Starts another orchestration and waits for its output. Its id is derived from this instance unless given.</summary>
    /// <exception cref="TaskFailedException">The sub-orchestration failed, was terminated, or its id is in use.</exception>
    public abstract Task<TResult> CallSubOrchestratorAsync<TResult>(string name, object? input = null, TaskOptions? options = null);

    /// <inheritdoc cref="CallSubOrchestratorAsync{TResult}"/>
    public Task CallSubOrchestratorAsync(string name, object? input = null, TaskOptions? options = null) =>
        CallSubOrchestratorAsync<object?>(name, input, options);

    /// <summary>A durable timer: it fires after the delay even if every host was down in between.</summary>
    public Task CreateTimer(TimeSpan delay, CancellationToken cancellationToken) =>
        CreateTimer(CurrentUtcDateTime.Add(delay), cancellationToken);

    /// <inheritdoc cref="CreateTimer(TimeSpan, CancellationToken)"/>
    /// <param name="fireAt">UTC.</param>
    public abstract Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken);

    /// <summary>
    /// Waits for an event of that name (case-insensitive). Events that come early are kept; each is taken once, first come first served.
    /// </summary>
    public abstract Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default);

    /// <inheritdoc cref="WaitForExternalEvent{T}(string, CancellationToken)"/>
    /// <exception cref="TaskCanceledException">Nothing came within <paramref name="timeout"/>.</exception>
    public async Task<T> WaitForExternalEvent<T>(string eventName, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        using var untilEvent = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var untilTimeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var arrived = WaitForExternalEvent<T>(eventName, untilTimeout.Token);
        var elapsed = CreateTimer(timeout, untilEvent.Token);
        if (await Task.WhenAny(arrived, elapsed) == arrived)
        {
            untilEvent.Cancel();  // here and now: CancelAsync would leave the orchestrator's flow
        }
        else
        {
            untilTimeout.Cancel();
        }

        return await arrived;
    }

    /// <summary>Raises an event for another instance; one-way, delivered once if that instance is still running.</summary>
    public abstract void SendEvent(string instanceId, string eventName, object? payload = null);

    /// <summary>Sets what queries show of this instance's progress; at most 1 MiB as JSON.</summary>
    public abstract void SetCustomStatus(object? customStatus);

    /// <summary>
    /// Ends this execution and starts it afresh with a new input and an empty history, under the same instance id.
    /// Return right after it.
    /// </summary>
    public abstract void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true);

    /// <summary>A new identifier that is the same on every replay.</summary>
    public abstract Guid NewGuid();

    /// <summary>A logger that is silent during replay, so that a line is written once.</summary>
    public abstract ILogger CreateReplaySafeLogger(string categoryName);

    /// <inheritdoc cref="CreateReplaySafeLogger(string)"/>
    public ILogger CreateReplaySafeLogger<T>() => CreateReplaySafeLogger(typeof(T).FullName!);
}

/// <summary>The orchestration that waits for a sub-orchestration.</summary>
public sealed record ParentOrchestrationInstance(string Name, string InstanceId);
