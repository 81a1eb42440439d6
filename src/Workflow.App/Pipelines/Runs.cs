using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>Starts runs of pipelines: the one way in, whatever asks for it.</summary>
internal sealed class Runs(DurableTaskClient client, Settings settings, ObjectStores stores)
{
    private const int NameBytes = 8;

    /// <summary>Starts a run and returns its instance id once the start is durable.</summary>
    /// <param name="instance">An id of the caller's own; a second start with it is the first one. Null for a new one.</param>
    /// <exception cref="UnknownPipelineException">There is no such pipeline.</exception>
    /// <exception cref="SettingsException">The input is wrong.</exception>
    /// <exception cref="RunConflictException">The id, or the object, is taken by a run that was asked for otherwise.</exception>
    /// <exception cref="UsageException">The id is one that the runs of another pipeline have.</exception>
    public async Task<string> StartAsync(string pipelineName, JsonObject? given, string? instance, CancellationToken cancellation)
    {
        var pipeline = settings.Find(pipelineName);
        var input = pipeline.ReadInput(given);
        instance ??= await FindArrivalAsync(pipeline, input, cancellation) ?? $"{pipeline.Name}-{RandomNumberGenerator.GetHexString(2 * NameBytes, lowercase: true)}";
        if (await client.GetInstanceAsync(instance, getInputsAndOutputs: true, cancellation) is { } existing)
        {
            return IsFor(existing, pipeline, input) ? instance : throw new RunConflictException(
                $"Instance '{instance}' is {existing.RuntimeStatus} as a run of {existing.Name} with other settings. Wait until it has ended, or give another instance id.");
        }

        CheckIsFree(instance, pipeline);
        return await StartAsync(pipeline, input, instance, cancellation);
    }

    /// <summary>
    /// Starts the run that an object's arrival asks for; the same arrival told again is the same run. Where runs take their object
    /// away, one that lies there although its run has ended has come again, even with its old time on it.
    /// </summary>
    /// <returns>The instance, or null where there is nothing left to do.</returns>
    public async Task<string?> StartForAsync(Pipeline pipeline, ObjectInfo arrived, CancellationToken cancellation)
    {
        for (var time = 1; ; time++)
        {
            var instance = InstanceFor(pipeline.Name, arrived, time);
            var existing = await client.GetInstanceAsync(instance, getInputsAndOutputs: false, cancellation);
            if (existing is not null && !IsOf(existing, pipeline.Name))
            {
                continue;
            }

            if (existing is not { IsCompleted: true })
            {
                return await StartAsync(pipeline, pipeline.ReadInput(new JsonObject { ["Object"] = arrived.Address.ToString() }), instance, cancellation);
            }

            // Asked after the run was seen to have ended: what it took away is gone by now, whatever an older listing says.
            // A run that somebody ended has taken nothing away, and is not begun again behind their back.
            if (!pipeline.Kind.TakesObjectAway || existing.RuntimeStatus is not (OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed)
                || await stores.For(arrived.Address).FindAsync(arrived.Address, cancellation) != arrived)
            {
                return null;
            }
        }
    }

    /// <summary>Starts the run of a tick of the pipeline's schedule; the same tick told again is the same run. It runs, whoever has taken its id: then it has the next one.</summary>
    /// <param name="within">See <see cref="StartOrchestrationOptions.Within"/>.</param>
    public async Task<string> StartForAsync(Pipeline pipeline, DateTimeOffset tick, NpgsqlTransaction? within, CancellationToken cancellation)
    {
        var input = pipeline.ReadInput(new JsonObject { [nameof(PipelineInput.ScheduledFor)] = tick.ToUniversalTime().ToString("O") });
        for (var id = 1; ; id++)
        {
            var instance = InstanceFor(pipeline.Name, tick, id);
            if (await StartUnlessTakenAsync(pipeline, input, instance, within, cancellation) is null)
            {
                return instance;
            }
        }
    }

    /// <summary>The run of a tick, or null.</summary>
    public async Task<OrchestrationMetadata?> FindForAsync(string pipeline, DateTimeOffset tick, CancellationToken cancellation)
    {
        for (var id = 1; ; id++)
        {
            var run = await client.GetInstanceAsync(InstanceFor(pipeline, tick, id), getInputsAndOutputs: false, cancellation);
            if (run is null || IsOf(run, pipeline))
            {
                return run;
            }
        }
    }

    /// <summary>The instance id of the run that a tick asks for, of the schedule or of a backfill.</summary>
    /// <param name="id">2 where a run of another pipeline has the first one …</param>
    public static string InstanceFor(string pipeline, DateTimeOffset tick, int id = 1) => $"{pipeline}-{tick.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}{(id == 1 ? "" : $"-{id}")}";

