using Workflow.Data.DuckDb;

namespace Workflow.Data.Warehouse;

/// <summary>Turns the rows of a DuckDB result into rows of a binary COPY.</summary>
internal sealed class QueryEncoder : IDisposable
{
    private readonly DuckDbResult _result;
    private readonly FieldWriter[] _writers;
    private readonly TableName _table;
    private readonly CancellationToken _cancellation;
    private DuckDbChunk? _chunk;
    private int _row;

    /// <param name="types">Of the table's columns, by their names, as the catalog calls them.</param>
    /// <exception cref="WarehouseException">A column of the result has no place in the table.</exception>
    public QueryEncoder(DuckDbResult result, IReadOnlyDictionary<string, string> types, TableName table, CancellationToken cancellation)
    {
        _result = result;
        _table = table;
        _cancellation = cancellation;
        _writers = [.. result.Columns.Select(column => Writer(column, types))];
    }

    public long Rows { get; private set; }

    /// <summary>Writes rows until the buffer holds about <paramref name="size"/> bytes.</summary>
    /// <returns>False at the end of the result.</returns>
    public bool Fill(CopyBuffer buffer, int size)
    {
        while (buffer.Length < size)
        {
            if (_chunk is null || _row == _chunk.RowCount)
            {
                _chunk?.Dispose();
                _chunk = _result.NextChunk(_cancellation);
                _row = 0;
                if (_chunk is null)
                {
                    return false;
                }

                continue;
            }

            WriteRow(buffer, _chunk, _row++);
            Rows++;
        }

        return true;
    }

    public void Dispose() => _chunk?.Dispose();

    private void WriteRow(CopyBuffer buffer, DuckDbChunk chunk, int row)
    {
        buffer.WriteFieldCount((short)_writers.Length);
        for (var index = 0; index < _writers.Length; index++)
        {
            var column = chunk.Column(index);
            if (column.IsNull(row))
            {
                buffer.WriteNull();
            }
            else if (!_writers[index](column, row, buffer))
            {
                throw new WarehouseException($"Row {Rows + 1} of the query has {column.Value(row)} in {_result.Columns[index].Name}, which the column of {_table} does not hold. Give it a wider type.");
            }
        }
    }

    private FieldWriter Writer(DuckDbField column, IReadOnlyDictionary<string, string> types)
    {
        var name = TableName.Fold(column.Name);
        if (!types.TryGetValue(name, out var type))
        {
            throw new WarehouseException($"The table {_table} has no column {name}; it has {string.Join(", ", types.Keys)}.");
        }

        return FieldWriters.Find(column.Type, type) ?? throw new WarehouseException(
            $"The query's column {column.Name} is {column.Type.Id}, which does not go into {name} of {_table}, {type}, as it is. Cast it in the query.");
    }
}
