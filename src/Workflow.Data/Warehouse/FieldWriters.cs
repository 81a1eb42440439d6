using System.Text;
using Workflow.Data.DuckDb;

namespace Workflow.Data.Warehouse;

/// <summary>Writes a value that is not null as a field of a binary COPY.</summary>
/// <returns>False where the target does not hold the value.</returns>
internal delegate bool FieldWriter(in DuckDbVector column, int row, CopyBuffer buffer);

/// <summary>How the values of a DuckDB type are written for a PostgreSQL type.</summary>
internal static class FieldWriters
{
    private const int DaysFrom1970To2000 = 10_957;
    private const long MicrosPerDay = 86_400_000_000;
    private const byte JsonbVersion = 1;

    // An Int128 has 39 digits at most.
    private const int MostDigits = 40;

    /// <param name="target">The catalog's name of the type.</param>
    /// <returns>Null where values would have to be converted.</returns>
    public static FieldWriter? Find(DuckDbType source, string target) => (source.Id, target) switch
    {
        (DuckDbTypeId.Boolean, "bool") => WriteBoolean,
        (_, "int2") when IsWhole(source) => WriteSmallint,
        (_, "int4") when IsWhole(source) => WriteInteger,
        (_, "int8") when IsWhole(source) => WriteBigint,
        (_, "numeric") when IsWhole(source) => (in column, row, buffer) => WriteNumeric(Whole(column, row), 0, buffer),
        (DuckDbTypeId.Decimal, "numeric") => (in column, row, buffer) => WriteNumeric(Unscaled(column, row), column.Type.Scale, buffer),
        (DuckDbTypeId.Float, "float4") => WriteReal,
        (DuckDbTypeId.Float, "float8") => WriteRealAsDouble,
        (DuckDbTypeId.Double, "float8") => WriteDouble,
        (DuckDbTypeId.Date, "date") => WriteDate,
        (DuckDbTypeId.Time, "time") => WriteTime,
        (DuckDbTypeId.TimestampTz, "timestamptz") => WriteTimestamp,
        (_, "timestamp") when source.Id != DuckDbTypeId.TimestampTz && MicrosOf(source.Id, 0) is not null => WriteTimestamp,
        (DuckDbTypeId.Uuid, "uuid") => WriteUuid,
        (DuckDbTypeId.Blob, "bytea") => WriteBytes,
        (DuckDbTypeId.Varchar, "text" or "varchar" or "bpchar" or "json") => WriteBytes,
        (DuckDbTypeId.Varchar, "jsonb") => WriteJsonb,
        (DuckDbTypeId.Enum, "text" or "varchar" or "bpchar") => WriteLabel,
        _ => null,
    };

    private static bool WriteBoolean(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(column.Raw<byte>()[row] != 0);
        return true;
    }

    private static bool WriteSmallint(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        var value = Whole(column, row);
        var fits = value >= short.MinValue && value <= short.MaxValue;
        buffer.Write(fits ? (short)value : (short)0);
        return fits;
    }

    private static bool WriteInteger(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        var value = Whole(column, row);
        var fits = value >= int.MinValue && value <= int.MaxValue;
        buffer.Write(fits ? (int)value : 0);
        return fits;
    }

    private static bool WriteBigint(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        var value = Whole(column, row);
        var fits = value >= long.MinValue && value <= long.MaxValue;
        buffer.Write(fits ? (long)value : 0L);
        return fits;
    }

    private static bool WriteReal(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(column.Raw<float>()[row]);
        return true;
    }

    private static bool WriteRealAsDouble(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write((double)column.Raw<float>()[row]);
        return true;
    }

    private static bool WriteDouble(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(column.Raw<double>()[row]);
        return true;
    }

