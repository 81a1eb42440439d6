using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading.Channels;
using Npgsql;
using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;

namespace Workflow.Durable.Store;

/// <summary>An instance to be started.</summary>
/// <param name="Input">JSON.</param>
internal sealed record NewInstance(string InstanceId, string Name, string? Input, StartOrchestrationOptions Options);

/// <summary>One task hub in PostgreSQL: what clients ask of it. What hosts ask is in <see cref="WorkStore"/>.</summary>
internal sealed partial class TaskHub : IAsyncDisposable
{
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<InstanceWatch, byte> _watches = new();
    private readonly Gathering<NewInstance, string?> _creating;
    private readonly Gathering<(string InstanceId, bool InputsAndOutputs), OrchestrationMetadata?> _finding;
    private readonly SemaphoreSlim _preparing = new(1);
    private volatile bool _prepared;

    public TaskHub(string connectionString, string name, TimeProvider time)
    {
        if (!HubName().IsMatch(name))
        {
            throw new ArgumentException($"'{name}' cannot name a task hub. Use 1 to 40 of a-z, 0-9 and _, beginning with a letter.", nameof(name));
        }

        Name = name;
        _time = time;
        _creating = new(CreateManyAsync);
        _finding = new(FindManyAsync);
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        builder.ConnectionStringBuilder.SearchPath = name;
        builder.ConnectionStringBuilder.IncludeErrorDetail = true;  // the fence names the lost instances there
        builder.ConnectionStringBuilder.NoResetOnClose = true;  // no session here changes its settings, and a reset is a statement per use

        // The tables are queues: their statistics are always out of date, and every statement has an index made for it. A plain index
        // scan also clears away what it finds dead, which a bitmap scan does not.
        builder.ConnectionStringBuilder.Options = "-c enable_seqscan=off -c enable_bitmapscan=off -c plan_cache_mode=force_generic_plan -c jit=off";
        builder.ConnectionStringBuilder.MaxAutoPrepare = 64;
        builder.ConnectionStringBuilder.AutoPrepareMinUsages = 2;
        Data = builder.Build();
    }

    /// <summary>The hub's schema is there and up to date from here on. Cheap once it is.</summary>
    public async ValueTask PrepareAsync(CancellationToken cancellation)
    {
        if (_prepared)
        {
            return;
        }

        await _preparing.WaitAsync(cancellation);
        try
        {
            if (!_prepared)
            {
                await new SchemaMigrations(Data, Name, $"task hub '{Name}'", Sql.Migrations).ApplyAsync(cancellation);
                _prepared = true;
            }
        }
        finally
        {
            _preparing.Release();
        }
    }

    /// <summary>The schema that holds the hub.</summary>
    public string Name { get; }

    public NpgsqlDataSource Data { get; }

    /// <summary>Tells this process's calls from the others'.</summary>
    public string ProcessId { get; } = Guid.NewGuid().ToString("N");

    /// <summary>The channel on which hosts call each other.</summary>
    public string Channel => "workflow_" + Name;

    /// <summary>Raised in this process when a client has left work.</summary>
    public event Action? WorkArrived;

    /// <summary>Null when started; otherwise the status of the instance that keeps the id.</summary>
    public async Task<OrchestrationRuntimeStatus?> CreateAsync(NewInstance start, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        var existing = await _creating.AskAsync(start, cancellation);
        WorkArrived?.Invoke();
        return existing is null ? null : Enum.Parse<OrchestrationRuntimeStatus>(existing);
    }

