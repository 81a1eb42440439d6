using Workflow.Data.Schema;

namespace Workflow.Data.Warehouse;

/// <summary>Whether a file's column fits the type the table has for it, and what the table's would have to become.</summary>
internal static class TypeFit
{
    private const int DigitsOfReal = 6;
    private const int DigitsOfSmallint = 4;

    /// <returns>
    /// <paramref name="existing"/> where every value fits; a wider type where nothing would be lost; null where only text holds both.
    /// </returns>
    public static WarehouseType? Widen(WarehouseType existing, InferredColumn column)
    {
        // Of a type laid down, or a text type with a length, each value is judged at load time.
        if (column.IsEmpty || existing == WarehouseType.For(column.Type)
            || existing.Kind is WarehouseKind.Text or WarehouseKind.Varchar or WarehouseKind.Char or WarehouseKind.Uuid)
        {
            return existing;
        }

        return existing.Kind switch
        {
            WarehouseKind.Smallint or WarehouseKind.Integer or WarehouseKind.Bigint or WarehouseKind.Numeric => WidenExact(existing, column),
            WarehouseKind.Real => WidenReal(column),
            WarehouseKind.Double => IsNumber(column) && column.FitsDouble ? existing : null,
            WarehouseKind.Date => column.Type.Kind == ColumnKind.Timestamp ? WarehouseKind.Timestamp : null,
            WarehouseKind.Timestamp => column.Type.Kind == ColumnKind.Date ? existing : null,
            _ => null,
        };
    }

    private static WarehouseType? WidenExact(WarehouseType existing, InferredColumn column)
    {
        if (column.Type.Kind is not (ColumnKind.Integer or ColumnKind.Bigint or ColumnKind.Decimal))
        {
            return null;
        }

        if (existing is { Kind: WarehouseKind.Numeric, Precision: 0 })
        {
            return existing;
        }

        if (existing.IsInteger && column.Type.Kind is ColumnKind.Integer or ColumnKind.Bigint)
        {
            var needed = column.Type.Kind == ColumnKind.Bigint ? WarehouseKind.Bigint
                : column.IntegerDigits > DigitsOfSmallint ? WarehouseKind.Integer
                : WarehouseKind.Smallint;
            return needed > existing.Kind ? needed : existing;
        }

        var digits = Math.Max(existing.IntegerDigits, column.IntegerDigits);
        var scale = Math.Max(existing.Scale, column.Scale);
        return existing.Kind == WarehouseKind.Numeric && digits == existing.IntegerDigits && scale == existing.Scale ? existing
            : digits + scale <= ColumnType.MaxPrecision ? WarehouseType.Numeric(digits + scale, scale)
            : null;
    }

    private static WarehouseType? WidenReal(InferredColumn column) =>
        !IsNumber(column) || !column.FitsDouble ? null
        : column.Type.Kind != ColumnKind.Double && column.IntegerDigits + column.Scale <= DigitsOfReal ? WarehouseKind.Real
        : WarehouseKind.Double;

    private static bool IsNumber(InferredColumn column) =>
        column.Type.Kind is ColumnKind.Integer or ColumnKind.Bigint or ColumnKind.Decimal or ColumnKind.Double;
}
