namespace Workflow.Durable;

/// <summary>Starts, watches and steers instances. It needs the engine that keeps them, not a running host.</summary>
public abstract class DurableTaskClient
{
    /// <summary>Starts an instance and returns its id once the start is durable.</summary>
    /// <exception cref="OrchestrationAlreadyExistsException">The id is taken and the options ask to throw.</exception>
    /// <exception cref="PayloadTooLargeException">The input is larger than 1 MiB.</exception>
    public abstract Task<string> ScheduleNewOrchestrationInstanceAsync(
        string orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default);

    /// <summary>Raises an event. It waits for the instance if it comes early; it is dropped if the instance has ended.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="PayloadTooLargeException">The payload is larger than 1 MiB.</exception>
    public abstract Task RaiseEventAsync(string instanceId, string eventName, object? payload = null, CancellationToken cancellation = default);

    /// <summary>Ends an instance with status Terminated, with everything it started, at its next turn.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public abstract Task TerminateInstanceAsync(string instanceId, object? output = null, bool recursive = true, CancellationToken cancellation = default);

    /// <summary>Holds an instance: what comes in is kept, nothing new is asked for, until it is resumed.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public abstract Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default);

    /// <inheritdoc cref="SuspendInstanceAsync"/>
    public abstract Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default);

    /// <summary>
    /// Lets a failed instance go on from the steps that failed it: they are done again, failed sub-orchestrations from where they failed
    /// in turn. What had succeeded by then is kept; what was asked for only after hearing of the failure is taken back.
    /// </summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="OrchestrationNotFailedException">It has not failed, or another rewind was first.</exception>
    /// <exception cref="NotSupportedException">The engine has no such thing.</exception>
    public virtual Task RewindInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        throw new NotSupportedException($"Instance '{instanceId}' is kept by an engine that cannot rewind it. Start it anew under another id.");

    /// <summary>One instance, or null.</summary>
    public abstract Task<OrchestrationMetadata?> GetInstanceAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default);

    /// <summary>One page of instances, newest first where the engine keeps them in order.</summary>
    public abstract Task<Page<OrchestrationMetadata>> QueryInstancesAsync(OrchestrationQuery query, CancellationToken cancellation = default);

    /// <summary>All instances that match, newest first.</summary>
    public virtual async IAsyncEnumerable<OrchestrationMetadata> GetAllInstancesAsync(
        OrchestrationQuery? query = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        query ??= new OrchestrationQuery();
        do
        {
            var page = await QueryInstancesAsync(query, cancellation);
            foreach (var instance in page.Values)
            {
                yield return instance;
            }

            query = query with { ContinuationToken = page.ContinuationToken };
        }
        while (query.ContinuationToken is not null);
    }

    /// <summary>Waits until the instance has begun its first turn.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public Task<OrchestrationMetadata> WaitForInstanceStartAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default) =>
        WaitAsync(instanceId, getInputsAndOutputs, instance => instance.RuntimeStatus != OrchestrationRuntimeStatus.Pending, cancellation);

    /// <summary>Waits until the instance has ended; then its output or failure is there. An outage of the engine meanwhile is waited out.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default) =>
        WaitAsync(instanceId, getInputsAndOutputs, instance => instance.IsCompleted, cancellation);

    /// <summary>Removes an ended instance and its history; with its sub-orchestrations unless told otherwise. Returns how many went.</summary>
    public abstract Task<int> PurgeInstanceAsync(string instanceId, bool recursive = true, CancellationToken cancellation = default);

    /// <summary>Removes all ended instances that match. Returns how many went.</summary>
    public abstract Task<int> PurgeAllInstancesAsync(PurgeInstancesFilter filter, CancellationToken cancellation = default);

    /// <summary>What has happened in the instance's current execution, in order.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public abstract Task<IReadOnlyList<OrchestrationHistoryEvent>> GetOrchestrationHistoryAsync(string instanceId, CancellationToken cancellation = default);

    /// <summary>Waits until an instance is as asked.</summary>
    protected abstract Task<OrchestrationMetadata> WaitAsync(
        string instanceId, bool getInputsAndOutputs, Func<OrchestrationMetadata, bool> reached, CancellationToken cancellation);
}

/// <summary>There is no instance of that id in this task hub.</summary>
public sealed class InstanceNotFoundException(string instanceId)
    : Exception($"There is no instance '{instanceId}'. List the ones there are, or check the task hub this host is connected to.");

/// <summary>Only an instance that has failed can be rewound.</summary>
public sealed class OrchestrationNotFailedException(string instanceId, OrchestrationRuntimeStatus status)
    : InvalidOperationException($"Instance '{instanceId}' is {status}; only one that has failed can be rewound.")
{
    public bool HasEnded => status.IsTerminal();
}

/// <summary>One line of an instance's history.</summary>
/// <param name="Type">The protocol's word: TaskScheduled, TimerFired, EventRaised …</param>
/// <param name="TaskId">The step it belongs to, where it belongs to one.</param>
/// <param name="Name">Of the activity, orchestrator or event.</param>
/// <param name="Data">Input, result or payload as JSON; for timers the time they fire at.</param>
public sealed record OrchestrationHistoryEvent(
    DateTimeOffset Timestamp, string Type, int? TaskId, string? Name, string? Data, TaskFailureDetails? Failure);
