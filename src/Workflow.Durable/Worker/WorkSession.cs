using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using Workflow.Durable.Store;

namespace Workflow.Durable.Worker;

/// <summary>What a session needs from its host.</summary>
internal sealed record WorkServices(
    TaskHub Hub, DurableTaskRegistry Registry, DurableTaskOptions Options, TimeProvider Time, IServiceProvider Services, ILoggerFactory Loggers);

/// <summary>
/// A host's work from taking a lease to losing it. All that is in memory hangs on the lease: when it is lost the session ends,
/// everything is forgotten, and the next session begins from what the database knows.
/// </summary>
internal sealed class WorkSession : IAsyncDisposable
{
    private const int MaxTaken = 256;
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_lookAfterOthers = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly WorkServices _host;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly WorkStore _store;
    private readonly HostLease _lease;
    private readonly ActivityRunner _activities;
    private readonly Committer _committer;
    private readonly Channel<LiveInstance> _turns = Channel.CreateUnbounded<LiveInstance>();
    private readonly ConcurrentDictionary<string, LiveInstance> _inHand = new();
    private readonly ConcurrentQueue<TakenInstance> _strayed = new();
    private readonly ExecutionCache _cache;
    private readonly Channel<bool> _look = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _openTurns;
    private volatile bool _moreInstances;
    private volatile bool _moreActivities;

    public WorkSession(WorkServices host)
    {
        _host = host;
        _time = host.Time;
        _log = host.Loggers.CreateLogger<WorkSession>();
        _store = new WorkStore(host.Hub, host.Options.LeaseDuration);
        _lease = new HostLease(host.Hub, host.Options.LeaseDuration, host.Time);
        _cache = new ExecutionCache(host.Options.MaxCachedOrchestrators);
        _activities = new ActivityRunner(
            host.Registry, host.Services.GetRequiredService<IServiceScopeFactory>(), host.Options, host.Time, host.Loggers.CreateLogger<ActivityRunner>());
        _committer = new Committer(_store, _lease, _activities, host.Time, host.Loggers.CreateLogger<Committer>())
        {
            Committed = OnCommitted,
            Lost = turn => LetGo(turn.Instance),
            News = OnNews,
            Idle = CheckQuiet,
        };
    }

    private bool NothingInHand => _inHand.IsEmpty && _activities.IsIdle && _committer.IsIdle;

    /// <summary>There may be work: look soon.</summary>
    public void Look() => _look.Writer.TryWrite(true);

    /// <summary>Another process's call. This one's own come back to it too and say nothing new.</summary>
    public void Hear(string call)
    {
        var (process, leavesWork, ended) = Call.Read(call);
        if (process == _host.Hub.ProcessId)
        {
            return;
        }

        _host.Hub.Changed(ended);
        if (leavesWork)
        {
            Look();
        }
    }

