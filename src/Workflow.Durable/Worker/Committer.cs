using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;
using Workflow.Durable.Protocol;
using Workflow.Durable.Store;

namespace Workflow.Durable.Worker;

/// <summary>A turn that waits for its commit.</summary>
internal sealed record OpenTurn(LiveInstance Instance, ExecutionStartedEvent? Started, TurnCommit Commit);

/// <summary>A request to free what is not really in hand.</summary>
internal sealed record UnknownWork(Func<string[]> InHand, TaskCompletionSource Done);

/// <summary>
/// Commits what is ready together: while one commit is under way the next gathers. It keeps trying while the database is away,
/// as long as the lease can still be alive.
/// </summary>
internal sealed class Committer(WorkStore store, HostLease lease, ActivityRunner activities, TimeProvider time, ILogger<Committer> log)
{
    private const int MaxTurns = 256;
    private const int MaxResults = 1024;
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(200);

    private readonly Channel<object> _ready = Channel.CreateUnbounded<object>(new UnboundedChannelOptions { SingleReader = true });
    private int _open;

    /// <summary>Called with each turn once it is in the database.</summary>
    public required Action<OpenTurn> Committed { get; init; }

    /// <summary>Called with each turn whose instance turned out to be in other hands.</summary>
    public required Action<OpenTurn> Lost { get; init; }

    /// <summary>Called after each commit: which instances ended, and whether there is work that nobody holds.</summary>
    public required Action<IReadOnlySet<string>, bool> News { get; init; }

    public bool IsIdle => Volatile.Read(ref _open) == 0;

    /// <summary>The host stops: what a turn asks for is anybody's, and its instance, too.</summary>
    public bool IsDraining { get; set; }

    /// <summary>Called when there is nothing left to commit.</summary>
    public required Action Idle { get; init; }

    public void Add(OpenTurn turn) => Queue(turn);

    public void Add(ActivityResult result) => Queue(result);

