using Npgsql;
using Workflow.Durable.Store;

namespace Workflow.Durable;

/// <summary>Starts, watches and steers instances. It needs the task hub's database, not a running host.</summary>
public sealed class DurableTaskClient
{
    private readonly TaskHub _hub;
    private readonly TimeProvider _time;

    internal DurableTaskClient(TaskHub hub, TimeProvider time)
    {
        _hub = hub;
        _time = time;
    }

    /// <summary>Starts an instance and returns its id once the start is durable.</summary>
    /// <exception cref="OrchestrationAlreadyExistsException">The id is taken and the options ask to throw.</exception>
    /// <exception cref="PayloadTooLargeException">The input is larger than 1 MiB.</exception>
    public async Task<string> ScheduleNewOrchestrationInstanceAsync(
        string orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new StartOrchestrationOptions();
        var start = new NewInstance(
            InstanceIds.Check(options.InstanceId ?? Guid.CreateVersion7(_time.GetUtcNow()).ToString("N")),
            orchestratorName,
            JsonDataConverter.Serialize(input, $"the input of orchestrator '{orchestratorName}'"),
            options);
        if (await _hub.CreateAsync(start, cancellation) is { } existing && options.IfExists == ExistingInstance.Throw)
        {
            throw new OrchestrationAlreadyExistsException(start.InstanceId, existing);
        }

        return start.InstanceId;
    }

    /// <summary>Raises an event. It waits for the instance if it comes early; it is dropped if the instance has ended.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="PayloadTooLargeException">The payload is larger than 1 MiB.</exception>
    public Task RaiseEventAsync(string instanceId, string eventName, object? payload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(eventName);
        var json = JsonDataConverter.Serialize(payload, $"event '{eventName}' for instance '{instanceId}'");
        return _hub.SendAsync(instanceId, Messages.EventRaised(eventName, json, _time), cancellation);
    }

    /// <summary>Ends an instance with status Terminated, with everything it started, at its next turn.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public Task TerminateInstanceAsync(string instanceId, object? output = null, bool recursive = true, CancellationToken cancellation = default)
    {
        var json = JsonDataConverter.Serialize(output, $"the output of terminated instance '{instanceId}'");
        return _hub.SendAsync(instanceId, Messages.Terminated(json, recursive, _time), cancellation);
    }

    /// <summary>Holds an instance: what comes in is kept, nothing new is asked for, until it is resumed.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        _hub.SendAsync(instanceId, Messages.Suspended(reason, _time), cancellation);

    /// <inheritdoc cref="SuspendInstanceAsync"/>
    public Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        _hub.SendAsync(instanceId, Messages.Resumed(reason, _time), cancellation);

    /// <summary>One instance, or null.</summary>
    public Task<OrchestrationMetadata?> GetInstanceAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default) =>
        _hub.FindAsync(instanceId, getInputsAndOutputs, cancellation);

    /// <summary>One page of instances, newest first.</summary>
    public Task<Page<OrchestrationMetadata>> QueryInstancesAsync(OrchestrationQuery query, CancellationToken cancellation = default) =>
        _hub.QueryAsync(query, cancellation);

    /// <summary>All instances that match, newest first, a page at a time.</summary>
    public async IAsyncEnumerable<OrchestrationMetadata> GetAllInstancesAsync(
        OrchestrationQuery? query = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        query ??= new OrchestrationQuery();
        do
        {
            var page = await _hub.QueryAsync(query, cancellation);
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

    /// <summary>Waits until the instance has ended; then its output or failure is there. An outage of the database meanwhile is waited out.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default) =>
        WaitAsync(instanceId, getInputsAndOutputs, instance => instance.IsCompleted, cancellation);

    /// <summary>Removes an ended instance and its history; with its sub-orchestrations unless told otherwise. Returns how many went.</summary>
    public Task<int> PurgeInstanceAsync(string instanceId, bool recursive = true, CancellationToken cancellation = default) =>
        _hub.PurgeAsync(instanceId, recursive, cancellation);

    /// <summary>Removes all ended instances that match. Returns how many went.</summary>
    public Task<int> PurgeAllInstancesAsync(PurgeInstancesFilter filter, CancellationToken cancellation = default) =>
        _hub.PurgeAsync(filter, cancellation);

    /// <summary>What has happened in the instance's current execution, in order.</summary>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public Task<IReadOnlyList<OrchestrationHistoryEvent>> GetOrchestrationHistoryAsync(string instanceId, CancellationToken cancellation = default) =>
        _hub.HistoryAsync(instanceId, cancellation);

    private async Task<OrchestrationMetadata> WaitAsync(
        string instanceId, bool getInputsAndOutputs, Func<OrchestrationMetadata, bool> reached, CancellationToken cancellation)
    {
        using var changes = _hub.Watch(instanceId);
        for (var seen = false; ; seen = true)
        {
            try
            {
                var instance = await _hub.FindAsync(instanceId, getInputsAndOutputs, cancellation) ?? throw new InstanceNotFoundException(instanceId);
                if (reached(instance))
                {
                    return instance;
                }
            }
            catch (NpgsqlException away) when (seen && away.IsOutage())
            {
                // The instance was there, and the hosts wait for the database too.
            }

            await changes.NextAsync(cancellation);
        }
    }
}

/// <summary>There is no instance of that id in this task hub.</summary>
public sealed class InstanceNotFoundException(string instanceId)
    : Exception($"There is no instance '{instanceId}'. List the ones there are, or check the task hub this host is connected to.");

/// <summary>One line of an instance's history.</summary>
/// <param name="Type">The protocol's word: TaskScheduled, TimerFired, EventRaised …</param>
/// <param name="TaskId">The step it belongs to, where it belongs to one.</param>
/// <param name="Name">Of the activity, orchestrator or event.</param>
/// <param name="Data">Input, result or payload as JSON; for timers the time they fire at.</param>
public sealed record OrchestrationHistoryEvent(
    DateTimeOffset Timestamp, string Type, int? TaskId, string? Name, string? Data, TaskFailureDetails? Failure);
