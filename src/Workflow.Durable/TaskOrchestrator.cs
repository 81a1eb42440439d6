namespace Workflow.Durable;

/// <summary>
/// A durable orchestration: plain C# that is replayed from its history, so it asks the context, and only the context,
/// for the time, for identifiers, for waiting and for work. What it awaits is checkpointed.
/// </summary>
/// <typeparam name="TInput">JSON-serialisable; at most 1 MiB as JSON. Pass references, not data.</typeparam>
/// <typeparam name="TOutput">JSON-serialisable; at most 1 MiB as JSON.</typeparam>
public abstract class TaskOrchestrator<TInput, TOutput> : ITaskOrchestrator
{
    public abstract Task<TOutput> RunAsync(TaskOrchestrationContext context, TInput input);

    Type ITaskOrchestrator.InputType => typeof(TInput);

    async Task<object?> ITaskOrchestrator.RunAsync(TaskOrchestrationContext context, object? input) =>
        await RunAsync(context, (TInput)input!);
}

/// <summary>One step's work, done at least once: it may do I/O, and it must tolerate being done again.</summary>
/// <inheritdoc cref="TaskOrchestrator{TInput,TOutput}"/>
public abstract class TaskActivity<TInput, TOutput> : ITaskActivity
{
    public abstract Task<TOutput> RunAsync(TaskActivityContext context, TInput input);

    Type ITaskActivity.InputType => typeof(TInput);

    async Task<object?> ITaskActivity.RunAsync(TaskActivityContext context, object? input) =>
        await RunAsync(context, (TInput)input!);
}

/// <summary>What the runtime sees of an orchestrator. Derive from <see cref="TaskOrchestrator{TInput,TOutput}"/> instead.</summary>
public interface ITaskOrchestrator
{
    Type InputType { get; }

    Task<object?> RunAsync(TaskOrchestrationContext context, object? input);
}

/// <summary>What the runtime sees of an activity. Derive from <see cref="TaskActivity{TInput,TOutput}"/> instead.</summary>
public interface ITaskActivity
{
    Type InputType { get; }

    Task<object?> RunAsync(TaskActivityContext context, object? input);
}

/// <summary>What an activity may know of the step it does.</summary>
/// <param name="Name">The activity's registered name.</param>
/// <param name="InstanceId">The instance that asked for it.</param>
/// <param name="IdempotencyKey">
/// <c>instance/task id</c>: the same for every delivery and every retry of this step, different for every other step.
/// Give it to whatever can refuse a second effect.
/// </param>
/// <param name="Attempt">1 the first time; higher after a retry or when a lost host's work is done again.</param>
/// <param name="CancellationToken">Cancelled when the host stops, or when nobody waits for the result any more.</param>
public sealed record TaskActivityContext(
    string Name, string InstanceId, string IdempotencyKey, int Attempt, CancellationToken CancellationToken);
