using System.Globalization;
using Npgsql;
using Workflow.Durable.Protocol;

namespace Workflow.Durable.Store;

/// <summary>An instance at one of its turns.</summary>
internal sealed record TakenInstance(string InstanceId, Guid ExecutionId, int Turn);

/// <summary>A message that is due for an instance in hand.</summary>
internal sealed record TakenMessage(string InstanceId, long MessageId, HistoryEvent Event);

/// <summary>What there is to do, now and later.</summary>
/// <param name="HasWork">There is work in nobody's hand.</param>
/// <param name="NextDue">When something will fall due if nobody calls.</param>
/// <param name="OthersUntil">When the first lease ends that another host holds work under; null when none does.</param>
internal sealed record Outlook(bool HasWork, DateTimeOffset? NextDue, DateTimeOffset? OthersUntil);

/// <summary>What one look at the hub brought.</summary>
internal sealed record TakenWork(
    IReadOnlyList<TakenInstance> Instances, IReadOnlyList<TakenMessage> Messages, IReadOnlyList<ActivityWork> Activities, Outlook Outlook);

/// <summary>The result of an activity whose instance is in other hands, or over.</summary>
internal sealed record ActivityResult(string InstanceId, Guid ExecutionId, int TaskId, byte[] Event);

/// <summary>Some of the turns' instances are no longer in this host's hands, or are other executions now.</summary>
/// <param name="turns">Their positions among the turns to be committed.</param>
internal sealed class TurnsLostException(IReadOnlySet<int> turns, Exception inner) : Exception($"{turns.Count} instances are in other hands", inner)
{
    public IReadOnlySet<int> Turns => turns;
}

/// <summary>The host's lease has ended or was taken away; all that it had in hand is somebody else's.</summary>
internal sealed class LeaseLostException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What hosts ask of the task hub: taking work and committing turns, each one round trip.</summary>
internal sealed class WorkStore(TaskHub hub, TimeSpan leaseDuration)
{
    public TaskHub Hub => hub;

