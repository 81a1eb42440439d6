using Npgsql;
using NpgsqlTypes;
using Workflow.App.Hosting;

namespace Workflow.App.Triggers.Schedules;

/// <summary>The schedules in the database: the table <c>schedules</c> of the service's schema, and the clock that counts for all hosts.</summary>
internal sealed class ScheduleTable(ServiceDatabase database)
{
    /// <summary>All schedules, and the time that counts.</summary>
    public async Task<(DateTimeOffset Now, IReadOnlyList<ScheduleRow> Rows)> ListAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        var rows = await ReadAsync(Command(connection, "list"), cancellation);
        return rows.Count > 0 ? (rows[0].Now, [.. rows.Select(row => row.Row)]) : (await ClockAsync(connection, cancellation), []);
    }

    /// <summary>The time that counts.</summary>
    public async Task<DateTimeOffset> ClockAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await ClockAsync(connection, cancellation);
    }

    /// <summary>A schedule in nobody else's hands until it is let go of; null where there is none for the pipeline.</summary>
    public async Task<LockedSchedule?> LockAsync(string pipeline, CancellationToken cancellation)
    {
        var connection = await database.OpenAsync(cancellation);
        try
        {
            var transaction = await connection.BeginTransactionAsync(cancellation);
            await Command(connection, "lock_limits").ExecuteNonQueryAsync(cancellation);
            if (await ReadAsync(Command(connection, "lock", Text(pipeline)), cancellation) is [var (now, row)])
            {
                return new(connection, transaction, now, row);
            }
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>Adds a schedule; one that is there stays as it is.</summary>
    public async Task AddAsync(ScheduleRow row, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        await Command(connection, "insert", [.. Values(row).Take(7)]).ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Marks the schedules of pipelines that are not among the given ones.</summary>
    /// <returns>How many that were.</returns>
    public async Task<int> RemoveOthersAsync(string[] pipelines, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        return await Command(connection, "remove", new NpgsqlParameter<string[]> { TypedValue = pipelines }).ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Calls whenever a schedule was changed by hand, on this host or another; returns when the connection is lost.</summary>
    /// <param name="changed">Called once as soon as nothing is missed any more.</param>
    public async Task ListenAsync(Action changed, CancellationToken cancellation)
    {
        await using var connection = await database.OpenAsync(cancellation);
        connection.Notification += (_, _) => changed();
        await Command(connection, "listen").ExecuteNonQueryAsync(cancellation);
        changed();
        while (true)
        {
            await connection.WaitAsync(cancellation);
        }
    }

    internal static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlCommand(SqlText.Read($"Triggers/Schedules/{sql}.sql"), connection);
        command.Parameters.AddRange(parameters);
        return command;
    }

    internal static NpgsqlParameter[] Values(ScheduleRow row) =>
    [
        Text(row.Pipeline), Text(row.Expression), Text(row.TimeZone), Text($"{row.Overlap}"), Text($"{row.CatchUp}"),
        new NpgsqlParameter<TimeSpan> { TypedValue = row.CatchUpWindow }, Time(row.NextTick), Time(row.QueuedTick), Time(row.LastTick), Text(row.LastInstance),
        Time(row.LeftOutTick), Text(row.LeftOutReason), Time(row.PausedAt), Text(row.PausedBy), Text(row.PauseReason), Time(row.RemovedAt),
    ];

    private static async Task<DateTimeOffset> ClockAsync(NpgsqlConnection connection, CancellationToken cancellation) =>
        new((DateTime)(await Command(connection, "clock").ExecuteScalarAsync(cancellation))!);

    private static async Task<IReadOnlyList<(DateTimeOffset Now, ScheduleRow Row)>> ReadAsync(NpgsqlCommand command, CancellationToken cancellation)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var rows = new List<(DateTimeOffset, ScheduleRow)>();
        while (await reader.ReadAsync(cancellation))
        {
            rows.Add((reader.GetFieldValue<DateTimeOffset>(0), Row(reader)));
        }

        return rows;
    }

    private static ScheduleRow Row(NpgsqlDataReader reader)
    {
        return new(
            reader.GetString(1), reader.GetString(2), reader.GetString(3), Enum.Parse<OverlapPolicy>(reader.GetString(4)),
            Enum.Parse<CatchUpPolicy>(reader.GetString(5)), reader.GetFieldValue<TimeSpan>(6), Time(7))
        {
            QueuedTick = Time(8),
            LastTick = Time(9),
            LastInstance = Text(10),
            LeftOutTick = Time(11),
            LeftOutReason = Text(12),
            PausedAt = Time(13),
            PausedBy = Text(14),
            PauseReason = Text(15),
            RemovedAt = Time(16),
        };

        DateTimeOffset? Time(int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    private static NpgsqlParameter Text(string? value) => new() { NpgsqlDbType = NpgsqlDbType.Text, Value = (object?)value ?? DBNull.Value };

    private static NpgsqlParameter Time(DateTimeOffset? value) =>
        new() { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = value is { } time ? time.UtcDateTime : DBNull.Value };
}

/// <summary>A schedule that is in nobody else's hands. What is not saved is as if it had not been.</summary>
internal sealed class LockedSchedule(NpgsqlConnection connection, NpgsqlTransaction transaction, DateTimeOffset now, ScheduleRow row) : IAsyncDisposable
{
    /// <summary>The time that counts.</summary>
    public DateTimeOffset Now => now;

    public ScheduleRow Row => row;

    /// <summary>Holds the schedule; what is done in it is done when the schedule is saved, and not at all otherwise.</summary>
    public NpgsqlTransaction Transaction => transaction;

    /// <param name="tellOthers">Wakes the hosts that sleep until a tick they knew of.</param>
    public async Task SaveAsync(ScheduleRow changed, bool tellOthers, CancellationToken cancellation)
    {
        await ScheduleTable.Command(connection, "update", ScheduleTable.Values(changed)).ExecuteNonQueryAsync(cancellation);
        if (tellOthers)
        {
            await ScheduleTable.Command(connection, "notify").ExecuteNonQueryAsync(cancellation);
        }

        await transaction.CommitAsync(cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
