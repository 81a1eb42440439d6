using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>A time limit on some steps of a run, kept by a durable timer. It is replayed with its orchestrator.</summary>
internal sealed class Deadline(TaskOrchestrationContext context, TimeSpan limit)
{
    // One for all who ask, so that a run that ends by it is told of it once.
    private readonly RunFailedException _tooLate = new($"it did not end within {limit:c}.");

    private bool _passed;

    /// <summary>Waits for the steps, and fails the run when they take too long. A step under way then is waited for no longer.</summary>
    /// <exception cref="RunFailedException">The limit has passed.</exception>
    public async Task<T> KeepAsync<T>(Func<Task<T>> steps)
    {
        using var done = new CancellationTokenSource();
        var passes = context.CreateTimer(limit, done.Token);
        var work = steps();
        if (await Task.WhenAny(work, passes) != work)
        {
            _passed = true;
            throw _tooLate;
        }

        done.Cancel();
        return await work;
    }

    /// <summary>To be asked before each step: steps that the run no longer waits for must not go on.</summary>
    public void ThrowIfPassed()
    {
        if (_passed)
        {
            throw _tooLate;
        }
    }
}
