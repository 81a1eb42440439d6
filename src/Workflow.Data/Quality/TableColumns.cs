using Workflow.Data.DuckDb;

namespace Workflow.Data.Quality;

/// <summary>The columns of a table with their types; DuckDB takes their names in any case.</summary>
internal sealed class TableColumns
{
    private readonly Dictionary<string, DuckDbField> _fields;

    private TableColumns(IEnumerable<DuckDbField> fields) => _fields = fields.ToDictionary(field => field.Name, StringComparer.OrdinalIgnoreCase);

    public int Count => _fields.Count;

    /// <exception cref="RuleException">There is no such column.</exception>
    public DuckDbField this[string name] => _fields.TryGetValue(name, out var field) ? field : throw RuleException.NoColumn(name, _fields.Keys);

    /// <summary>All but the column that numbers the rows.</summary>
    public static TableColumns Read(DuckDbConnection connection, string table, CancellationToken cancellation)
    {
        using var nothing = connection.Query($"select * from {SqlText.Identifier(table)} limit 0", cancellation);
        return new(nothing.Columns.Where(column => !column.Name.Equals(QualityRules.RowColumn, StringComparison.OrdinalIgnoreCase)));
    }
}
