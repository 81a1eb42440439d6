using System.Collections.Concurrent;

namespace Workflow.Durable.Tests.Hosting;

/// <summary>Activities that wait until the test opens their gate, and say so when they get there.</summary>
internal sealed class Gates
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _open = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _reached = new();

    /// <summary>Registers the activity <c>Gate</c>: it takes a gate's name, waits before it, and returns the name.</summary>
    public void Register(DurableTaskRegistry registry) => registry.AddActivityFunc<string, string>("Gate", async (context, name) =>
    {
        Of(_reached, name).TrySetResult();
        await Of(_open, name).Task.WaitAsync(context.CancellationToken);
        return name;
    });

    public void Open(string name) => Of(_open, name).TrySetResult();

    /// <summary>Waits until an activity stands before the gate.</summary>
    public Task ReachedAsync(string name) =>
        Of(_reached, name).Task.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System, TestContext.Current.CancellationToken);

    private static TaskCompletionSource Of(ConcurrentDictionary<string, TaskCompletionSource> all, string name) =>
        all.GetOrAdd(name, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
