using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using Workflow.Durable.Store;

namespace Workflow.Durable.Worker;

/// <summary>
/// Runs the activities this host holds, so many at once. It holds a few more than it runs, so that short ones follow each other
/// without a question to the database; how many more depends on how short they have been.
/// </summary>
internal sealed class ActivityRunner(
    DurableTaskRegistry registry, IServiceScopeFactory scopes, DurableTaskOptions options, TimeProvider time, ILogger<ActivityRunner> log)
{
    private const int MaxAhead = 1000;
    private static readonly TimeSpan s_ahead = TimeSpan.FromMilliseconds(100);

    private readonly Channel<ActivityWork> _waiting = Channel.CreateUnbounded<ActivityWork>();
    private readonly ConcurrentDictionary<(string InstanceId, int TaskId, Guid ExecutionId), Running> _held = new();
    private readonly ConcurrentDictionary<(string InstanceId, int TaskId, Guid ExecutionId), byte> _unsaved = new();
    private double _usualMilliseconds = 1000;
    private volatile bool _isDraining;

    /// <summary>How many more activities this host would hold now.</summary>
    public int Room => _isDraining ? 0 : Math.Max(0, options.MaxConcurrentActivities + Ahead - _held.Count);

    /// <summary>Half of what is held ahead has been used up: time to ask for more, if there is more.</summary>
    public bool IsRunningLow => _held.Count <= options.MaxConcurrentActivities + (Ahead / 2);

    public bool IsIdle => _held.IsEmpty;

    /// <summary>Nothing runs, and no result is on its way to the database.</summary>
    public bool IsQuiet => _held.IsEmpty && _unsaved.IsEmpty;

    /// <summary>All that this host has in its hands: waiting, running, or done with the result on its way to the database.</summary>
    public IReadOnlyCollection<(string InstanceId, int TaskId, Guid ExecutionId)> Known => [.. _held.Keys, .. _unsaved.Keys];

    private int Ahead => (int)Math.Min(MaxAhead, options.MaxConcurrentActivities * s_ahead.TotalMilliseconds / Volatile.Read(ref _usualMilliseconds));

    public void Hold(ActivityWork work)
    {
        if (_held.TryAdd(Key(work), new Running(time.GetTimestamp())) && !_waiting.Writer.TryWrite(work))
        {
            LetGo(work);
        }
    }

    /// <summary>Begins no more: what runs may end, what waits is let go.</summary>
    public void Drain()
    {
        _isDraining = true;
        _waiting.Writer.TryComplete();
        while (_waiting.Reader.TryRead(out var work))
        {
            LetGo(work);
        }
    }

    /// <summary>The result is in the database, or nobody waits for it.</summary>
    public void Saved(string instanceId, int taskId, Guid executionId) => _unsaved.TryRemove((instanceId, taskId, executionId), out _);

    /// <summary>Nobody waits for what these instances had asked for.</summary>
    public void Cancel(string instanceId)
    {
        foreach (var (key, running) in _held)
        {
            if (key.InstanceId == instanceId)
            {
                running.Cancel();
            }
        }
    }

    /// <summary>Cancels what has been held since before <paramref name="asked"/> and is not in <paramref name="wanted"/>.</summary>
    public void CancelUnwanted(IReadOnlySet<(string InstanceId, int TaskId, Guid ExecutionId)> wanted, long asked)
    {
        foreach (var (key, running) in _held)
        {
            if (running.Since < asked && !wanted.Contains(key))
            {
                running.Cancel();
            }
        }
    }

    /// <summary>Runs activities until told to stop.</summary>
    /// <param name="finished">Takes each result; null when nobody waits for it.</param>
    public Task RunAsync(Action<ActivityWork, HistoryEvent?> finished, CancellationToken stop) =>
        Task.WhenAll(Enumerable.Range(0, options.MaxConcurrentActivities).Select(_ => Task.Run(() => RunOneByOneAsync(finished, stop), stop)));

    private static (string InstanceId, int TaskId, Guid ExecutionId) Key(ActivityWork work) => (work.InstanceId, work.TaskId, work.ExecutionId);

    private void LetGo(ActivityWork work)
    {
        if (_held.TryRemove(Key(work), out var running))
        {
            running.Dispose();
        }
    }

    private async Task RunOneByOneAsync(Action<ActivityWork, HistoryEvent?> finished, CancellationToken stop)
    {
        await foreach (var work in _waiting.Reader.ReadAllAsync(stop))
        {
            var running = _held[Key(work)];
            var begun = time.GetTimestamp();
            var result = running.IsCancelled ? null : await RunOneAsync(work, running, stop);
            stop.ThrowIfCancellationRequested();  // what was cut short is done again by whoever takes it next
            if (result is not null)
            {
                _unsaved.TryAdd(Key(work), 0);
            }

            LetGo(work);
            Learn(time.GetElapsedTime(begun).TotalMilliseconds);
            finished(work, result);
        }
    }

    private async Task<HistoryEvent?> RunOneAsync(ActivityWork work, Running running, CancellationToken stop)
    {
        var scheduled = work.Scheduled.TaskScheduled;
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(running.Token, stop);
        using var span = DurableTaskTelemetry.StartActivity(scheduled.Name, work.InstanceId, work.TaskId);
        try
        {
            var json = await registry.InvokeAsync(scopes, Context(work, cancellation.Token), scheduled.Input);
            return Messages.TaskCompleted(work.TaskId, json, time);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception error)
        {
            span?.SetStatus(ActivityStatusCode.Error, options.Redact(error.Message));
            log.LogWarning(error, "Activity {Activity} of instance {Instance}, step {TaskId}, failed", scheduled.Name, work.InstanceId, work.TaskId);
            return Messages.TaskFailed(work.TaskId, Failures.From(error, options.Redact), time);
        }
    }

    private static TaskActivityContext Context(ActivityWork work, CancellationToken cancellation)
    {
        var tags = work.Scheduled.TaskScheduled.Tags;
        var firstTaskId = tags.TryGetValue(OrchestrationExecution.FirstTaskIdTag, out var first) ? first : work.TaskId.ToString(CultureInfo.InvariantCulture);
        var attempt = tags.TryGetValue(OrchestrationExecution.AttemptTag, out var tag) ? int.Parse(tag, CultureInfo.InvariantCulture) : 1;
        return new TaskActivityContext(
            work.Scheduled.TaskScheduled.Name, work.InstanceId, $"{work.InstanceId}/{firstTaskId}", attempt + work.Deliveries - 1, cancellation);
    }

    // An exponential average: the last twenty or so decide.
    private void Learn(double milliseconds) =>
        Volatile.Write(ref _usualMilliseconds, Math.Max(0.01, (_usualMilliseconds * 0.95) + (milliseconds * 0.05)));

    private sealed class Running(long since) : IDisposable
    {
        private readonly CancellationTokenSource _cancellation = new();
        private readonly Lock _lock = new();
        private bool _over;

        public long Since => since;

        public CancellationToken Token => _cancellation.Token;

        public bool IsCancelled => _cancellation.IsCancellationRequested;

        public void Cancel()
        {
            lock (_lock)
            {
                if (!_over)
                {
                    _cancellation.Cancel();
                }
            }
        }

        public void Dispose()
        {
            lock (_lock)
            {
                _over = true;
                _cancellation.Dispose();
            }
        }
    }
}