    /// <summary>The same, as a part of a transaction of the caller's on the hub's database.</summary>
    public async Task<OrchestrationRuntimeStatus?> CreateAsync(NewInstance start, NpgsqlTransaction within, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        await using var batch = new NpgsqlBatch(within.Connection, within);
        batch.BatchCommands.Add(Sql.Command(Sql.EnterHub, Sql.Of(Name)));
        batch.BatchCommands.Add(Creation([start]));
        batch.BatchCommands.Add(Sql.Command(Sql.Notify, Sql.Of(Call.For(Call.Nobody, leavesWork: true, ended: [])!)));  // heard here too: once it is committed
        batch.BatchCommands.Add(Sql.Command(Sql.LeaveHub));
        await using var reader = await batch.ExecuteReaderAsync(cancellation);
        await reader.NextResultAsync(cancellation);
        await reader.ReadAsync(cancellation);
        return reader.IsDBNull(0) ? null : Enum.Parse<OrchestrationRuntimeStatus>(reader.GetString(0));
    }

    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public async Task SendAsync(string instanceId, HistoryEvent message, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        await using var batch = Data.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(Sql.Send, Sql.Of(instanceId), Sql.Time(_time.GetUtcNow()), Sql.Of(message.ToBytes())));
        batch.BatchCommands.Add(Sql.Command(Sql.Notify, Sql.Of(Call.For(ProcessId, leavesWork: true, ended: [])!)));
        if (!(bool)(await AskAsync(() => batch.ExecuteScalarAsync(cancellation)))!)
        {
            throw new InstanceNotFoundException(instanceId);
        }

