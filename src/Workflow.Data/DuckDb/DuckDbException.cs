namespace Workflow.Data.DuckDb;

/// <summary>DuckDB refused or failed; the message carries what it said and the SQL it said it of.</summary>
public sealed class DuckDbException : Exception
{
    private const int ShownSql = 1000;

    public DuckDbException(string error, string? sql = null, Exception? inner = null)
        : base(sql is null ? error : $"{error.TrimEnd()}\nin: {(sql.Length <= ShownSql ? sql : sql[..ShownSql] + " …")}", inner)
    {
        Sql = sql;
    }

    /// <summary>The statement that failed, whole; null where no SQL was involved.</summary>
    public string? Sql { get; }
}
