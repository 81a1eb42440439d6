namespace Workflow.Data.DuckDb;

/// <summary>DuckDB's type numbers, as in <c>duckdb.h</c>.</summary>
public enum DuckDbTypeId
{
    Invalid = 0,
    Boolean = 1,
    TinyInt = 2,
    SmallInt = 3,
    Integer = 4,
    BigInt = 5,
    UTinyInt = 6,
    USmallInt = 7,
    UInteger = 8,
    UBigInt = 9,
    Float = 10,
    Double = 11,
    Timestamp = 12,
    Date = 13,
    Time = 14,
    Interval = 15,
    HugeInt = 16,
    Varchar = 17,
    Blob = 18,
    Decimal = 19,
    TimestampSeconds = 20,
    TimestampMillis = 21,
    TimestampNanos = 22,
    Enum = 23,
    List = 24,
    Struct = 25,
    Map = 26,
    Uuid = 27,
    Union = 28,
    Bit = 29,
    TimeTz = 30,
    TimestampTz = 31,
    UHugeInt = 32,
    Array = 33,
    SqlNull = 36,
}

/// <summary>A type with what belongs to it: a decimal's width and scale, an enum's labels, a nested type's parts.</summary>
public sealed record DuckDbType(DuckDbTypeId Id)
{
    /// <summary>Digits of a decimal, at most 38.</summary>
    public int Width { get; private init; }

    /// <summary>Digits of a decimal after the point.</summary>
    public int Scale { get; private init; }

    /// <summary>Elements of a fixed-size array.</summary>
    public int Size { get; private init; }

    /// <summary>How a decimal or an enum is laid out in a vector; for others the type itself.</summary>
    internal DuckDbTypeId Storage { get; private init; } = Id;

    /// <summary>Labels of an enum, by their codes.</summary>
    public IReadOnlyList<string> Labels { get; private init; } = [];

    /// <summary>Fields of a struct; the element of a list or array; the key and value of a map.</summary>
    public IReadOnlyList<DuckDbField> Children { get; private init; } = [];

    internal static unsafe DuckDbType Read(LogicalTypeHandle type)
    {
        var id = NativeMethods.duckdb_get_type_id(type);
        return id switch
        {
            DuckDbTypeId.Decimal => new(id)
            {
                Width = NativeMethods.duckdb_decimal_width(type),
                Scale = NativeMethods.duckdb_decimal_scale(type),
                Storage = NativeMethods.duckdb_decimal_internal_type(type),
            },
            DuckDbTypeId.Enum => new(id) { Storage = NativeMethods.duckdb_enum_internal_type(type), Labels = ReadLabels(type) },
            DuckDbTypeId.List => new(id) { Children = [Child("element", NativeMethods.duckdb_list_type_child_type(type))] },
            DuckDbTypeId.Array => new(id)
            {
                Size = (int)NativeMethods.duckdb_array_type_array_size(type),
                Children = [Child("element", NativeMethods.duckdb_array_type_child_type(type))],
            },
            DuckDbTypeId.Map => new(id)
            {
                Children = [Child("key", NativeMethods.duckdb_map_type_key_type(type)), Child("value", NativeMethods.duckdb_map_type_value_type(type))],
            },
            DuckDbTypeId.Struct => new(id) { Children = ReadFields(type) },
            _ => new(id),
        };
    }

    private static DuckDbField Child(string name, LogicalTypeHandle type)
    {
        using (type)
        {
            return new(name, Read(type));
        }
    }

    private static unsafe string[] ReadLabels(LogicalTypeHandle type)
    {
        var labels = new string[NativeMethods.duckdb_enum_dictionary_size(type)];
        for (var index = 0; index < labels.Length; index++)
        {
            labels[index] = NativeMethods.TakeText(NativeMethods.duckdb_enum_dictionary_value(type, (ulong)index));
        }

        return labels;
    }

    private static unsafe DuckDbField[] ReadFields(LogicalTypeHandle type)
    {
        var fields = new DuckDbField[NativeMethods.duckdb_struct_type_child_count(type)];
        for (var index = 0; index < fields.Length; index++)
        {
            var name = NativeMethods.TakeText(NativeMethods.duckdb_struct_type_child_name(type, (ulong)index));
            fields[index] = Child(name, NativeMethods.duckdb_struct_type_child_type(type, (ulong)index));
        }

        return fields;
    }
}

/// <summary>A named part: a column of a result, a field of a struct.</summary>
public sealed record DuckDbField(string Name, DuckDbType Type);

/// <summary>DuckDB's interval: its three parts are not convertible into each other.</summary>
public readonly record struct DuckDbInterval(int Months, int Days, long Micros);
