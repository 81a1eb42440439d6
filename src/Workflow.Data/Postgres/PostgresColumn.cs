using Npgsql.Schema;
using Workflow.Data.Schema;

namespace Workflow.Data.Postgres;

/// <summary>What is read of a column: how PostgreSQL sends it, and what it is in DuckDB.</summary>
/// <param name="Expression">In the select list.</param>
internal sealed record PostgresColumn(string Name, string Expression, WireType Wire, string DuckDbType, int Scale)
{
    public static PostgresColumn From(NpgsqlDbColumn column, ValueForm form)
    {
        var name = SqlText.Identifier(column.ColumnName);
        var (wire, type, scale) = form == ValueForm.Text ? Text : Typed(column);
        return new(column.ColumnName, type == Text.DuckDbType ? $"{name}::text" : name, wire, type, scale);
    }

    private static (WireType Wire, string DuckDbType, int Scale) Text => (WireType.Bytes, "varchar", 0);

    private static (WireType Wire, string DuckDbType, int Scale) Typed(NpgsqlDbColumn column) => column.PostgresType.Name switch
    {
        "boolean" => (WireType.Boolean, "boolean", 0),
        "smallint" => (WireType.Int16, "smallint", 0),
        "integer" => (WireType.Int32, "integer", 0),
        "bigint" => (WireType.Int64, "bigint", 0),
        "real" => (WireType.Single, "float", 0),
        "double precision" => (WireType.Double, "double", 0),
        "numeric" when column.NumericPrecision is > 0 and <= ColumnType.MaxPrecision and var precision && (column.NumericScale ?? 0) is >= 0 and var scale && scale <= precision =>
            (WireType.Numeric, $"decimal({precision},{scale})", scale),
        "date" => (WireType.Date, "date", 0),
        "time without time zone" or "time" => (WireType.Time, "time", 0),
        "timestamp without time zone" or "timestamp" => (WireType.Timestamp, "timestamp", 0),
        "timestamp with time zone" or "timestamptz" => (WireType.TimestampTz, "timestamptz", 0),
        "uuid" => (WireType.Uuid, "uuid", 0),
        "bytea" => (WireType.Bytes, "blob", 0),
        _ => Text,
    };
}

/// <summary>The binary forms that are decoded.</summary>
internal enum WireType
{
    Bytes,
    Boolean,
    Int16,
    Int32,
    Int64,
    Single,
    Double,
    Numeric,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
}
