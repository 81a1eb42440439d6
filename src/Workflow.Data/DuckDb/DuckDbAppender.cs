using System.Text;
using System.Text.Unicode;

namespace Workflow.Data.DuckDb;

/// <summary>
/// Bulk insert into one table: a value per column in the table's order, then <see cref="EndRow"/>, and at the end
/// <see cref="Complete"/>. Disposed before that, the rows not yet handed over are dropped.
/// </summary>
public sealed unsafe class DuckDbAppender : IDisposable
{
    private readonly AppenderHandle _handle;
    private readonly string _table;
    private readonly DuckDbType[] _types;
    private readonly DataChunkHandle _chunk;
    private readonly Column[] _columns;
    private readonly int _capacity = (int)NativeMethods.duckdb_vector_size();
    private int _row;
    private int _column;

    internal DuckDbAppender(ConnectionHandle connection, string? schema, string table)
    {
        _table = table;
        if (NativeMethods.duckdb_appender_create(connection, schema, table, out _handle) != 0)
        {
            using (_handle)
            {
                throw new DuckDbException($"Rows cannot be appended to '{table}': {Error()}");
            }
        }

        var handles = new LogicalTypeHandle[NativeMethods.duckdb_appender_column_count(_handle)];
        for (var index = 0; index < handles.Length; index++)
        {
            handles[index] = NativeMethods.duckdb_appender_column_type(_handle, (ulong)index);
        }

        _types = Array.ConvertAll(handles, DuckDbType.Read);
        _chunk = CreateChunk(handles);
        _columns = new Column[handles.Length];
        ResetChunk();
    }

    public IReadOnlyList<DuckDbType> ColumnTypes => _types;

    public void AppendNull()
    {
        ref var column = ref Next();
        if (column.Validity is null)
        {
            NativeMethods.duckdb_vector_ensure_validity_writable(column.Vector);
            column.Validity = NativeMethods.duckdb_vector_get_validity(column.Vector);
        }

        column.Validity[_row >> 6] &= ~(1UL << (_row & 63));
    }

    public void Append(bool value) => Set(DuckDbTypeId.Boolean, value ? (byte)1 : (byte)0);

    /// <summary>A whole number, into a column of any integer type that holds it.</summary>
    public void Append(long value)
    {
        switch (_types[Math.Min(_column, _types.Length - 1)].Id)
        {
            case DuckDbTypeId.TinyInt: Set(DuckDbTypeId.TinyInt, checked((sbyte)value)); break;
            case DuckDbTypeId.SmallInt: Set(DuckDbTypeId.SmallInt, checked((short)value)); break;
            case DuckDbTypeId.Integer: Set(DuckDbTypeId.Integer, checked((int)value)); break;
            case DuckDbTypeId.UTinyInt: Set(DuckDbTypeId.UTinyInt, checked((byte)value)); break;
            case DuckDbTypeId.USmallInt: Set(DuckDbTypeId.USmallInt, checked((ushort)value)); break;
            case DuckDbTypeId.UInteger: Set(DuckDbTypeId.UInteger, checked((uint)value)); break;
            case DuckDbTypeId.UBigInt: Set(DuckDbTypeId.UBigInt, checked((ulong)value)); break;
            case DuckDbTypeId.HugeInt: Set(DuckDbTypeId.HugeInt, (Int128)value); break;
            default: Set(DuckDbTypeId.BigInt, value); break;
        }
    }

    public void Append(Int128 value) => Set(DuckDbTypeId.HugeInt, value);

    public void Append(float value) => Set(DuckDbTypeId.Float, value);

    public void Append(double value) => Set(DuckDbTypeId.Double, value);

    /// <summary>A decimal by its digits, the point left out: 12.50 in a decimal(9,2) column is 1250.</summary>
    public void AppendUnscaled(Int128 digits)
    {
        switch (_types[Math.Min(_column, _types.Length - 1)].Storage)
        {
            case DuckDbTypeId.SmallInt: Set(DuckDbTypeId.Decimal, checked((short)digits)); break;
            case DuckDbTypeId.Integer: Set(DuckDbTypeId.Decimal, checked((int)digits)); break;
            case DuckDbTypeId.BigInt: Set(DuckDbTypeId.Decimal, checked((long)digits)); break;
            default: Set(DuckDbTypeId.Decimal, digits); break;
        }
    }

    public void Append(string value) => Append(Encoding.UTF8.GetBytes(value));