    /// <summary>
    /// Whether a start failed as any other would now: the hub is away, or the time is up. What the database refuses for its content (an invalid
    /// character, too long a key) is none of that.
    /// </summary>
    public static bool AreAway(Exception failed) =>
        failed is TimeoutException or OperationCanceledException or NpgsqlException and not PostgresException { SqlState: ['2', '2', ..] or ['5', '4', ..] };

    /// <summary>The pipeline has a run of that id.</summary>
    public async Task<bool> ExistsAsync(string pipeline, string instance, CancellationToken cancellation) =>
        await client.GetInstanceAsync(instance, getInputsAndOutputs: false, cancellation) is { } run && IsOf(run, pipeline);

    /// <summary>The instance id that a key of the caller's stands for.</summary>
    public static string InstanceFor(string pipeline, string key) =>
        $"{pipeline}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, NameBytes))}";

    /// <summary>The instance id of the run that an object's arrival asks for.</summary>
    /// <param name="time">1 for the first time it came, 2 for the second …</param>
    public static string InstanceFor(string pipeline, ObjectInfo arrived, int time = 1) =>
        InstanceFor(pipeline, $"{arrived.Address}\n{arrived.ETag}\n{arrived.LastModified.UtcTicks}\n{time}");

    private async Task<string> StartAsync(Pipeline pipeline, PipelineInput input, string instance, CancellationToken cancellation) =>
        await StartUnlessTakenAsync(pipeline, input, instance, within: null, cancellation) is { } stranger
            ? throw new RunConflictException($"Instance '{instance}' is {stranger.RuntimeStatus} as a run of {stranger.Name}. Give another instance id.")
            : instance;

    /// <summary>Starts a run, unless there is one of that id.</summary>
    /// <returns>The run that has the id and is of another pipeline; null where it is ours.</returns>
    private async Task<OrchestrationMetadata?> StartUnlessTakenAsync(Pipeline pipeline, PipelineInput input, string instance, NpgsqlTransaction? within, CancellationToken cancellation)
    {
        await client.ScheduleNewOrchestrationInstanceAsync(pipeline.Name, input, StartOrchestrationOptions.Once(instance) with { Within = within }, cancellation);
        return await client.GetInstanceAsync(instance, getInputsAndOutputs: false, cancellation) is { } run && !IsOf(run, pipeline.Name) ? run : null;
    }

    /// <summary>The ids of a pipeline's ticks, backfills and events begin with its name. Nobody takes them for a run of another one.</summary>
    private void CheckIsFree(string instance, Pipeline pipeline)
    {
        var owner = settings.Pipelines.Where(known => instance.StartsWith($"{known.Name}-", StringComparison.OrdinalIgnoreCase)).MaxBy(known => known.Name.Length);
        if (owner is not null && owner.Name != pipeline.Name)
        {
            throw new UsageException($"'{instance}' cannot be the id of a run of {pipeline.Name}: it begins as the ids of another pipeline's runs do. Begin it with '{pipeline.Name}-', or with no pipeline's name.");
        }
    }

    /// <summary>
    /// The run that the object's arrival asks for, unless it has ended: a run asked for by hand is that run, because two would
    /// move the object away from each other. Once it has ended, asking again means a new run.
    /// </summary>
    private async Task<string?> FindArrivalAsync(Pipeline pipeline, PipelineInput input, CancellationToken cancellation)
    {
        if (!ObjectAddress.TryParse(input.Object, out var address) || address.Name.Length == 0
            || await stores.For(address).FindAsync(address, cancellation) is not { } there)
        {
            return null;
        }

        var arrival = InstanceFor(pipeline.Name, there);
        return await client.GetInstanceAsync(arrival, getInputsAndOutputs: false, cancellation) is { IsCompleted: true } ? null : arrival;
    }

    private static bool IsOf(OrchestrationMetadata run, string pipeline) => run.Name.Equals(pipeline, StringComparison.OrdinalIgnoreCase);

    private static bool IsFor(OrchestrationMetadata existing, Pipeline pipeline, PipelineInput input) =>
        existing.Name == pipeline.Name
        && JsonNode.DeepEquals(JsonNode.Parse(existing.SerializedInput ?? "null"), JsonNode.Parse(JsonDataConverter.Serialize(input, "the input")!));
}

/// <summary>What was asked for is taken by a run that is not the same.</summary>
internal sealed class RunConflictException(string message) : Exception(message);
