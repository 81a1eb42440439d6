namespace Workflow.Data.DuckDb;

/// <summary>The rows of a query, read forward once, in chunks as DuckDB makes them.</summary>
public sealed unsafe class DuckDbResult : IDisposable
{
    private readonly ConnectionHandle _connection;
    private readonly ResultHandle _handle;
    private readonly string _sql;

    internal DuckDbResult(ConnectionHandle connection, ResultHandle handle, string sql)
    {
        _connection = connection;
        _handle = handle;
        _sql = sql;
        Columns = ReadColumns(handle.Result);
    }

    public IReadOnlyList<DuckDbField> Columns { get; }

    /// <summary>The next chunk, or null after the last one. Dispose each before asking for the next.</summary>
    public DuckDbChunk? NextChunk(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        nint chunk;
        using (cancellation.Register(() => NativeMethods.duckdb_interrupt(_connection)))
        {
            chunk = NativeMethods.duckdb_fetch_chunk(*_handle.Result);
        }

        if (chunk != 0)
        {
            return new(new DataChunkHandle(chunk), Columns);
        }

        cancellation.ThrowIfCancellationRequested();
        var error = NativeMethods.Text(NativeMethods.duckdb_result_error(_handle.Result));
        return error.Length == 0 ? null : throw new DuckDbException(error, _sql);
    }

    /// <summary>The rows one by one; simple, and an allocation per value. Bulk reads take the chunks.</summary>
    public IEnumerable<object?[]> Rows(CancellationToken cancellation)
    {
        while (NextChunk(cancellation) is { } chunk)
        {
            using (chunk)
            {
                for (var row = 0; row < chunk.RowCount; row++)
                {
                    yield return chunk.Row(row);
                }
            }
        }
    }

    public void Dispose() => _handle.Dispose();

    private static DuckDbField[] ReadColumns(NativeResult* result)
    {
        var columns = new DuckDbField[NativeMethods.duckdb_column_count(result)];
        for (var index = 0; index < columns.Length; index++)
        {
            using var type = NativeMethods.duckdb_column_logical_type(result, (ulong)index);
            columns[index] = new(NativeMethods.Text(NativeMethods.duckdb_column_name(result, (ulong)index)), DuckDbType.Read(type));
        }

        return columns;
    }
}
