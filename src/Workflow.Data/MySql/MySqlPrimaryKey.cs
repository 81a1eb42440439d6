using System.Globalization;

namespace Workflow.Data.MySql;

/// <summary>The primary key of an InnoDB table, which is the order that its rows lie in.</summary>
/// <param name="Columns">In the key's order.</param>
/// <param name="Type">Of the first column, as the catalog names it.</param>
/// <param name="Rows">In the table, as the server estimates.</param>
internal sealed record MySqlPrimaryKey(IReadOnlyList<string> Columns, string Type, long Rows)
{
    private string First => MySqlText.Identifier(Columns[0]);

    public string Order => string.Join(", ", Columns.Select(MySqlText.Identifier));

    /// <returns>Null for what does not lie in a key's order or has no state to share: other engines, views, tables without a key.</returns>
    public static async Task<MySqlPrimaryKey?> FindAsync(MySqlConnection connection, MySqlTableName table, CancellationToken cancellation)
    {
        var sql = SqlText.Read("MySql/primary_key.sql", ("database", MySqlText.Literal(table.Database)), ("table", MySqlText.Literal(table.Name)));
        var rows = await connection.RowsAsync(sql, cancellation);
        return rows is [[_, { } type, var estimate], ..]
            ? new([.. rows.Select(row => row[0]!)], type, long.Parse(estimate ?? "0", CultureInfo.InvariantCulture))
            : null;
    }

    /// <summary>
    /// Ranges of the first column that follow each other and leave nothing out. Whole numbers are divided evenly, which gaps make uneven
    /// and nothing worse; other types are stepped through by the server.
    /// </summary>
    public async Task<IReadOnlyList<MySqlRange>> SplitAsync(MySqlConnection connection, MySqlTableName table, int parts, CancellationToken cancellation) => Type switch
    {
        "tinyint" or "smallint" or "mediumint" or "int" or "bigint" => MySqlRange.Between(await DivideAsync(connection, table, parts, cancellation)),
        "char" or "varchar" => MySqlRange.Between(await StepAsync(connection, table, parts, First, MySqlText.Literal, cancellation)),
        "binary" or "varbinary" => MySqlRange.Between(await StepAsync(connection, table, parts, $"hex({First})", hex => $"x'{hex}'", cancellation)),
        "decimal" or "date" or "datetime" or "timestamp" or "uuid" => MySqlRange.Between(await StepAsync(connection, table, parts, First, text => $"'{text}'", cancellation)),
        _ => MySqlRange.Whole,
    };

    private async Task<List<string>> DivideAsync(MySqlConnection connection, MySqlTableName table, int parts, CancellationToken cancellation)
    {
        var ends = (await connection.RowsAsync($"select min({First}), max({First}) from {table.Quoted}", cancellation))[0];
        if (ends is not [{ } lowest, { } highest])
        {
            return [];
        }

        var (from, to) = (Int128.Parse(lowest, CultureInfo.InvariantCulture), Int128.Parse(highest, CultureInfo.InvariantCulture));
        return [.. Enumerable.Range(1, parts - 1).Select(part => from + ((to - from + 1) * part / parts)).Where(bound => bound > from).Distinct().Select(bound => bound.ToString(CultureInfo.InvariantCulture))];
    }

    private async Task<List<string>> StepAsync(
        MySqlConnection connection, MySqlTableName table, int parts, string value, Func<string, string> literal, CancellationToken cancellation)
    {
        var bounds = new List<string>();
        while (bounds.Count < parts - 1)
        {
            var after = bounds.Count == 0 ? "" : $" where {First} > {bounds[^1]}";
            var bound = await connection.RowsAsync($"select {value} from {table.Quoted}{after} order by {First} limit 1 offset {Math.Max(1, Rows / parts)}", cancellation);
            if (bound is not [[{ } next]])
            {
                break;
            }

            bounds.Add(literal(next));
        }

        return bounds;
    }
}

/// <summary>A range of the key's first column; its bounds are SQL, and null where it is open.</summary>
internal sealed record MySqlRange(string? From, string? To)
{
    public static IReadOnlyList<MySqlRange> Whole { get; } = [new(null, null)];

    public static IReadOnlyList<MySqlRange> Between(IReadOnlyList<string> bounds)
    {
        string?[] all = [null, .. bounds, null];
        return [.. all.Zip(all.Skip(1), (from, to) => new MySqlRange(from, to))];
    }

    public string Where(MySqlPrimaryKey key)
    {
        var column = MySqlText.Identifier(key.Columns[0]);
        return (From, To) switch
        {
            (null, null) => "",
            (null, { } to) => $" where {column} < {to}",
            ({ } from, null) => $" where {column} >= {from}",
            var (from, to) => $" where {column} >= {from} and {column} < {to}",
        };
    }
}