    /// <summary>Text in UTF-8, or the bytes of a blob.</summary>
    public void Append(ReadOnlySpan<byte> value)
    {
        ref var column = ref Next();
        if (column.Id is not (DuckDbTypeId.Varchar or DuckDbTypeId.Blob))
        {
            throw Mismatch("text or bytes");
        }

        // DuckDB would quietly make null of it.
        if (column.Id == DuckDbTypeId.Varchar && !Utf8.IsValid(value))
        {
            throw new DuckDbException($"A text for column {_column} of '{_table}' is not UTF-8.");
        }

        fixed (byte* bytes = value)
        {
            NativeMethods.duckdb_vector_assign_string_element_len(column.Vector, (ulong)_row, bytes, (ulong)value.Length);
        }
    }

    public void Append(DateOnly value) => AppendDate(PhysicalValue.Days(value));

    public void Append(TimeOnly value) => AppendTime(value.Ticks / TimeSpan.TicksPerMicrosecond);

    public void Append(DateTime value) => AppendTimestamp(PhysicalValue.Micros(value));

    public void Append(DateTimeOffset value) => AppendTimestampTz(PhysicalValue.Micros(value.UtcDateTime));

    public void Append(Guid value) => Set(DuckDbTypeId.Uuid, PhysicalValue.Uuid(value));

    public void Append(DuckDbInterval value) => Set(DuckDbTypeId.Interval, value);

    /// <param name="days">Since 1970-01-01.</param>
    public void AppendDate(int days) => Set(DuckDbTypeId.Date, days);

    /// <param name="micros">Since midnight.</param>
    public void AppendTime(long micros) => Set(DuckDbTypeId.Time, micros);

    /// <param name="micros">Since 1970-01-01 00:00:00.</param>
    public void AppendTimestamp(long micros) => Set(DuckDbTypeId.Timestamp, micros);

    /// <param name="micros">Since 1970-01-01 00:00:00 UTC.</param>
    public void AppendTimestampTz(long micros) => Set(DuckDbTypeId.TimestampTz, micros);

    public void EndRow()
    {
        if (_column != _columns.Length)
        {
            throw new DuckDbException($"A row of '{_table}' has {_columns.Length} columns, {_column} were given.");
        }

        _column = 0;
        if (++_row == _capacity)
        {
            HandOver();
        }
    }

    /// <summary>Hands over what is left and makes it part of the table (of the transaction, where one is open).</summary>
    public void Complete()
    {
        HandOver();
        Check(NativeMethods.duckdb_appender_close(_handle));
    }

    public void Dispose()
    {
        if (!_handle.IsClosed)
        {
            // Destroying flushes; what was not completed is dropped first.
            _ = NativeMethods.duckdb_appender_clear(_handle);
            _chunk.Dispose();
            _handle.Dispose();
        }
    }

    private void Set<T>(DuckDbTypeId id, T value) where T : unmanaged
    {
        ref var column = ref Next();
        if (column.Id != id)
        {
            throw Mismatch(id.ToString());
        }

        ((T*)column.Data)[_row] = value;
    }

    private ref Column Next()
    {
        if (_column == _columns.Length)
        {
            throw new DuckDbException($"A row of '{_table}' has {_columns.Length} columns, one more was given.");
        }

        return ref _columns[_column++];
    }

    private DuckDbException Mismatch(string given) =>
        new($"Column {_column} of '{_table}' is {_types[_column - 1].Id} and does not take a value given as {given}.");

    private void HandOver()
    {
        if (_row > 0)
        {
            NativeMethods.duckdb_data_chunk_set_size(_chunk, (ulong)_row);
            Check(NativeMethods.duckdb_append_data_chunk(_handle, _chunk));
            ResetChunk();
        }
    }

    private void ResetChunk()
    {
        NativeMethods.duckdb_data_chunk_reset(_chunk);
        for (var index = 0; index < _columns.Length; index++)
        {
            var vector = NativeMethods.duckdb_data_chunk_get_vector(_chunk, (ulong)index);
            _columns[index] = new() { Vector = vector, Data = NativeMethods.duckdb_vector_get_data(vector), Id = _types[index].Id };
        }

        _row = 0;
    }

    private static DataChunkHandle CreateChunk(LogicalTypeHandle[] types)
    {
        var raw = Array.ConvertAll(types, type => type.DangerousGetHandle());
        fixed (nint* pointer = raw)
        {
            var chunk = new DataChunkHandle(NativeMethods.duckdb_create_data_chunk(pointer, (ulong)raw.Length));
            foreach (var type in types)
            {
                type.Dispose();
            }

            return chunk;
        }
    }

    private void Check(int state)
    {
        if (state != 0)
        {
            throw new DuckDbException($"Appending to '{_table}': {Error()}");
        }
    }

    private string Error() => NativeMethods.Text(NativeMethods.duckdb_appender_error(_handle));

    private struct Column
    {
        public nint Vector;
        public void* Data;
        public ulong* Validity;
        public DuckDbTypeId Id;
    }
}
