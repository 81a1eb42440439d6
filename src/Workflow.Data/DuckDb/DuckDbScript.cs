namespace Workflow.Data.DuckDb;

/// <summary>SQL text taken apart into its statements.</summary>
internal sealed unsafe class DuckDbScript : IDisposable
{
    private readonly ConnectionHandle _connection;
    private readonly string _sql;
    private nint _statements;

    public DuckDbScript(ConnectionHandle connection, string sql)
    {
        _connection = connection;
        _sql = sql;
        Count = (int)NativeMethods.duckdb_extract_statements(connection, sql, out _statements);
        if (Count == 0)
        {
            var error = NativeMethods.Text(NativeMethods.duckdb_extract_statements_error(_statements));
            Dispose();
            throw new DuckDbException(error.Length > 0 ? error : "There is no statement in this SQL.", sql);
        }
    }

    public int Count { get; }

    public DuckDbStatement Prepare(int index)
    {
        if (NativeMethods.duckdb_prepare_extracted_statement(_connection, _statements, (ulong)index, out var statement) != 0)
        {
            using (statement)
            {
                throw new DuckDbException(NativeMethods.Text(NativeMethods.duckdb_prepare_error(statement)), _sql);
            }
        }

        return new(_connection, statement, _sql);
    }

    public void Dispose() => NativeMethods.duckdb_destroy_extracted(ref _statements);
}
