using Npgsql;
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
        await using var session = await PostgresSession.OpenAsync(from, null, cancellation);
        var columns = await session.DescribeAsync(source, form, cancellation);
        using var connection = database.Connect();
        connection.Execute($"create table {SqlText.Identifier(table)} (_row bigint{string.Concat(columns.Select((column, index) => $", c{index} {column.DuckDbType}"))})", cancellation);
        using var appender = connection.Append(table);
        var rows = await session.CopyAsync(columns, source.Quoted, appender, 1, cancellation);
        return new(table, [.. columns.Select(column => column.Name)], rows);
    }
}