        WorkArrived?.Invoke();
    }

    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="OrchestrationNotFailedException">It has not failed.</exception>
    public async Task RewindAsync(string instanceId, string? reason, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        var now = _time.GetUtcNow();
        await using var batch = Data.CreateBatch();
        batch.BatchCommands.Add(Sql.Command(
            Sql.Rewind, Sql.Texts([instanceId]), Sql.Texts([null]), Sql.Of<byte[][]>([Messages.Rewound(reason, parent: null, now).ToBytes()]), Sql.Time(now)));
        batch.BatchCommands.Add(Sql.Command(Sql.Notify, Sql.Of(Call.For(ProcessId, leavesWork: true, ended: [])!)));
        if (await AskAsync(() => batch.ExecuteScalarAsync(cancellation)) is null)
        {
            var other = await FindAsync(instanceId, inputsAndOutputs: false, cancellation) ?? throw new InstanceNotFoundException(instanceId);
            throw new OrchestrationNotFailedException(instanceId, other.RuntimeStatus);
        }

        WorkArrived?.Invoke();
    }

    public async Task<OrchestrationMetadata?> FindAsync(string instanceId, bool inputsAndOutputs, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        return await _finding.AskAsync((instanceId, inputsAndOutputs), cancellation);
    }

    public async Task<Page<OrchestrationMetadata>> QueryAsync(OrchestrationQuery query, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(query.PageSize, nameof(query));
        var (after, afterId) = PageToken.Read(query.ContinuationToken);
        await using var command = Data.CreateCommand(Sql.Query);
        command.Parameters.Add(Sql.Of(query.FetchInputsAndOutputs));
        command.Parameters.Add(Sql.Time(query.CreatedFrom));
        command.Parameters.Add(Sql.Time(query.CreatedTo));
        command.Parameters.Add(Sql.Texts(query.Statuses?.Select(status => status.ToString())));
        command.Parameters.Add(Sql.Text(query.Name));
        command.Parameters.Add(Sql.Text(query.InstanceIdPrefix));
        command.Parameters.Add(Sql.Time(after));
        command.Parameters.Add(Sql.Text(afterId));
        command.Parameters.Add(Sql.Of(query.PageSize));
        command.Parameters.Add(Sql.Texts(query.Roots?.Select(root => root.Name)));
        command.Parameters.Add(Sql.Text(query.ParentInstanceId));
        command.Parameters.Add(Sql.Of(query.RootsOnly));
        command.Parameters.Add(Sql.Texts(query.Roots?.Select(root => root.IdPrefix)));
        await using var reader = await AskAsync(() => command.ExecuteReaderAsync(cancellation));
        var found = new List<OrchestrationMetadata>();
        while (await reader.ReadAsync(cancellation))
        {
            found.Add(Metadata(reader));
        }

        return new Page<OrchestrationMetadata>(found, found.Count < query.PageSize ? null : PageToken.Write(found[^1]));
    }

    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    public async Task<IReadOnlyList<OrchestrationHistoryEvent>> HistoryAsync(string instanceId, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        var lines = new List<OrchestrationHistoryEvent>();
        await using (var command = Data.CreateCommand(Sql.History))
        {
            command.Parameters.Add(Sql.Of(instanceId));
            await using var reader = await AskAsync(() => command.ExecuteReaderAsync(cancellation));
            while (await reader.ReadAsync(cancellation))
            {
                lines.AddRange(HistoryChunk.Parser.ParseFrom(reader.GetFieldValue<byte[]>(0)).Events.Select(HistoryLines.ToLine));
            }
        }

        if (lines.Count == 0 && await FindAsync(instanceId, false, cancellation) is null)
        {
            throw new InstanceNotFoundException(instanceId);
        }

        return lines;
    }

    public async Task<int> PurgeAsync(string instanceId, bool recursive, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        await using var command = Data.CreateCommand(Sql.Purge);
        command.Parameters.Add(Sql.Of(instanceId));
        command.Parameters.Add(Sql.Of(recursive));
        return await AskAsync(() => command.ExecuteNonQueryAsync(cancellation));
    }

    public async Task<int> PurgeAsync(PurgeInstancesFilter filter, CancellationToken cancellation)
    {
        await PrepareAsync(cancellation);
        if (filter.Statuses?.Where(status => !status.IsTerminal()).ToArray() is { Length: > 0 } live)
        {
            throw new ArgumentException($"Only ended instances can be purged; {string.Join(", ", live)} is not an end. Terminate them first.", nameof(filter));
        }

        await using var command = Data.CreateCommand(Sql.PurgeMany);
        command.Parameters.Add(Sql.Time(filter.CreatedFrom));
        command.Parameters.Add(Sql.Time(filter.CreatedTo));
        command.Parameters.Add(Sql.Texts(filter.Statuses?.Select(status => status.ToString())));
        return await AskAsync(() => command.ExecuteNonQueryAsync(cancellation));
    }

    // ---- Watching ----------------------------------------------------------------------------------------------------

    /// <summary>Waits for news of one instance: called by hosts, and looking by itself every second in case a call is lost.</summary>
    public InstanceWatch Watch(string instanceId)
    {
        var watch = new InstanceWatch(instanceId, _time, ended => _watches.TryRemove(ended, out _));
        _watches.TryAdd(watch, 0);
        return watch;
    }

    /// <summary>Null when it is not known which instances changed.</summary>
    public void Changed(IReadOnlySet<string>? instanceIds)
    {
        foreach (var watch in _watches.Keys)
        {
            if (instanceIds is null || instanceIds.Contains(watch.InstanceId))
            {
                watch.Wake();
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        _preparing.Dispose();
        return Data.DisposeAsync();
    }

    private NpgsqlBatchCommand Creation(IReadOnlyList<NewInstance> starts)
    {
        var now = _time.GetUtcNow();
        var executions = starts.Select(_ => Guid.NewGuid()).ToArray();
        return Sql.Command(
            Sql.Create,
            Sql.Texts(starts.Select(start => start.InstanceId)),
            Sql.Of(executions),
            Sql.Texts(starts.Select(start => start.Name)),
            Sql.Texts(starts.Select(start => start.Options.Version)),
            Sql.Texts(starts.Select(start => start.Input)),
            Sql.Texts(starts.Select(start => start.Options.Tags.Count == 0 ? null : JsonSerializer.Serialize(start.Options.Tags))),
            Sql.Of(starts.Select((start, i) => Messages.ExecutionStarted(start, executions[i], now).ToBytes()).ToArray()),
            Sql.Time(now),
            Sql.Times(starts.Select(start => start.Options.StartAt ?? now)),
            Sql.Texts(starts.Select(start => string.Join(',', start.Options.DedupeStatuses))));
    }

    private async Task<IReadOnlyList<string?>> CreateManyAsync(IReadOnlyList<NewInstance> starts)
    {
        await using var batch = Data.CreateBatch();
        batch.BatchCommands.Add(Creation(starts));
        batch.BatchCommands.Add(Sql.Command(Sql.Notify, Sql.Of(Call.For(ProcessId, leavesWork: true, ended: [])!)));
        return await AskAsync(async () =>
        {
            await using var reader = await batch.ExecuteReaderAsync();
            var existing = new List<string?>(starts.Count);
            while (await reader.ReadAsync())
            {
                existing.Add(reader.IsDBNull(0) ? null : reader.GetString(0));
            }

            return existing;
        });
    }

    private async Task<IReadOnlyList<OrchestrationMetadata?>> FindManyAsync(IReadOnlyList<(string InstanceId, bool InputsAndOutputs)> wanted)
    {
        await using var command = Data.CreateCommand(Sql.Find);
        command.Parameters.Add(Sql.Texts(wanted.Select(one => one.InstanceId)));
        command.Parameters.Add(Sql.Of(wanted.Select(one => one.InputsAndOutputs).ToArray()));
        await using var reader = await AskAsync(() => command.ExecuteReaderAsync());
        var found = new List<OrchestrationMetadata?>(wanted.Count);
        while (await reader.ReadAsync())
        {
            found.Add(reader.IsDBNull(0) ? null : Metadata(reader));
        }

        return found;
    }

    /// <summary>A connection on which a statement was refused no longer knows what it has prepared (npgsql issue 6391): it is not used again.</summary>
    private async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (PostgresException)
        {
            Data.Clear();
            throw;
        }
    }

    private static OrchestrationMetadata Metadata(NpgsqlDataReader reader) =>
        new(
            Name: reader.GetString(1),
            InstanceId: reader.GetString(0),
            RuntimeStatus: Enum.Parse<OrchestrationRuntimeStatus>(reader.GetString(2)),
            CreatedAt: reader.GetFieldValue<DateTimeOffset>(4),
            LastUpdatedAt: reader.GetFieldValue<DateTimeOffset>(5),
            CompletedAt: reader.IsDBNull(6) ? null : reader.GetFieldValue<DateTimeOffset>(6),
            SerializedInput: reader.IsDBNull(7) ? null : reader.GetString(7),
            SerializedOutput: reader.IsDBNull(8) ? null : reader.GetString(8),
            SerializedCustomStatus: reader.IsDBNull(9) ? null : reader.GetString(9),
            FailureDetails: reader.IsDBNull(10) ? null : Protocol.TaskFailureDetails.Parser.ParseFrom(reader.GetFieldValue<byte[]>(10)).ToDetails())
        {
            ParentInstanceId = reader.IsDBNull(3) ? null : reader.GetString(3),
            Tags = reader.IsDBNull(11) ? new Dictionary<string, string>() : JsonSerializer.Deserialize<Dictionary<string, string>>(reader.GetString(11))!,
        };

    [GeneratedRegex("^[a-z][a-z0-9_]{0,39}$")]
    private static partial Regex HubName();
}

