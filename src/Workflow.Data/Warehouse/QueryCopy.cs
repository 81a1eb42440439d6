using Npgsql;
using Workflow.Data.DuckDb;

namespace Workflow.Data.Warehouse;

/// <summary>
/// Copies the rows of a DuckDB query into a PostgreSQL table by binary COPY, streamed: neither side holds more than a few buffers.
/// </summary>
/// <remarks>
/// The names of the query's columns say which of the table's they go to; others get their defaults. Values keep their type (an integer goes
/// into any integer type that holds it, a float into a wider one, a whole number or decimal into numeric, text into json); nothing is
/// converted that could change it: cast it in the query.
/// </remarks>
public static class QueryCopy
{
    /// <param name="source">Busy until the copy is done.</param>
    /// <param name="target">An open connection; in a transaction, the rows belong to that.</param>
    /// <param name="table">In the schema <c>pg_temp</c> a temporary table.</param>
    /// <returns>Rows copied.</returns>
    /// <exception cref="WarehouseException">A column is missing or of another type, or a value does not fit; trying again does not help.</exception>
    /// <exception cref="DuckDbException">The query is refused or fails.</exception>
    /// <exception cref="NpgsqlException">The warehouse is out of reach or refuses.</exception>
    public static async Task<long> RunAsync(
        DuckDbConnection source, string query, NpgsqlConnection target, TableName table, CancellationToken cancellation, params object?[] parameters)
    {
        var types = await ReadTypesAsync(target, table, cancellation);
        using var result = await Task.Run(() => source.Query(query, cancellation, parameters), cancellation);
        using var encoder = new QueryEncoder(result, types, table, cancellation);
        var columns = string.Join(", ", result.Columns.Select(column => SqlText.Identifier(TableName.Fold(column.Name))));
        try
        {
            await BinaryCopy.RunAsync(target, $"copy {table.Quoted} ({columns}) from stdin (format binary)", encoder.Fill, cancellation);
        }
        catch (PostgresException refusal) when (IsForData(refusal.SqlState))
        {
            throw new WarehouseException($"{table} refuses the rows: {refusal.MessageText}. {refusal.Where}", refusal);
        }

        return encoder.Rows;
    }

    private static async Task<Dictionary<string, string>> ReadTypesAsync(NpgsqlConnection target, TableName table, CancellationToken cancellation)
    {
        await using var read = new NpgsqlCommand(SqlText.Read("Warehouse/copy_columns.sql"), target) { Parameters = { new() { Value = table.Quoted } } };
        try
        {
            await using var rows = await read.ExecuteReaderAsync(cancellation);
            var types = new Dictionary<string, string>(StringComparer.Ordinal);
            while (await rows.ReadAsync(cancellation))
            {
                types.Add(rows.GetString(0), rows.GetString(1));
            }

            return types;
        }
        catch (PostgresException missing) when (missing.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        {
            throw new WarehouseException($"There is no table {table} to copy into. Create it first.", missing);
        }
    }

    /// <summary>A value out of range or too long, or a constraint: classes 22 and 23.</summary>
    private static bool IsForData(string sqlState) =>
        sqlState.StartsWith("22", StringComparison.Ordinal) || sqlState.StartsWith("23", StringComparison.Ordinal);
}
