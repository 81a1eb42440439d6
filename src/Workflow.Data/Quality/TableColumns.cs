using Workflow.Data.DuckDb;

namespace Workflow.Data.Quality;

/// <summary>The columns of a table with their types; DuckDB takes their names in any case.</summary>
internal sealed class TableColumns
{
    private readonly Dictionary<string, DuckDbField> _fields;
    private readonly string _table;
    private readonly bool _hasText;

    private TableColumns(string table, bool hasText, IEnumerable<DuckDbField> fields)
    {
        _table = table;
        _hasText = hasText;
        _fields = fields.ToDictionary(field => field.Name, StringComparer.OrdinalIgnoreCase);
    }

    public int Count => _fields.Count;

    /// <exception cref="RuleException">There is no such column.</exception>
    public DuckDbField this[string name] => _fields.TryGetValue(name, out var field) ? field : throw RuleException.NoColumn(name, _fields.Keys);

    /// <summary>All but the column that numbers the rows.</summary>
    public static TableColumns Read(DuckDbConnection connection, string table, CancellationToken cancellation)
    {
        using var nothing = connection.Query($"select * from {SqlText.Identifier(table)} limit 0", cancellation);
        var fields = nothing.Columns.Where(column => !column.Name.Equals(QualityRules.RowColumn, StringComparison.OrdinalIgnoreCase)).ToList();
        return new(table, HasText(connection, table, cancellation), fields);
    }

    /// <summary>The table's rows under an alias, for a query that asks for <see cref="Text"/>.</summary>
    public string Rows(string alias) => _hasText
        ? $"{SqlText.Identifier(_table)} {alias} join {SqlText.Identifier(QualityRules.TextOf(_table))} {alias}_text on {alias}_text.{QualityRules.RowColumn} = {alias}.{QualityRules.RowColumn}"
        : $"{SqlText.Identifier(_table)} {alias}";

    /// <summary>A value as its source writes it; where nothing else is known, as the database does.</summary>
    public string Text(DuckDbField field, string alias) => _hasText
        ? $"{alias}_text.{SqlText.Identifier(field.Name)}"
        : $"cast({alias}.{SqlText.Identifier(field.Name)} as varchar)";

    private static bool HasText(DuckDbConnection connection, string table, CancellationToken cancellation) =>
        (long)connection.Scalar("select count(*) from duckdb_views() where lower(view_name) = lower(?)", cancellation, QualityRules.TextOf(table))! > 0;
}