    /// <exception cref="LeaseLostException">All that is in hand is somebody else's.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        var turns = new List<OpenTurn>();
        var results = new List<ActivityResult>();
        while (await _ready.Reader.WaitToReadAsync(stop))
        {
            UnknownWork? unknown = null;
            while (unknown is null && turns.Count < MaxTurns && results.Count < MaxResults && _ready.Reader.TryRead(out var next))
            {
                switch (next)
                {
                    case OpenTurn turn:
                        turns.Add(turn);
                        break;
                    case ActivityResult result:
                        results.Add(result);
                        break;
                    default:
                        unknown = (UnknownWork)next;
                        break;
                }
            }

            await CommitAsync(turns, results, stop);
            if (unknown is not null)
            {
                await GiveUpAsync(unknown, stop);
            }

            var open = Interlocked.Add(ref _open, -turns.Count - results.Count);
            turns.Clear();
            results.Clear();
            if (open == 0)
            {
                Idle();
            }
        }
    }

    /// <summary>
    /// Frees what the database thinks is in this host's hands and is not: work taken in a round trip whose answer was lost.
    /// It waits its turn between two commits, when all that commits have put into this host's hands is known here.
    /// </summary>
    /// <param name="inHand">The instances that are. Asked between the two commits: no turn of theirs is half in the database then.</param>
    public async Task GiveUpUnknownAsync(Func<string[]> inHand, CancellationToken cancellation)
    {
        var unknown = new UnknownWork(inHand, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _ready.Writer.TryWrite(unknown);
        await unknown.Done.Task.WaitAsync(cancellation);
    }

    private async Task GiveUpAsync(UnknownWork unknown, CancellationToken stop)
    {
        try
        {
            await store.GiveUpUnknownAsync(lease.Id, unknown.InHand(), activities.Known, stop);
            unknown.Done.SetResult();
        }
        catch (NpgsqlException away)
        {
            unknown.Done.SetException(away);
        }
    }

    private void Queue(object ready)
    {
        Interlocked.Increment(ref _open);
        _ready.Writer.TryWrite(ready);
    }

    private async Task CommitAsync(List<OpenTurn> turns, List<ActivityResult> results, CancellationToken stop)
    {
        if (turns.Count + results.Count == 0)
        {
            return;
        }

        DecideWhatStays(turns);
        try
        {
            await TryAsync(turns, results, stop);
        }
        catch (TurnsLostException lost)
        {
            var kept = turns.Where((_, position) => !lost.Turns.Contains(position)).ToList();
            foreach (var turn in turns.Except(kept))
            {
                log.LogWarning("Dropped a turn of instance {Instance}: it is in other hands, or was replaced", turn.Commit.InstanceId);
                Forget(turn.Commit);
                Lost(turn);
            }

            await CommitAsync(kept, results, stop);
            return;
        }
        catch (Exception refused) when (IsRefusal(refused) && turns.Count + results.Count > 1)
        {
            log.LogWarning(refused, "A commit of {Turns} turns was refused; trying them one by one", turns.Count);
            foreach (var turn in turns)
            {
                await CommitAsync([turn], [], stop);
            }

            foreach (var result in results)
            {
                await CommitAsync([], [result], stop);
            }

            return;
        }
        catch (Exception refused) when (IsRefusal(refused) && turns is [var turn])
        {
            log.LogError(refused, "The turn of instance {Instance} cannot be committed; the instance fails", turn.Commit.InstanceId);
            var failed = turn with { Commit = turn.Commit.Refused(refused, turn.Started, time.GetUtcNow()) };
            turns = [failed];
            DecideWhatStays(turns);
            await TryAsync(turns, [], stop);
        }

        lease.Renewed();
        foreach (var result in results)
        {
            activities.Saved(result.InstanceId, result.TaskId, result.ExecutionId);
        }

        foreach (var turn in turns)
        {
            Forget(turn.Commit);
            Settle(turn);
        }

        Tell(turns, leavesWork: results.Count > 0 || turns.Any(turn => LeavesWork(turn.Commit)));
    }

    /// <summary>The values themselves are to blame, whether the database says so or the driver that cannot send them: trying again is no use.</summary>
    private static bool IsRefusal(Exception error) => error switch
    {
        PostgresException refused => !refused.IsOutage(),
        NpgsqlException or LeaseLostException or TurnsLostException or OperationCanceledException => false,
        _ => true,
    };

    private void Forget(TurnCommit commit)
    {
        foreach (var taskId in commit.ActivitiesDone)
        {
            activities.Saved(commit.InstanceId, taskId, commit.ExecutionId);
        }
    }

    private void DecideWhatStays(List<OpenTurn> turns)
    {
        var room = activities.Room;
        foreach (var (instance, _, commit) in turns)
        {
            commit.ActivitiesKept = Math.Min(commit.Activities.Count, room);
            room -= commit.ActivitiesKept;
            commit.Releases = instance.TryRelease(ends: commit.Ends || commit.ContinuesAsNew, commit.WaitsForActivities && !IsDraining);
        }
    }

    private void Settle(OpenTurn turn)
    {
        foreach (var work in turn.Commit.Activities.Take(turn.Commit.ActivitiesKept))
        {
            activities.Hold(work);
        }

        if (turn.Commit.Status == "Terminated")
        {
            activities.Cancel(turn.Commit.InstanceId);
        }

        Committed(turn);
    }

    private void Tell(List<OpenTurn> turns, bool leavesWork)
    {
        var ended = turns.Where(turn => turn.Commit.Ends).Select(turn => turn.Commit.InstanceId).ToHashSet();
        if (ended.Count > 0 || leavesWork)
        {
            News(ended, leavesWork);
        }
    }

    private static bool LeavesWork(TurnCommit commit) =>
        commit.ActivitiesKept < commit.Activities.Count || commit.Children.Count > 0 || commit.ChildrenRewound.Count > 0 || commit.ContinuesAsNew || commit.Messages.Count > 0;

    private async Task TryAsync(List<OpenTurn> turns, List<ActivityResult> results, CancellationToken stop)
    {
        var commitId = Guid.NewGuid();
        var commits = turns.Select(turn => turn.Commit).ToArray();
        var call = Call.For(
            store.Hub.ProcessId,
            leavesWork: results.Count > 0 || commits.Any(LeavesWork),
            ended: [.. commits.Where(commit => commit.Ends).Select(commit => commit.InstanceId)]);
        for (var outage = 0L; ;)
        {
            try
            {
                await store.CommitAsync(lease.Id, commitId, commits, results, call, time.GetUtcNow(), stop);
                return;
            }
            catch (NpgsqlException away) when (away.IsOutage())
            {
                if (lease.HasSurelyEnded)
                {
                    throw new LeaseLostException("The database was away for longer than the lease lasts.", away);
                }

                if (outage == 0)
                {
                    outage = Stopwatch.GetTimestamp();
                    log.LogWarning("The database is away ({Reason}); waiting to commit {Turns} turns", away.Message, turns.Count);
                }

                await Task.Delay(s_retry, time, stop);
            }
        }
    }
}