/// <summary>Waits for news of one instance.</summary>
internal sealed class InstanceWatch(string instanceId, TimeProvider time, Action<InstanceWatch> end) : IDisposable
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    // Room for one: news that has not been looked at yet is no more urgent for having come twice.
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public string InstanceId => instanceId;

    public void Wake() => _news.Writer.TryWrite(true);

    public async Task NextAsync(CancellationToken cancellation)
    {
        await using var timer = time.CreateTimer(_ => Wake(), null, s_look, Timeout.InfiniteTimeSpan);
        await _news.Reader.ReadAsync(cancellation);
    }

    public void Dispose() => end(this);
}

/// <summary>Where a page ended: the age and id of its last instance.</summary>
internal static class PageToken
{
    public static string Write(OrchestrationMetadata last) =>
        Convert.ToBase64String(JsonSerializer.SerializeToUtf8Bytes(new Position(last.CreatedAt, last.InstanceId)));

    public static (DateTimeOffset? Created, string? InstanceId) Read(string? token)
    {
        if (token is null)
        {
            return (null, null);
        }

        try
        {
            var position = JsonSerializer.Deserialize<Position>(Convert.FromBase64String(token)) ?? throw new FormatException();
            return (position.Created, position.InstanceId);
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            throw new ArgumentException($"'{token}' is not a continuation token of this query. Pass the one the page before came with, or none.", nameof(token), error);
        }
    }

    private sealed record Position(DateTimeOffset Created, string InstanceId);
}