    private static bool WriteNumeric(Int128 unscaled, int scale, CopyBuffer buffer)
    {
        var magnitude = unscaled < 0 ? (UInt128)(-unscaled) : (UInt128)unscaled;
        Span<byte> digits = stackalloc byte[2 * MostDigits];
        digits[..MostDigits].Fill((byte)'0');
        magnitude.TryFormat(digits[MostDigits..], out var length);
        digits = digits[..(MostDigits + length)];
        return NumericField.TryWrite(buffer, unscaled < 0, digits[..^scale].TrimStart((byte)'0'), digits[^scale..]);
    }

    private static bool WriteDate(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(column.Raw<int>()[row] switch
        {
            int.MaxValue => int.MaxValue,
            -int.MaxValue => int.MinValue,
            var days => days - DaysFrom1970To2000,
        });
        return true;
    }

    private static bool WriteTime(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(column.Raw<long>()[row]);
        return true;
    }

    /// <summary>The ends of the range mean infinity, to both; DuckDB keeps its negative one a step above.</summary>
    private static bool WriteTimestamp(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(column.Raw<long>()[row] switch
        {
            long.MaxValue => long.MaxValue,
            -long.MaxValue => long.MinValue,
            var count => MicrosOf(column.Type.Id, count)!.Value - DaysFrom1970To2000 * MicrosPerDay,
        });
        return true;
    }

    private static bool WriteUuid(in DuckDbVector column, int row, CopyBuffer buffer) =>
        PhysicalValue.Uuid(column.Raw<UInt128>()[row]).TryWriteBytes(buffer.WriteField(16), bigEndian: true, out _);

    private static bool WriteBytes(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(column.Bytes(row));
        return true;
    }

    private static bool WriteJsonb(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        var text = column.Bytes(row);
        var field = buffer.WriteField(text.Length + 1);
        field[0] = JsonbVersion;
        text.CopyTo(field[1..]);
        return true;
    }

    private static bool WriteLabel(in DuckDbVector column, int row, CopyBuffer buffer)
    {
        buffer.Write(Encoding.UTF8.GetBytes((string)column.Value(row)!));
        return true;
    }

    private static bool IsWhole(DuckDbType type) => type.Id is DuckDbTypeId.TinyInt or DuckDbTypeId.SmallInt or DuckDbTypeId.Integer
        or DuckDbTypeId.BigInt or DuckDbTypeId.HugeInt or DuckDbTypeId.UTinyInt or DuckDbTypeId.USmallInt or DuckDbTypeId.UInteger or DuckDbTypeId.UBigInt;

    private static Int128 Whole(in DuckDbVector column, int row) => column.Type.Id switch
    {
        DuckDbTypeId.TinyInt => column.Raw<sbyte>()[row],
        DuckDbTypeId.SmallInt => column.Raw<short>()[row],
        DuckDbTypeId.Integer => column.Raw<int>()[row],
        DuckDbTypeId.BigInt => column.Raw<long>()[row],
        DuckDbTypeId.UTinyInt => column.Raw<byte>()[row],
        DuckDbTypeId.USmallInt => column.Raw<ushort>()[row],
        DuckDbTypeId.UInteger => column.Raw<uint>()[row],
        DuckDbTypeId.UBigInt => column.Raw<ulong>()[row],
        _ => column.Raw<Int128>()[row],
    };

    private static Int128 Unscaled(in DuckDbVector column, int row) => column.Type.Storage switch
    {
        DuckDbTypeId.SmallInt => column.Raw<short>()[row],
        DuckDbTypeId.Integer => column.Raw<int>()[row],
        DuckDbTypeId.BigInt => column.Raw<long>()[row],
        _ => column.Raw<Int128>()[row],
    };

    /// <summary>Microseconds since 1970; null for a type that is no timestamp, or a finer one than PostgreSQL's.</summary>
    private static long? MicrosOf(DuckDbTypeId type, long count) => type switch
    {
        DuckDbTypeId.Timestamp or DuckDbTypeId.TimestampTz => count,
        DuckDbTypeId.TimestampSeconds => checked(count * 1_000_000),
        DuckDbTypeId.TimestampMillis => checked(count * 1_000),
        _ => null,
    };
}
