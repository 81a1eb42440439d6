using Npgsql;

namespace Workflow.Durable;

/// <summary>Where an instance stands. The same words everywhere: in SQL, the API, the dashboard and the command line.</summary>
public enum OrchestrationRuntimeStatus
{
    Running,
    Completed,
    ContinuedAsNew,
    Failed,
    Canceled,
    Terminated,
    Pending,
    Suspended,
}

/// <summary>One instance as a query shows it.</summary>
/// <param name="SerializedInput">JSON, or null when not asked for or empty. Likewise the output and custom status.</param>
public sealed record OrchestrationMetadata(
    string Name,
    string InstanceId,
    OrchestrationRuntimeStatus RuntimeStatus,
    DateTimeOffset CreatedAt,
    DateTimeOffset LastUpdatedAt,
    DateTimeOffset? CompletedAt,
    string? SerializedInput,
    string? SerializedOutput,
    string? SerializedCustomStatus,
    TaskFailureDetails? FailureDetails)
{
    /// <summary>The instance that waits for this one, or null.</summary>
    public string? ParentInstanceId { get; init; }

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>It has ended, one way or another.</summary>
    public bool IsCompleted => RuntimeStatus.IsTerminal();

    public T? ReadInputAs<T>() => JsonDataConverter.Deserialize<T>(SerializedInput);

    public T? ReadOutputAs<T>() => JsonDataConverter.Deserialize<T>(SerializedOutput);

    public T? ReadCustomStatusAs<T>() => JsonDataConverter.Deserialize<T>(SerializedCustomStatus);
}

/// <summary>Which instances to list, newest first. Null means any.</summary>
/// <param name="Name">The orchestrator's registered name.</param>
/// <param name="ContinuationToken">From the page before; opaque.</param>
/// <param name="Roots">Only instances whose outermost parent, which may be themselves, is one of these.</param>
/// <param name="ParentInstanceId">Only what this instance has started.</param>
/// <param name="RootsOnly">Only what no other instance has started.</param>
public sealed record OrchestrationQuery(
    DateTimeOffset? CreatedFrom = null,
    DateTimeOffset? CreatedTo = null,
    IReadOnlyCollection<OrchestrationRuntimeStatus>? Statuses = null,
    string? Name = null,
    string? InstanceIdPrefix = null,
    int PageSize = OrchestrationQuery.DefaultPageSize,
    bool FetchInputsAndOutputs = false,
    string? ContinuationToken = null,
    IReadOnlyCollection<OrchestrationRoot>? Roots = null,
    string? ParentInstanceId = null,
    bool RootsOnly = false)
{
    public const int DefaultPageSize = 100;
}

/// <summary>Instances that may stand at the top of a family; case does not count.</summary>
/// <param name="Name">The orchestrator's registered name.</param>
/// <param name="IdPrefix">What their ids begin with.</param>
public sealed record OrchestrationRoot(string Name, string IdPrefix = "")
{
    public bool Is(OrchestrationMetadata instance) =>
        instance.Name.Equals(Name, StringComparison.OrdinalIgnoreCase) && instance.InstanceId.StartsWith(IdPrefix, StringComparison.OrdinalIgnoreCase);
}

/// <summary>A page of a longer list.</summary>
/// <param name="ContinuationToken">For the next page; null on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Values, string? ContinuationToken);

/// <summary>Which ended instances to purge. Null means any; <see cref="Statuses"/> may only name ended ones.</summary>
public sealed record PurgeInstancesFilter(
    DateTimeOffset? CreatedFrom = null,
    DateTimeOffset? CreatedTo = null,
    IReadOnlyCollection<OrchestrationRuntimeStatus>? Statuses = null);

/// <summary>How to start an instance.</summary>
/// <param name="InstanceId">Yours, or null for a new one. At most 250 characters, none of them control characters, not starting with <c>@</c>.</param>
/// <param name="StartAt">Not before this time; null for now.</param>
public sealed record StartOrchestrationOptions(string? InstanceId = null, DateTimeOffset? StartAt = null)
{
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    public string? Version { get; init; }

    /// <summary>An existing instance in one of these states keeps its id; in any other it is replaced. By default: those that have not ended.</summary>
    public IReadOnlyCollection<OrchestrationRuntimeStatus> DedupeStatuses { get; init; } = NotEnded;

    /// <summary>What happens when the id is kept.</summary>
    public ExistingInstance IfExists { get; init; } = ExistingInstance.Throw;

    /// <summary>
    /// A transaction of the caller's on the hub's database that the start is a part of: once it has ended the start is refused, and if it is not
    /// committed nothing was started. An engine that keeps its instances elsewhere can only refuse: what it has started stays.
    /// </summary>
    public NpgsqlTransaction? Within { get; init; }

    public static IReadOnlyCollection<OrchestrationRuntimeStatus> NotEnded { get; } =
        [OrchestrationRuntimeStatus.Pending, OrchestrationRuntimeStatus.Running, OrchestrationRuntimeStatus.Suspended];

    /// <summary>The start that may be said any number of times: one id is one run for ever.</summary>
    public static StartOrchestrationOptions Once(string instanceId) => new(instanceId)
    {
        DedupeStatuses = Enum.GetValues<OrchestrationRuntimeStatus>(),
        IfExists = ExistingInstance.Keep,
    };
}

/// <summary>What starting an instance does when its id is in use.</summary>
public enum ExistingInstance
{
    /// <summary><see cref="OrchestrationAlreadyExistsException"/>.</summary>
    Throw,

    /// <summary>Nothing is started and the existing instance's id is returned.</summary>
    Keep,
}

/// <summary>The instance id is in use by an instance that may not be replaced.</summary>
public sealed class OrchestrationAlreadyExistsException(string instanceId, OrchestrationRuntimeStatus status)
    : Exception($"Instance '{instanceId}' already exists and is {status}. Use another id, or wait until it has ended.");

internal static class OrchestrationStatuses
{
    public static bool IsTerminal(this OrchestrationRuntimeStatus status) =>
        status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed
            or OrchestrationRuntimeStatus.Terminated or OrchestrationRuntimeStatus.Canceled;
}
