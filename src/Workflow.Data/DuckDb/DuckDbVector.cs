using System.Text;

namespace Workflow.Data.DuckDb;

/// <summary>One column of a chunk: raw memory for bulk work, <see cref="Value"/> for everything else.</summary>
public readonly unsafe ref struct DuckDbVector
{
    private readonly nint _vector;
    private readonly void* _data;
    private readonly ulong* _validity;
    private readonly int _rows;

    internal DuckDbVector(nint vector, DuckDbType type, int rows)
        : this(new VectorMemory(vector), type, rows)
    {
    }

    internal DuckDbVector(VectorMemory memory, DuckDbType type, int rows)
    {
        _vector = memory.Vector;
        _data = memory.Data;
        _validity = memory.Validity;
        _rows = rows;
        Type = type;
    }

    public DuckDbType Type { get; }

    public bool IsNull(int row) => _validity is not null && (_validity[row >> 6] & (1UL << (row & 63))) == 0;

    /// <summary>The fixed-size values as they lie; those of null rows are undefined.</summary>
    public ReadOnlySpan<T> Raw<T>() where T : unmanaged => new(_data, _rows);

    /// <summary>The bytes of a text or blob.</summary>
    public ReadOnlySpan<byte> Bytes(int row) => NativeString.Bytes((NativeString*)_data + row);

    /// <summary>
    /// The CLR value: whole numbers by their width (hugeint is <see cref="Int128"/>), decimal as <see cref="decimal"/>, date as
    /// <see cref="DateOnly"/>, time as <see cref="TimeOnly"/>, timestamp as <see cref="DateTime"/> of unspecified kind, timestamp
    /// with time zone as <see cref="DateTimeOffset"/> in UTC, interval as <see cref="DuckDbInterval"/>, list and array as
    /// <c>object?[]</c>, struct as <c>IReadOnlyDictionary&lt;string, object?&gt;</c>, map as <c>IReadOnlyDictionary&lt;object, object?&gt;</c>.
    /// </summary>
    /// <exception cref="DuckDbException">The value has no place in its CLR type; the message says what to cast it to.</exception>
    public object? Value(int row)
    {
        if (IsNull(row))
        {
            return null;
        }

        try
        {
            return Present(row);
        }
        catch (Exception exception) when (exception is OverflowException or ArgumentOutOfRangeException)
        {
            throw new DuckDbException($"A {Type.Id} value is out of the range of its CLR type; cast the column to varchar. {exception.Message}", inner: exception);
        }
    }

    private object? Present(int row) => Type.Id switch
    {
        DuckDbTypeId.Boolean => At<byte>(row) != 0,
        DuckDbTypeId.TinyInt => At<sbyte>(row),
        DuckDbTypeId.SmallInt => At<short>(row),
        DuckDbTypeId.Integer => At<int>(row),
        DuckDbTypeId.BigInt => At<long>(row),
        DuckDbTypeId.HugeInt => At<Int128>(row),
        DuckDbTypeId.UTinyInt => At<byte>(row),
        DuckDbTypeId.USmallInt => At<ushort>(row),
        DuckDbTypeId.UInteger => At<uint>(row),
        DuckDbTypeId.UBigInt => At<ulong>(row),
        DuckDbTypeId.UHugeInt => At<UInt128>(row),
        DuckDbTypeId.Float => At<float>(row),
        DuckDbTypeId.Double => At<double>(row),
        DuckDbTypeId.Decimal => PhysicalValue.Decimal(Integer(row), Type.Scale),
        DuckDbTypeId.Varchar => Encoding.UTF8.GetString(Bytes(row)),
        DuckDbTypeId.Blob => Bytes(row).ToArray(),
        DuckDbTypeId.Date => PhysicalValue.Date(At<int>(row)),
        DuckDbTypeId.Time => new TimeOnly(At<long>(row) * TimeSpan.TicksPerMicrosecond),
        DuckDbTypeId.Timestamp => PhysicalValue.Timestamp(At<long>(row), TimeSpan.TicksPerMicrosecond),
        DuckDbTypeId.TimestampSeconds => PhysicalValue.Timestamp(At<long>(row), TimeSpan.TicksPerSecond),
        DuckDbTypeId.TimestampMillis => PhysicalValue.Timestamp(At<long>(row), TimeSpan.TicksPerMillisecond),
        DuckDbTypeId.TimestampNanos => PhysicalValue.Timestamp(At<long>(row) / TimeSpan.NanosecondsPerTick, 1),
        DuckDbTypeId.TimestampTz => new DateTimeOffset(PhysicalValue.Timestamp(At<long>(row), TimeSpan.TicksPerMicrosecond), TimeSpan.Zero),
        DuckDbTypeId.Uuid => PhysicalValue.Uuid(At<UInt128>(row)),
        DuckDbTypeId.Interval => At<DuckDbInterval>(row),
        DuckDbTypeId.Enum => Type.Labels[(int)Integer(row)],
        DuckDbTypeId.List => Elements(row),
        DuckDbTypeId.Array => Elements(NativeMethods.duckdb_array_vector_get_child(_vector), row * Type.Size, Type.Size),
        DuckDbTypeId.Struct => Fields(row),
        DuckDbTypeId.Map => Entries(row),
        DuckDbTypeId.SqlNull => null,
        _ => throw new DuckDbException($"A column of type {Type.Id} has no CLR value here; cast it to varchar."),
    };

    private T At<T>(int row) where T : unmanaged => ((T*)_data)[row];

    private Int128 Integer(int row) => Type.Storage switch
    {
        DuckDbTypeId.UTinyInt => At<byte>(row),
        DuckDbTypeId.USmallInt => At<ushort>(row),
        DuckDbTypeId.UInteger => At<uint>(row),
        DuckDbTypeId.SmallInt => At<short>(row),
        DuckDbTypeId.Integer => At<int>(row),
        DuckDbTypeId.BigInt => At<long>(row),
        _ => At<Int128>(row),
    };

    private object?[] Elements(int row)
    {
        var entry = At<NativeListEntry>(row);
        return Elements(NativeMethods.duckdb_list_vector_get_child(_vector), (int)entry.Offset, (int)entry.Length);
    }

    private object?[] Elements(nint child, int offset, int length)
    {
        var elements = new DuckDbVector(child, Type.Children[0].Type, offset + length);
        var values = new object?[length];
        for (var index = 0; index < length; index++)
        {
            values[index] = elements.Value(offset + index);
        }

        return values;
    }

    private OrderedDictionary<string, object?> Fields(int row)
    {
        var fields = new OrderedDictionary<string, object?>(Type.Children.Count);
        for (var index = 0; index < Type.Children.Count; index++)
        {
            var field = new DuckDbVector(NativeMethods.duckdb_struct_vector_get_child(_vector, (ulong)index), Type.Children[index].Type, _rows);
            fields.Add(Type.Children[index].Name, field.Value(row));
        }

        return fields;
    }

    private OrderedDictionary<object, object?> Entries(int row)
    {
        // A map is a list of key and value pairs.
        var entry = At<NativeListEntry>(row);
        var (offset, length) = ((int)entry.Offset, (int)entry.Length);
        var pairs = NativeMethods.duckdb_list_vector_get_child(_vector);
        var keys = new DuckDbVector(NativeMethods.duckdb_struct_vector_get_child(pairs, 0), Type.Children[0].Type, offset + length);
        var values = new DuckDbVector(NativeMethods.duckdb_struct_vector_get_child(pairs, 1), Type.Children[1].Type, offset + length);
        var entries = new OrderedDictionary<object, object?>(length);
        for (var index = offset; index < offset + length; index++)
        {
            entries.Add(keys.Value(index)!, values.Value(index));
        }

        return entries;
    }
}

/// <summary>Where a vector lies.</summary>
internal readonly unsafe struct VectorMemory(nint vector)
{
    public readonly nint Vector = vector;
    public readonly void* Data = NativeMethods.duckdb_vector_get_data(vector);
    public readonly ulong* Validity = NativeMethods.duckdb_vector_get_validity(vector);
}