    public async Task<TakenWork> TakeAsync(long lease, DateTimeOffset now, int instances, int activities, CancellationToken cancellation)
    {
        await using var batch = hub.Data.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(Sql.TakeInstances, Sql.Of(lease), Sql.Time(now), Sql.Of(instances)));
        batch.BatchCommands.Add(Sql.Command(Sql.TakeMessages, Sql.Of(lease), Sql.Time(now)));
        batch.BatchCommands.Add(Sql.Command(Sql.TakeActivities, Sql.Of(lease), Sql.Of(activities)));
        batch.BatchCommands.Add(Sql.Command(Sql.Look, Sql.Of(lease), Sql.Time(now)));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);

        var takenInstances = new List<TakenInstance>();
        while (await reader.ReadAsync(cancellation))
        {
            takenInstances.Add(new TakenInstance(reader.GetString(0), reader.GetGuid(1), reader.GetInt32(2)));
        }

        await reader.NextResultAsync(cancellation);
        var messages = new List<TakenMessage>();
        while (await reader.ReadAsync(cancellation))
        {
            messages.Add(new TakenMessage(reader.GetString(0), reader.GetInt64(1), HistoryEvent.Parser.ParseFrom(reader.GetFieldValue<byte[]>(2))));
        }

        await reader.NextResultAsync(cancellation);
        var work = new List<ActivityWork>();
        while (await reader.ReadAsync(cancellation))
        {
            work.Add(new ActivityWork(
                reader.GetString(0), reader.GetGuid(2), reader.GetInt32(1), reader.GetInt32(3), HistoryEvent.Parser.ParseFrom(reader.GetFieldValue<byte[]>(4))));
        }

        await reader.NextResultAsync(cancellation);
        return new TakenWork(takenInstances, messages, work, await ReadOutlookAsync(reader, cancellation));
    }

    /// <summary>Looks without taking: nothing is written.</summary>
    public async Task<Outlook> LookAsync(long lease, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = hub.Data.CreateCommand(Sql.Look);
        command.Parameters.Add(Sql.Of(lease));
        command.Parameters.Add(Sql.Time(now));
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        return await ReadOutlookAsync(reader, cancellation);
    }

    /// <summary>The histories of instances, each in order.</summary>
    public async Task<ILookup<string, HistoryChunk>> ReadHistoriesAsync(IReadOnlyCollection<string> instanceIds, CancellationToken cancellation)
    {
        await using var command = hub.Data.CreateCommand(Sql.ReadHistory);
        command.Parameters.Add(Sql.Texts(instanceIds));
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var chunks = new List<(string InstanceId, HistoryChunk Chunk)>();
        while (await reader.ReadAsync(cancellation))
        {
            chunks.Add((reader.GetString(0), HistoryChunk.Parser.ParseFrom(reader.GetFieldValue<byte[]>(1))));
        }

        return chunks.ToLookup(row => row.InstanceId, row => row.Chunk);
    }

    /// <summary>The sub-orchestrations that each of some instances has started.</summary>
    public async Task<ILookup<string, RewoundChild>> ReadChildrenAsync(IReadOnlyCollection<string> parents, CancellationToken cancellation)
    {
        await using var command = hub.Data.CreateCommand(Sql.ReadChildren);
        command.Parameters.Add(Sql.Texts(parents));
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var children = new List<(string Parent, RewoundChild Child)>();
        while (await reader.ReadAsync(cancellation))
        {
            children.Add((reader.GetString(0), new(reader.GetString(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetString(3))));
        }

        return children.ToLookup(row => row.Parent, row => row.Child);
    }

    /// <summary>The activities that the hub still wants from this lease.</summary>
    public async Task<IReadOnlySet<(string InstanceId, int TaskId, Guid ExecutionId)>> ActivitiesInHandAsync(long lease, CancellationToken cancellation)
    {
        await using var command = hub.Data.CreateCommand(Sql.ActivitiesInHand);
        command.Parameters.Add(Sql.Of(lease));
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var wanted = new HashSet<(string, int, Guid)>();
        while (await reader.ReadAsync(cancellation))
        {
            wanted.Add((reader.GetString(0), reader.GetInt32(1), reader.GetGuid(2)));
        }

        return wanted;
    }

    /// <summary>Wakes an instance that is out of hand to tell it that its code strayed.</summary>
    public async Task StrayAsync(TakenInstance instance, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var command = hub.Data.CreateCommand(Sql.Stray);
        command.Parameters.Add(Sql.Of(instance.InstanceId));
        command.Parameters.Add(Sql.Of(instance.ExecutionId));
        command.Parameters.Add(Sql.Of(instance.Turn));
        command.Parameters.Add(Sql.Time(now));
        command.Parameters.Add(Sql.Of(Messages.Strayed(now).ToBytes()));
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Frees what names this lease although the host does not know of it.</summary>
    public async Task GiveUpUnknownAsync(
        long lease, string[] instances, IReadOnlyCollection<(string InstanceId, int TaskId, Guid ExecutionId)> activities, CancellationToken cancellation)
    {
        await using var command = hub.Data.CreateCommand(Sql.GiveUpUnknown);
        command.Parameters.Add(Sql.Of(lease));
        command.Parameters.Add(Sql.Of(instances));
        command.Parameters.Add(Sql.Of(activities.Select(activity => activity.InstanceId).ToArray()));
        command.Parameters.Add(Sql.Of(activities.Select(activity => activity.ExecutionId).ToArray()));
        command.Parameters.Add(Sql.Of(activities.Select(activity => activity.TaskId).ToArray()));
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>
    /// Commits turns and results together, or nothing: one transaction, one round trip, behind the fence.
    /// Sent again with the same <paramref name="commitId"/> after a lost answer, it finds out that it was in and succeeds.
    /// </summary>
    /// <param name="news">What to call to the other hosts; null for nothing.</param>
    /// <exception cref="TurnsLostException">Some instances are no longer in hand. Nothing was committed.</exception>
    /// <exception cref="LeaseLostException">The lease is gone. Nothing was committed.</exception>
    public async Task CommitAsync(
        long lease, Guid commitId, IReadOnlyList<TurnCommit> turns, IReadOnlyList<ActivityResult> results, string? news, DateTimeOffset now, CancellationToken cancellation)
    {
        await using var batch = hub.Data.CreateBatch();
        Action<NpgsqlBatchCommand> add = batch.BatchCommands.Add;
        var time = now.UtcDateTime;
        var messages = turns.SelectMany(turn => turn.Messages).ToArray();
        var children = turns.SelectMany(turn => turn.Children.Select(child => (Parent: turn, Child: child))).ToArray();
        var targets = messages.Select(message => message.InstanceId)
            .Concat(results.Select(result => result.InstanceId))
            .Concat(turns.SelectMany(turn => turn.ChildrenRewound.Select(child => child.InstanceId)))
            .Distinct()
            .ToArray();
        add(Sql.Command(
            Sql.Fence,
            Sql.Of(lease),
            Sql.Of(leaseDuration),
            Sql.Of(commitId),
            Sql.Of(Column(turns, turn => turn.InstanceId)),
            Sql.Of(Column(turns, turn => turn.ExecutionId)),
            Sql.Of(Column(turns, turn => turn.Turn)),
            Sql.Of(targets)));

        if (turns.Where(turn => turn.Rewound is not null).ToArray() is { Length: > 0 } rewound)
        {
            AddRewound(add, rewound, now);
        }

        var executionsEnded = turns.Where(turn => turn.ContinuesAsNew).Select(turn => turn.InstanceId).ToArray();
        var histories = turns.Where(turn => !turn.ContinuesAsNew).ToArray();
        if (histories.Length > 0)
        {
            add(Sql.Command(
                Sql.CommitHistory,
                Sql.Of(Column(histories, turn => turn.InstanceId)),
                Sql.Of(Column(histories, turn => turn.Turn)),
                Sql.Of(Column(histories, turn => turn.History.ToBytes()))));
        }

        if (turns.SelectMany(turn => turn.MessagesTaken).ToArray() is { Length: > 0 } taken)
        {
            add(Sql.Command(Sql.CommitMessagesTaken, Sql.Of(taken)));
        }

        if (turns.SelectMany(turn => turn.ActivitiesDone.Select(task => (turn.InstanceId, turn.ExecutionId, Task: task))).ToArray() is { Length: > 0 } done)
        {
            add(Sql.Command(
                Sql.CommitActivitiesDone,
                Sql.Of(Column(done, row => row.InstanceId)),
                Sql.Of(Column(done, row => row.ExecutionId)),
                Sql.Of(Column(done, row => row.Task))));
        }

        if (executionsEnded.Length > 0)
        {
            add(Sql.Command(Sql.CommitExecutionsEnded, Sql.Of(executionsEnded)));
        }

        if (children.Length > 0)
        {
            add(Sql.Command(
                Sql.CommitChildren,
                Sql.Of(Column(children, row => row.Child.InstanceId)),
                Sql.Of(Column(children, row => row.Child.ExecutionId)),
                Sql.Of(Column(children, row => row.Child.Name)),
                Sql.Of(Column(children, row => row.Parent.InstanceId)),
                Sql.Of(Column(children, row => row.Child.Input)),
                Sql.Of(Column(children, row => row.Child.Started)),
                Sql.Of(Column(children, row => row.Parent.ExecutionId)),
                Sql.Of(Column(children, row => row.Parent.ContinuesAsNew ? null : row.Child.Refusal)),  // the execution that asked is over
                Sql.Of(time)));
        }

        if (messages.Length > 0)
        {
            add(Sql.Command(
                Sql.CommitMessages,
                Sql.Of(Column(messages, row => row.InstanceId)),
                Sql.Of(Column(messages, row => row.ExecutionId)),
                Sql.Of(Column(messages, row => row.Carried)),
                Sql.Times(messages.Select(row => new DateTimeOffset(row.VisibleAt))),
                Sql.Of(Column(messages, row => row.Event))));
        }

        if (results.Count > 0)
        {
            add(Sql.Command(
                Sql.CommitResults,
                Sql.Of(lease),
                Sql.Of(Column(results, row => row.InstanceId)),
                Sql.Of(Column(results, row => row.TaskId)),
                Sql.Of(Column(results, row => row.ExecutionId)),
                Sql.Of(Column(results, row => row.Event)),
                Sql.Of(time)));
        }

        if (turns.SelectMany(turn => turn.Activities.Select((work, index) => (Work: work, Lease: index < turn.ActivitiesKept ? lease : (long?)null))).ToArray() is { Length: > 0 } asked)
        {
            add(Sql.Command(
                Sql.CommitActivities,
                Sql.Of(Column(asked, row => row.Work.InstanceId)),
                Sql.Of(Column(asked, row => row.Work.TaskId)),
                Sql.Of(Column(asked, row => row.Work.ExecutionId)),
                Sql.Of(Column(asked, row => row.Lease)),
                Sql.Of(Column(asked, row => row.Work.Deliveries)),
                Sql.Of(Column(asked, row => row.Work.Scheduled.ToBytes()))));
        }

        if (turns.Where(turn => turn.Status == "Terminated").Select(turn => turn.InstanceId).ToArray() is { Length: > 0 } terminated)
        {
            add(Sql.Command(Sql.CommitActivitiesDropped, Sql.Of(terminated)));
        }

        if (turns.Where(turn => turn.Ends).Select(turn => turn.InstanceId).ToArray() is { Length: > 0 } ended)
        {
            add(Sql.Command(Sql.CommitInstancesEnded, Sql.Of(ended)));
        }

        if (turns.Count > 0)
        {
            add(Sql.Command(
                Sql.CommitInstances,
                Sql.Of(Column(turns, turn => turn.InstanceId)),
                Sql.Of(Column(turns, turn => turn.NextExecutionId)),
                Sql.Of(Column(turns, turn => turn.Status)),
                Sql.Of(Column(turns, turn => turn.SetsCustomStatus)),
                Sql.Of(Column(turns, turn => turn.CustomStatus)),
                Sql.Of(Column(turns, turn => turn.Output)),
                Sql.Of(Column(turns, turn => turn.Failure)),
                Sql.Of(Column(turns, turn => turn.NextInput)),
                Sql.Of(Column(turns, turn => turn.Releases)),
                Sql.Of(time),
                Sql.Of(Column(turns, turn => turn.MovesMessages))));
        }

        if (news is not null)
        {
            add(Sql.Command(Sql.Notify, Sql.Of(news)));
        }

        try
        {
            await batch.ExecuteNonQueryAsync(cancellation);
        }
        catch (PostgresException error)
        {
            hub.Data.Clear();  // a connection on which a batch has failed no longer knows what it has prepared
            switch (error.SqlState)
            {
                case "WF001":
                    throw new TurnsLostException(error.Detail!.Split(',').Select(position => int.Parse(position, CultureInfo.InvariantCulture) - 1).ToHashSet(), error);
                case "WF002":
                    return;  // the answer to the first try was lost, the commit was not
                case "WF003":
                    throw new LeaseLostException(error.MessageText, error);
                default:
                    throw;
            }
        }
    }

    /// <summary>Before all else of a commit: what the turns add comes after the rewound history.</summary>
    private static void AddRewound(Action<NpgsqlBatchCommand> add, IReadOnlyList<TurnCommit> turns, DateTimeOffset now)
    {
        var ids = Column(turns, turn => turn.InstanceId);
        add(Sql.Command(Sql.CommitHistoryDropped, Sql.Of(ids)));
        add(Sql.Command(Sql.CommitHistory, Sql.Of(ids), Sql.Of(Column(turns, turn => turn.Turn - 1)), Sql.Of(Column(turns, turn => turn.Rewound!.ToBytes()))));
        add(Sql.Command(Sql.CommitActivitiesDropped, Sql.Of(ids)));
        if (turns.SelectMany(turn => turn.ChildrenRewound.Select(child => (Parent: turn.InstanceId, child.InstanceId, child.Event))).ToArray() is { Length: > 0 } children)
        {
            add(Sql.Command(
                Sql.Rewind,
                Sql.Of(Column(children, row => row.InstanceId)),
                Sql.Of(Column(children, row => row.Parent)),
                Sql.Of(Column(children, row => row.Event)),
                Sql.Time(now)));
        }
    }

    private static async Task<Outlook> ReadOutlookAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        await reader.ReadAsync(cancellation);
        DateTimeOffset? Time(int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
        var next = Time(1) is { } free && Time(2) is { } own ? (free < own ? free : own) : Time(1) ?? Time(2);
        return new Outlook(reader.GetBoolean(0), next, Time(3));
    }

    private static TColumn[] Column<TRow, TColumn>(IReadOnlyList<TRow> rows, Func<TRow, TColumn> column)
    {
        var values = new TColumn[rows.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = column(rows[i]);
        }

        return values;
    }
}
