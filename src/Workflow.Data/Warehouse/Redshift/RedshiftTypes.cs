using Workflow.Data.Schema;

namespace Workflow.Data.Warehouse.Redshift;

/// <summary>The types of Redshift that a load writes. It has neither text nor uuid, and counts the bytes of a varchar.</summary>
internal static class RedshiftTypes
{
    private const int LongestVarchar = 65_535;
    private const int MostDigits = 38;
    private const int BytesOfUuid = 36;

    /// <summary>The longest there is.</summary>
    public static WarehouseType Text => Varchar(LongestVarchar);

    /// <summary>The type a new column gets.</summary>
    public static WarehouseType For(ColumnType type) => WarehouseType.For(type) switch
    {
        { Kind: WarehouseKind.Text } => Text,
        { Kind: WarehouseKind.Uuid } => Varchar(BytesOfUuid),
        { Precision: > MostDigits } wide => throw new WarehouseException($"A column of the file is {wide}; Redshift keeps at most {MostDigits} digits. Lay its type down, or round it in the file."),
        var same => same,
    };

    /// <summary>From the catalog; null for a type that a load does not write.</summary>
    public static WarehouseType? FromCatalog(string type, int? length, int? precision, int? scale) => type switch
    {
        "boolean" => WarehouseKind.Boolean,
        "smallint" => WarehouseKind.Smallint,
        "integer" => WarehouseKind.Integer,
        "bigint" => WarehouseKind.Bigint,
        "numeric" when precision is { } digits => WarehouseType.Numeric(digits, scale ?? 0),
        "real" => WarehouseKind.Real,
        "double precision" => WarehouseKind.Double,
        "date" => WarehouseKind.Date,
        "timestamp without time zone" => WarehouseKind.Timestamp,
        "timestamp with time zone" => WarehouseKind.TimestampTz,
        "character varying" => Varchar(length ?? LongestVarchar),
        "character" => new(WarehouseKind.Char, MaxLength: length ?? 1) { CountsBytes = true },
        _ => null,
    };

    public static WarehouseType Varchar(int bytes) => new(WarehouseKind.Varchar, MaxLength: bytes) { CountsBytes = true };
}
