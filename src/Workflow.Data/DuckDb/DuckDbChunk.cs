namespace Workflow.Data.DuckDb;

/// <summary>Some rows of a result, column by column, in DuckDB's own memory; gone when disposed.</summary>
public sealed class DuckDbChunk : IDisposable
{
    private readonly DataChunkHandle _handle;
    private readonly IReadOnlyList<DuckDbField> _columns;

    // Asked for once: bulk reads take each column for each row.
    private readonly VectorMemory[] _vectors;

    internal DuckDbChunk(DataChunkHandle handle, IReadOnlyList<DuckDbField> columns)
    {
        _handle = handle;
        _columns = columns;
        RowCount = (int)NativeMethods.duckdb_data_chunk_get_size(handle);
        _vectors = new VectorMemory[columns.Count];
        for (var index = 0; index < _vectors.Length; index++)
        {
            _vectors[index] = new(NativeMethods.duckdb_data_chunk_get_vector(handle, (ulong)index));
        }
    }

    public int RowCount { get; }

    public DuckDbVector Column(int index)
    {
        ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
        return new(_vectors[index], _columns[index].Type, RowCount);
    }

    public object?[] Row(int row)
    {
        var values = new object?[_columns.Count];
        for (var index = 0; index < values.Length; index++)
        {
            values[index] = Column(index).Value(row);
        }

        return values;
    }

    public void Dispose() => _handle.Dispose();
}
