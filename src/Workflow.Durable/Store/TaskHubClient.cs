using Npgsql;

namespace Workflow.Durable.Store;

/// <summary>The client of a task hub in PostgreSQL. It needs the hub's database, not a running host.</summary>
internal sealed class TaskHubClient(TaskHub hub, TimeProvider time) : DurableTaskClient
{
    public override async Task<string> ScheduleNewOrchestrationInstanceAsync(
        string orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new StartOrchestrationOptions();
        var start = new NewInstance(
            InstanceIds.Check(options.InstanceId ?? Guid.CreateVersion7(time.GetUtcNow()).ToString("N")),
            orchestratorName,
            JsonDataConverter.Serialize(input, $"the input of orchestrator '{orchestratorName}'"),
            options);
        var kept = options.Within is { } within ? await hub.CreateAsync(start, within, cancellation) : await hub.CreateAsync(start, cancellation);
        if (kept is { } existing && options.IfExists == ExistingInstance.Throw)
        {
            throw new OrchestrationAlreadyExistsException(start.InstanceId, existing);
        }

        return start.InstanceId;
    }

    public override Task RaiseEventAsync(string instanceId, string eventName, object? payload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(eventName);
        var json = JsonDataConverter.Serialize(payload, $"event '{eventName}' for instance '{instanceId}'");
        return hub.SendAsync(instanceId, Messages.EventRaised(eventName, json, time), cancellation);
    }

    public override Task TerminateInstanceAsync(string instanceId, object? output = null, bool recursive = true, CancellationToken cancellation = default)
    {
        var json = JsonDataConverter.Serialize(output, $"the output of terminated instance '{instanceId}'");
        return hub.SendAsync(instanceId, Messages.Terminated(json, recursive, time), cancellation);
    }

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        hub.SendAsync(instanceId, Messages.Suspended(reason, time), cancellation);

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        hub.SendAsync(instanceId, Messages.Resumed(reason, time), cancellation);

    public override Task RewindInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        hub.RewindAsync(instanceId, reason, cancellation);

    public override Task<OrchestrationMetadata?> GetInstanceAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default) =>
        hub.FindAsync(instanceId, getInputsAndOutputs, cancellation);

    public override Task<Page<OrchestrationMetadata>> QueryInstancesAsync(OrchestrationQuery query, CancellationToken cancellation = default) =>
        hub.QueryAsync(query, cancellation);

    public override Task<int> PurgeInstanceAsync(string instanceId, bool recursive = true, CancellationToken cancellation = default) =>
        hub.PurgeAsync(instanceId, recursive, cancellation);

    public override Task<int> PurgeAllInstancesAsync(PurgeInstancesFilter filter, CancellationToken cancellation = default) =>
        hub.PurgeAsync(filter, cancellation);

    public override Task<IReadOnlyList<OrchestrationHistoryEvent>> GetOrchestrationHistoryAsync(string instanceId, CancellationToken cancellation = default) =>
        hub.HistoryAsync(instanceId, cancellation);

    protected override async Task<OrchestrationMetadata> WaitAsync(
        string instanceId, bool getInputsAndOutputs, Func<OrchestrationMetadata, bool> reached, CancellationToken cancellation)
    {
        using var changes = hub.Watch(instanceId);
        for (var seen = false; ; seen = true)
        {
            try
            {
                var instance = await hub.FindAsync(instanceId, getInputsAndOutputs, cancellation) ?? throw new InstanceNotFoundException(instanceId);
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
