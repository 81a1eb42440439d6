using System.Data;
using Npgsql;
using Npgsql.Schema;
using Workflow.Data.DuckDb;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Postgres;

/// <summary>A connection whose transaction sees one state of the database, and whose values have one form.</summary>
internal sealed class PostgresSession : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private PostgresSession(NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _connection = connection;
        _transaction = transaction;
    }

    /// <param name="snapshot">One that another session has exported, to see the same state as it; null for the state of now.</param>
    public static async Task<PostgresSession> OpenAsync(NpgsqlDataSource database, string? snapshot, CancellationToken cancellation)
    {
        var connection = await database.OpenConnectionAsync(cancellation);
        try
        {
            var session = new PostgresSession(connection, await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation));
            if (snapshot is not null)
            {
                await session.ExecuteAsync($"set transaction snapshot {SqlText.Literal(snapshot)}", cancellation);
            }

            await session.ExecuteAsync(SqlText.Read("Postgres/text_forms.sql"), cancellation);
            return session;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async Task<string> ExportSnapshotAsync(CancellationToken cancellation)
    {
        await using var export = new NpgsqlCommand("select pg_export_snapshot()", _connection);
        return (string)(await export.ExecuteScalarAsync(cancellation))!;
    }

    /// <exception cref="BadInputException">There is no such table.</exception>
    public async Task<List<PostgresColumn>> DescribeAsync(TableName table, ValueForm form, CancellationToken cancellation)
    {
        try
        {
            await using var describe = new NpgsqlCommand($"select * from {table.Quoted}", _connection);
            await using var reader = await describe.ExecuteReaderAsync(CommandBehavior.SchemaOnly, cancellation);
            return [.. (await reader.GetColumnSchemaAsync(cancellation)).Select(column => PostgresColumn.From((NpgsqlDbColumn)column, form))];
        }
        catch (PostgresException missing) when (missing.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            throw new BadInputException($"There is no table {table} in the database {_connection.Database} at {_connection.Host}. Name one that is there.", missing);
        }
    }

    /// <summary>The blocks that the rows lie in; 0 for what is not one heap: a view, a partitioned or a foreign table.</summary>
    public async Task<long> CountBlocksAsync(TableName table, CancellationToken cancellation)
    {
        await using var count = new NpgsqlCommand(SqlText.Read("Postgres/blocks.sql"), _connection);
        count.Parameters.AddWithValue("table", table.Quoted);
        return await count.ExecuteScalarAsync(cancellation) as long? ?? 0;
    }

    /// <summary>Streams rows through binary COPY, their numbers first; memory does not grow with them on this side.</summary>
    /// <returns>How many there were.</returns>
    public async Task<long> CopyAsync(IReadOnlyList<PostgresColumn> columns, string from, DuckDbAppender appender, long firstRow, CancellationToken cancellation)
    {
        var select = $"select {string.Join(", ", columns.Select(column => column.Expression))} from {from}";
        await using var stream = await _connection.BeginRawBinaryCopyAsync($"copy ({select}) to stdout (format binary)", cancellation);
        try
        {
            return await new BinaryCopyReader(columns, appender, firstRow).ReadAsync(stream, cancellation);
        }
        catch
        {
            // Without this the end of the stream would read the table to its end.
            await stream.AbandonAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
