namespace Workflow.Data.DuckDb;

/// <summary>
/// One session with a database. Calls block until the statement is done; a cancelled token interrupts it within
/// milliseconds, throws <see cref="OperationCanceledException"/>, and leaves the connection usable.
/// Not for two threads at once, but for <see cref="Progress"/>, which is meant to be read from another.
/// </summary>
public sealed class DuckDbConnection : IDisposable
{
    private readonly ConnectionHandle _handle;

    internal DuckDbConnection(ConnectionHandle handle, bool withProgress)
    {
        _handle = handle;
        if (withProgress)
        {
            Execute(SqlText.Read("DuckDb/progress.sql"), CancellationToken.None);
        }
    }

    /// <summary>
    /// How far the running statement is, 0 to 1, or null when nothing is known. Each stage of a statement starts again from 0.
    /// Not known on a connection to a database that was locked before.
    /// </summary>
    public double? Progress
    {
        get
        {
            var percentage = NativeMethods.duckdb_query_progress(_handle).Percentage;
            return percentage < 0 ? null : Math.Min(1, percentage / 100);
        }
    }

    /// <summary>Runs one statement, or several that take no parameters.</summary>
    /// <returns>Rows inserted, updated or deleted by the last one.</returns>
    /// <exception cref="DuckDbException">DuckDB refused; the statements before the one refused have run.</exception>
    public long Execute(string sql, CancellationToken cancellation, params ReadOnlySpan<object?> parameters)
    {
        long changed = 0;
        using var statements = new DuckDbScript(_handle, sql);
        for (var index = 0; index < statements.Count; index++)
        {
            using var statement = statements.Prepare(index);
            statement.Bind(parameters);
            changed = statement.Execute(cancellation);
        }

        return changed;
    }

    /// <summary>Runs a query whose rows are produced as they are read. The connection is busy until the result is disposed.</summary>
    public DuckDbResult Query(string sql, CancellationToken cancellation, params ReadOnlySpan<object?> parameters)
    {
        using var statement = Prepare(sql);
        statement.Bind(parameters);
        return statement.Query(cancellation);
    }

    /// <summary>The one value of a query of one row and one column.</summary>
    public object? Scalar(string sql, CancellationToken cancellation, params ReadOnlySpan<object?> parameters)
    {
        using var result = Query(sql, cancellation, parameters);
        var rows = result.Rows(cancellation).Take(2).ToList();
        return rows is [[var value]] ? value : throw new DuckDbException("The query does not give exactly one row of one column.", sql);
    }

    /// <summary>Prepares a single statement; parameters are written <c>?</c>, <c>$1</c> or <c>$name</c>.</summary>
    public DuckDbStatement Prepare(string sql)
    {
        using var statements = new DuckDbScript(_handle, sql);
        return statements.Count == 1
            ? statements.Prepare(0)
            : throw new DuckDbException($"One statement is wanted here, there are {statements.Count}.", sql);
    }

    /// <summary>Starts appending rows to a table, in the order of its columns.</summary>
    public DuckDbAppender Append(string table, string? schema = null) => new(_handle, schema, table);

    public void Dispose() => _handle.Dispose();
}
