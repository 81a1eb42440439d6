using Microsoft.Extensions.DependencyInjection;

namespace Workflow.Durable;

/// <summary>The list of what this host can run. Names are case-insensitive and registered once.</summary>
public sealed class DurableTaskRegistry
{
    private readonly Dictionary<string, Func<IServiceProvider, ITaskOrchestrator>> _orchestrators = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Func<IServiceProvider, ITaskActivity>> _activities = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Registers under the class's own name. Constructor arguments come from the service provider.</summary>
    public DurableTaskRegistry AddOrchestrator<TOrchestrator>() where TOrchestrator : class, ITaskOrchestrator =>
        AddOrchestrator<TOrchestrator>(typeof(TOrchestrator).Name);

    public DurableTaskRegistry AddOrchestrator<TOrchestrator>(string name) where TOrchestrator : class, ITaskOrchestrator
    {
        var factory = ActivatorUtilities.CreateFactory<TOrchestrator>([]);
        return Add(_orchestrators, "orchestrator", name, services => factory(services, []));
    }

    public DurableTaskRegistry AddOrchestratorFunc<TInput, TOutput>(string name, Func<TaskOrchestrationContext, TInput, Task<TOutput>> run) =>
        Add(_orchestrators, "orchestrator", name, _ => new OrchestratorFunc<TInput, TOutput>(run));

    public DurableTaskRegistry AddActivity<TActivity>() where TActivity : class, ITaskActivity => AddActivity<TActivity>(typeof(TActivity).Name);

    public DurableTaskRegistry AddActivity<TActivity>(string name) where TActivity : class, ITaskActivity
    {
        var factory = ActivatorUtilities.CreateFactory<TActivity>([]);
        return Add(_activities, "activity", name, services => factory(services, []));
    }

    public DurableTaskRegistry AddActivityFunc<TInput, TOutput>(string name, Func<TaskActivityContext, TInput, Task<TOutput>> run) =>
        Add(_activities, "activity", name, _ => new ActivityFunc<TInput, TOutput>(run));

    /// <summary>The registered names, in order.</summary>
    public IReadOnlyList<string> Orchestrators => [.. _orchestrators.Keys.Order(StringComparer.Ordinal)];

    /// <inheritdoc cref="Orchestrators"/>
    public IReadOnlyList<string> Activities => [.. _activities.Keys.Order(StringComparer.Ordinal)];

    internal bool HasOrchestrator(string name) => _orchestrators.ContainsKey(name);

    internal ITaskOrchestrator CreateOrchestrator(string name, IServiceProvider services) =>
        Create(_orchestrators, "orchestrator", name, services);

    internal ITaskActivity CreateActivity(string name, IServiceProvider services) => Create(_activities, "activity", name, services);

    private DurableTaskRegistry Add<T>(Dictionary<string, Func<IServiceProvider, T>> known, string kind, string name, Func<IServiceProvider, T> factory)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (!known.TryAdd(name, factory))
        {
            throw new ArgumentException($"There is already an {kind} named '{name}'. Give one of the two another name.", nameof(name));
        }

        return this;
    }

    private static T Create<T>(Dictionary<string, Func<IServiceProvider, T>> known, string kind, string name, IServiceProvider services) =>
        known.TryGetValue(name, out var factory)
            ? factory(services)
            : throw new NonRetriableException(
                $"No {kind} is registered as '{name}' on this host. Register it where the host is built; known: {string.Join(", ", known.Keys.Order(StringComparer.OrdinalIgnoreCase))}.");

    private sealed class OrchestratorFunc<TInput, TOutput>(Func<TaskOrchestrationContext, TInput, Task<TOutput>> run) : TaskOrchestrator<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(TaskOrchestrationContext context, TInput input) => run(context, input);
    }

    private sealed class ActivityFunc<TInput, TOutput>(Func<TaskActivityContext, TInput, Task<TOutput>> run) : TaskActivity<TInput, TOutput>
    {
        public override Task<TOutput> RunAsync(TaskActivityContext context, TInput input) => run(context, input);
    }
}
