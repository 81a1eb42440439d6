using System.Data;
using Npgsql;
using Npgsql.Schema;
using Workflow.Data.DuckDb;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Postgres;

/// <summary>How the values of a database arrive in DuckDB.</summary>
public enum ValueForm
{
    /// <summary>In DuckDB's own types: whole numbers, decimals, dates … A type it has no like for arrives as text.</summary>
    Typed,

    /// <summary>As the text PostgreSQL writes them in, digit by digit; times in UTC.</summary>
    Text,
}

/// <summary>A PostgreSQL table (or view) copied into a DuckDB table.</summary>
/// <remarks>
/// Column <c>_row</c> is the row's number in the order PostgreSQL gave it, from 1; the columns are <c>c0</c>, <c>c1</c>, … in the order of
/// <see cref="Columns"/>, because DuckDB takes <c>"Name"</c> and <c>name</c> for one.
/// </remarks>
public sealed record PostgresTable(string Table, IReadOnlyList<string> Columns, long Rows)
{
    /// <summary>Streams the table through binary COPY and the appender; memory does not grow with it on this side.</summary>
    /// <exception cref="BadInputException">There is no such table.</exception>
    /// <exception cref="NpgsqlException">The database is out of reach or refuses.</exception>
    public static async Task<PostgresTable> LoadAsync(
        DuckDbDatabase database, string table, NpgsqlDataSource from, TableName source, ValueForm form, CancellationToken cancellation)
    {
        await using var postgres = await from.OpenConnectionAsync(cancellation);
        await using var transaction = await postgres.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellation);
        await using var settings = new NpgsqlCommand(SqlText.Read("Postgres/text_forms.sql"), postgres);
        await settings.ExecuteNonQueryAsync(cancellation);

        var columns = await DescribeAsync(postgres, source, form, cancellation);
        using var connection = database.Connect();
        connection.Execute($"create table {SqlText.Identifier(table)} (_row bigint{string.Concat(columns.Select((column, index) => $", c{index} {column.DuckDbType}"))})", cancellation);
        using var appender = connection.Append(table);

        var select = $"select {string.Join(", ", columns.Select(column => column.Expression))} from {source.Quoted}";
        await using var stream = await postgres.BeginRawBinaryCopyAsync($"copy ({select}) to stdout (format binary)", cancellation);
        try
        {
            var rows = await new BinaryCopyReader(columns, appender).ReadAsync(stream, cancellation);
            return new(table, [.. columns.Select(column => column.Name)], rows);
        }
        catch
        {
            // Without this the end of the stream would read the table to its end.
            await stream.AbandonAsync();
            throw;
        }
    }

    private static async Task<List<PostgresColumn>> DescribeAsync(NpgsqlConnection postgres, TableName source, ValueForm form, CancellationToken cancellation)
    {
        try
        {
            await using var describe = new NpgsqlCommand($"select * from {source.Quoted}", postgres);
            await using var reader = await describe.ExecuteReaderAsync(CommandBehavior.SchemaOnly, cancellation);
            return [.. (await reader.GetColumnSchemaAsync(cancellation)).Select(column => PostgresColumn.From((NpgsqlDbColumn)column, form))];
        }
        catch (PostgresException missing) when (missing.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            throw new BadInputException($"There is no table {source} in the database {postgres.Database} at {postgres.Host}. Name one that is there.", missing);
        }
    }
}