    /// <summary>
    /// Works until told to stop, or until the lease is lost. Told to stop, it takes nothing more, lets what it has begun come to its end
    /// within <see cref="DurableTaskOptions.ShutdownTimeout"/>, and gives the rest back.
    /// </summary>
    /// <exception cref="LeaseLostException">Another session must begin.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        using var end = new CancellationTokenSource();
        using var taking = CancellationTokenSource.CreateLinkedTokenSource(stop, end.Token);
        var activities = Task.Run(() => _activities.RunAsync(OnActivityFinished, end.Token), CancellationToken.None);
        var take = Task.Run(() => TakeWorkAsync(taking.Token), CancellationToken.None);
        Task[] loops =
        [
            Task.Run(() => _committer.RunAsync(end.Token), CancellationToken.None),
            Task.Run(() => KeepLeaseAsync(end.Token), CancellationToken.None),
            .. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Task.Run(() => TakeTurnsAsync(end.Token), CancellationToken.None)),
        ];
        var first = await Task.WhenAny([.. loops, take, activities]);
        if (stop.IsCancellationRequested)
        {
            await Quietly(take);
            first = await Task.WhenAny([.. loops, DrainAsync()]);
        }

        await Quietly(end.CancelAsync());  // the driver may throw in it
        await Quietly(Task.WhenAll([.. loops, take]));
        await Task.WhenAny(activities, Task.Delay(s_patience, _time, CancellationToken.None));
        if (!activities.IsCompleted)
        {
            _log.LogWarning("Going on without waiting for activities that do not heed their cancellation; what they return is dropped");
        }

        if (stop.IsCancellationRequested)
        {
            await GiveBackAsync();
        }

        await first;
    }

    private static Task Quietly(Task work) => work.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    /// <summary>Begins nothing more, and waits until what was begun has ended and is committed. What only waits in this host's hands is anybody's at once.</summary>
    private async Task DrainAsync()
    {
        if (_host.Options.ShutdownTimeout == TimeSpan.Zero)
        {
            return;
        }

        _committer.IsDraining = true;
        _activities.Drain();
        if (!NothingInHand)
        {
            _log.LogInformation("Told to stop: what is at work has {Time} to end, the rest is given back", _host.Options.ShutdownTimeout);
        }

        using var enough = new CancellationTokenSource(_host.Options.ShutdownTimeout, _time);
        try
        {
            if (_lease.Id != 0)
            {
                await _committer.GiveUpUnknownAsync(KeepWhatTakesTurns, enough.Token);
            }

            CheckQuiet();
            await _quiet.Task.WaitAsync(enough.Token);
        }
        catch (OperationCanceledException)
        {
            _log.LogWarning("Stopping although something is still at work; another host does it again");
        }
        catch (NpgsqlException away) when (away.IsOutage())
        {
            _log.LogWarning("Stopping while the database is away ({Reason}); another host goes on from the last checkpoints", away.Message);
        }
    }

    /// <summary>
    /// Lets go of the instances that only wait. It happens between two commits, for a commit that was decided before the host was told to
    /// stop keeps its instances: each is let go here, or by a commit that is decided later.
    /// </summary>
    private string[] KeepWhatTakesTurns()
    {
        foreach (var live in _inHand.Values.Where(live => live.TryLetGo()))
        {
            LetGo(live);
        }

        return [.. _inHand.Keys];
    }

    private void CheckQuiet()
    {
        if (_committer.IsDraining && Volatile.Read(ref _openTurns) == 0 && _activities.IsQuiet && _committer.IsIdle)
        {
            _quiet.TrySetResult();
        }
    }

    private void QueueTurn(LiveInstance live)
    {
        Interlocked.Increment(ref _openTurns);
        _turns.Writer.TryWrite(live);
    }

    public ValueTask DisposeAsync() => _lease.DisposeAsync();

    // ---- Taking work -------------------------------------------------------------------------------------------------

    private async Task TakeWorkAsync(CancellationToken stop)
    {
        var uncertain = false;
        while (true)
        {
            TimeSpan wait;
            try
            {
                if (uncertain)
                {
                    await _committer.GiveUpUnknownAsync(() => [.. _inHand.Keys], stop);
                    uncertain = false;
                }

                wait = await TakeOnceAsync(stop);
            }
            catch (NpgsqlException away) when (away.IsOutage())
            {
                _log.LogWarning("The database is away ({Reason}); looking for work again soon", away.Message);
                uncertain = true;  // it may have given work whose answer never came
                wait = s_retry;
            }

            if (wait > TimeSpan.Zero)
            {
                await WaitForNewsAsync(wait, stop);
            }
        }
    }

    private int Room => Math.Clamp(_host.Options.MaxConcurrentOrchestrators - _inHand.Count, 0, MaxTaken);

    /// <summary>Looks once. Says how long there is no need to look again.</summary>
    private async Task<TimeSpan> TakeOnceAsync(CancellationToken stop)
    {
        var now = _time.GetUtcNow();
        while (_strayed.TryPeek(out var strayed))
        {
            await _store.StrayAsync(strayed, now, stop);
            _strayed.TryDequeue(out _);
        }

        if (NothingInHand && _lease.IsAging)
        {
            // Renewing is a write, and an idle host writes nothing: it looks first whether there is anything to take.
            var outlook = await _store.LookAsync(_lease.Id, now, stop);
            if (!outlook.HasWork)
            {
                return await UntilNextLookAsync(outlook, now, stop);
            }
        }

        await _lease.EnsureAsync(NothingInHand, stop);
        var room = Room;
        var activityRoom = Math.Min(_activities.Room, MaxTaken);
        var asked = _time.GetTimestamp();
        var taken = await _store.TakeAsync(_lease.Id, now, room, activityRoom, stop);
        await AcceptAsync(taken, asked, stop);
        foreach (var work in taken.Activities)
        {
            _activities.Hold(work);
        }

        _moreActivities = taken.Activities.Count == activityRoom;
        _moreInstances = taken.Instances.Count == room;
        var more = (_moreInstances && Room > 0) || (_moreActivities && _activities.Room > 0);
        return more ? TimeSpan.Zero : await UntilNextLookAsync(taken.Outlook, now, stop);
    }

    private async Task<TimeSpan> UntilNextLookAsync(Outlook outlook, DateTimeOffset now, CancellationToken stop)
    {
        if (outlook.OthersUntil is not null)
        {
            await ReapAsync(stop);
        }

        var look = outlook.OthersUntil is null ? s_look : s_lookAfterOthers;
        return outlook.NextDue is { } due && due - now < look ? TimeSpan.FromTicks(Math.Max(1, (due - now).Ticks)) : look;
    }

    private async Task AcceptAsync(TakenWork taken, long asked, CancellationToken stop)
    {
        var messages = taken.Messages.ToLookup(message => message.InstanceId, message => (message.MessageId, message.Event));
        var fresh = taken.Instances.Select(Recognise).ToArray();
        var unknown = fresh.Where(live => live.Execution is null && live.Turn > 0).Select(live => live.InstanceId).ToArray();
        var histories = unknown.Length == 0 ? null : await _store.ReadHistoriesAsync(unknown, stop);
        foreach (var live in fresh)
        {
            live.History = histories is null ? [] : [.. histories[live.InstanceId]];
        }

        await ReadChildrenAsync([.. fresh.Where(live => live.IsRewound)], stop);
        foreach (var live in fresh)
        {
            live.TakeInHand();
            _inHand[live.InstanceId] = live;
            if (!messages.Contains(live.InstanceId) && live.WantTurn())
            {
                QueueTurn(live);
            }
        }

        foreach (var arrived in messages)
        {
            if (_inHand.TryGetValue(arrived.Key, out var live) && live.Deliver(arrived, asked))
            {
                QueueTurn(live);
            }
        }
    }

    private async Task ReadChildrenAsync(LiveInstance[] rewound, CancellationToken stop)
    {
        if (rewound.Length == 0)
        {
            return;
        }

        var children = await _store.ReadChildrenAsync([.. rewound.Select(live => live.InstanceId)], stop);
        foreach (var live in rewound)
        {
            live.Children = children[live.InstanceId].ToLookup(child => child.InstanceId);
        }
    }

    /// <summary>The instance as this host remembers it, if nobody has moved it on since; else as the database has it.</summary>
    private LiveInstance Recognise(TakenInstance taken) =>
        _cache.Take(taken.InstanceId) is { } known && known.Turn == taken.Turn && known.ExecutionId == taken.ExecutionId
            ? known
            : new LiveInstance(taken.InstanceId, taken.ExecutionId, taken.Turn);

    private async Task ReapAsync(CancellationToken stop)
    {
        var gone = await _lease.ReapAsync(stop);
        foreach (var host in gone)
        {
            _log.LogWarning("Took over from a host that is gone: {Host}", host);
        }

        if (gone.Count > 0)
        {
            Look();
        }
    }

    private async Task WaitForNewsAsync(TimeSpan atMost, CancellationToken stop)
    {
        await using var timer = _time.CreateTimer(_ => Look(), null, atMost, Timeout.InfiniteTimeSpan);
        await _look.Reader.ReadAsync(stop);
    }

    // ---- Turns -------------------------------------------------------------------------------------------------------

    private async Task TakeTurnsAsync(CancellationToken stop)
    {
        await foreach (var live in _turns.Reader.ReadAllAsync(stop))
        {
            var execution = live.Execution ??= Remember(live);
            var arrived = live.BeginTurn();
            var now = _time.GetUtcNow();
            List<HistoryEvent> events = [Messages.OrchestratorStarted(now), .. arrived.Select(arrival => arrival.Event)];
            var result = execution.Turn(events);
            var commit = TurnCommit.From(
                (live.InstanceId, live.ExecutionId, live.Turn),
                execution.Started,
                result,
                events,
                [.. arrived.Where(arrival => arrival.MessageId is not null).Select(arrival => arrival.MessageId!.Value)],
                [.. arrived.Where(arrival => arrival.TaskId is not null).Select(arrival => arrival.TaskId!.Value)],
                now);
            if (live.Rewound is { } rewound)
            {
                commit.Rewind(rewound, execution.IsPending, execution.Started, live.Children!, now);
                (live.Rewound, live.Children) = (null, null);
            }

            _committer.Add(new OpenTurn(live, execution.Started, commit));
            Interlocked.Decrement(ref _openTurns);
            CheckQuiet();
        }
    }

    private OrchestrationExecution Remember(LiveInstance live)
    {
        var execution = NewExecution(onStray: () => OnStray(live));
        HistoryEvent[] past = [.. live.History.SelectMany(chunk => chunk.Events)];
        if (live.IsRewound)
        {
            live.Rewound = execution.Rewind(past, NewExecution(onStray: () => { }).FindHeard(past));
        }
        else if (past.Length > 0)
        {
            execution.Replay(past);
        }

        live.History = [];
        return execution;
    }

    private OrchestrationExecution NewExecution(Action onStray) =>
        new(name => _host.Registry.CreateOrchestrator(name, _host.Services), _host.Loggers, onStray);

    private void OnStray(LiveInstance live)
    {
        if (live.WantTurn())
        {
            QueueTurn(live);
        }
        else
        {
            _strayed.Enqueue(new TakenInstance(live.InstanceId, live.ExecutionId, live.Turn));
            Look();
        }
    }

    private void OnCommitted(OpenTurn turn)
    {
        var live = turn.Instance;
        var (queue, look, tooLate) = live.EndTurn(turn.Commit.NextExecutionId, turn.Commit.MessagesTaken, _time.GetTimestamp());
        foreach (var result in tooLate)
        {
            _committer.Add(new ActivityResult(live.InstanceId, turn.Commit.ExecutionId, result.TaskId!.Value, result.Event.ToBytes()));
        }

        if (queue)
        {
            QueueTurn(live);
        }

        if (turn.Commit.Releases)
        {
            LetGo(live);
            if (!turn.Commit.Ends)
            {
                _cache.Keep(live);
            }

            if (!turn.Commit.Ends && live.Execution is { HasStrayed: true })
            {
                OnStray(live);  // while its turn was being committed
            }
        }

        if (look || (turn.Commit.Releases && _moreInstances))
        {
            Look();
        }
    }

    // Only this memory of the instance: it may have been taken in hand anew between the commit and here.
    private void LetGo(LiveInstance live) => _inHand.TryRemove(KeyValuePair.Create(live.InstanceId, live));

    private void OnNews(IReadOnlySet<string> ended, bool unheld)
    {
        _host.Hub.Changed(ended);
        if (unheld)
        {
            Look();
        }
    }

    // ---- Activities --------------------------------------------------------------------------------------------------

    private void OnActivityFinished(ActivityWork work, HistoryEvent? result)
    {
        if (_moreActivities && _activities.IsRunningLow)
        {
            Look();
        }

        if (result is null)
        {
            CheckQuiet();
            return;
        }

        if (_inHand.TryGetValue(work.InstanceId, out var live) && live.TryDeliver(work.ExecutionId, work.TaskId, result, out var queue))
        {
            if (queue)
            {
                QueueTurn(live);
            }
        }
        else
        {
            _committer.Add(new ActivityResult(work.InstanceId, work.ExecutionId, work.TaskId, result.ToBytes()));
        }
    }

    // ---- The lease ---------------------------------------------------------------------------------------------------

    private async Task KeepLeaseAsync(CancellationToken stop)
    {
        using var beat = new PeriodicTimer(_host.Options.LeaseDuration / 6, _time);
        while (await beat.WaitForNextTickAsync(stop))
        {
            if (_lease.Id == 0 || NothingInHand)
            {
                continue;
            }

            try
            {
                await _lease.EnsureAsync(nothingInHand: false, stop);
                if (!_activities.IsIdle)
                {
                    var asked = _time.GetTimestamp();
                    _activities.CancelUnwanted(await _store.ActivitiesInHandAsync(_lease.Id, stop), asked);
                }
            }
            catch (NpgsqlException away) when (away.IsOutage())
            {
                if (_lease.HasSurelyEnded)
                {
                    throw new LeaseLostException("The database was away for longer than the lease lasts.", away);
                }

                _log.LogWarning("The database is away ({Reason}); the lease ends soon", away.Message);
            }
        }
    }

    private async Task GiveBackAsync()
    {
        try
        {
            using var patience = new CancellationTokenSource(s_patience, _time);
            await _lease.ReleaseAsync(patience.Token);
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException)
        {
            _log.LogWarning("Could not give the work back ({Reason}); it is free when the lease ends", error.Message);
        }
    }
}
