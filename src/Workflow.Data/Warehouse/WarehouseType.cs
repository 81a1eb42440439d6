using Workflow.Data.Schema;

namespace Workflow.Data.Warehouse;

/// <summary>The PostgreSQL types a load writes.</summary>
internal enum WarehouseKind
{
    Boolean,
    Smallint,
    Integer,
    Bigint,
    Numeric,
    Real,
    Double,
    Date,
    Timestamp,
    TimestampTz,
    Uuid,
    Text,
    Varchar,
    Char,
}

/// <summary>A column's type in the warehouse.</summary>
/// <param name="Precision">Of a numeric; 0 where it has none.</param>
/// <param name="MaxLength">Of a varchar or char, in characters; 0 where it has none.</param>
internal readonly record struct WarehouseType(WarehouseKind Kind, int Precision = 0, int Scale = 0, int MaxLength = 0)
{
    /// <summary>The length is one of bytes, as in Redshift, and not of characters.</summary>
    public bool CountsBytes { get; init; }

    public static implicit operator WarehouseType(WarehouseKind kind) => new(kind);

    public static WarehouseType Numeric(int precision, int scale) => new(WarehouseKind.Numeric, precision, scale);

    /// <summary>The type a new column gets.</summary>
    public static WarehouseType For(ColumnType type) => type.Kind switch
    {
        ColumnKind.Boolean => WarehouseKind.Boolean,
        ColumnKind.Integer => WarehouseKind.Integer,
        ColumnKind.Bigint => WarehouseKind.Bigint,
        ColumnKind.Decimal => Numeric(type.Precision, type.Scale),
        ColumnKind.Double => WarehouseKind.Double,
        ColumnKind.Date => WarehouseKind.Date,
        ColumnKind.Timestamp => WarehouseKind.Timestamp,
        ColumnKind.TimestampTz => WarehouseKind.TimestampTz,
        _ => WarehouseKind.Text,
    };

    /// <summary>From the catalog's name and modifier; null for a type a load does not write.</summary>
    public static WarehouseType? FromCatalog(string type, int modifier) => type switch
    {
        "bool" => WarehouseKind.Boolean,
        "int2" => WarehouseKind.Smallint,
        "int4" => WarehouseKind.Integer,
        "int8" => WarehouseKind.Bigint,
        "numeric" when modifier < 0 => WarehouseKind.Numeric,
        "numeric" when Digits(modifier) is { Scale: >= 0 } digits && digits.Scale <= digits.Precision => Numeric(digits.Precision, digits.Scale),
        "float4" => WarehouseKind.Real,
        "float8" => WarehouseKind.Double,
        "date" => WarehouseKind.Date,
        "timestamp" when modifier is < 0 or 6 => WarehouseKind.Timestamp,
        "timestamptz" when modifier is < 0 or 6 => WarehouseKind.TimestampTz,
        "uuid" => WarehouseKind.Uuid,
        "text" => WarehouseKind.Text,
        "varchar" => new(WarehouseKind.Varchar, MaxLength: Math.Max(0, modifier - 4)),
        "bpchar" => new(WarehouseKind.Char, MaxLength: Math.Max(0, modifier - 4)),
        _ => null,
    };

    /// <summary>Of the integer types: the digits every one of their values has room in.</summary>
    public int IntegerDigits => Kind switch
    {
        WarehouseKind.Smallint => 5,
        WarehouseKind.Integer => 10,
        WarehouseKind.Bigint => 19,
        _ => Precision - Scale,
    };

    public bool IsInteger => Kind is WarehouseKind.Smallint or WarehouseKind.Integer or WarehouseKind.Bigint;

    /// <summary>As DDL and messages write it.</summary>
    public override string ToString() => Kind switch
    {
        WarehouseKind.Numeric when Precision > 0 => $"numeric({Precision},{Scale})",
        WarehouseKind.Double => "double precision",
        WarehouseKind.TimestampTz => "timestamp with time zone",
        WarehouseKind.Varchar when MaxLength > 0 => $"varchar({MaxLength})",
        WarehouseKind.Char when MaxLength > 0 => $"char({MaxLength})",
        _ => Kind.ToString().ToLowerInvariant(),
    };

    /// <summary>A numeric's modifier: the scale is eleven bits with a sign, and a negative one rounds before the point.</summary>
    private static (int Precision, int Scale) Digits(int modifier)
    {
        const int header = 4, sign = 1 << 10;
        return ((modifier - header) >> 16, (((modifier - header) & (2 * sign - 1)) ^ sign) - sign);
    }
}
