namespace Workflow.Data.Schema;

/// <summary>What a column of text can be taken for.</summary>
public enum ColumnKind
{
    Boolean,
    Integer,
    Bigint,
    Decimal,
    Double,
    Date,
    Timestamp,
    TimestampTz,
    Text,
}

/// <summary>A column's type: the kind, and for a decimal its digits in all and after the point.</summary>
public readonly record struct ColumnType(ColumnKind Kind, int Precision = 0, int Scale = 0)
{
    /// <summary>The most digits a decimal has; more stay text.</summary>
    public const int MaxPrecision = 38;

    public static ColumnType Decimal(int precision, int scale) => new(ColumnKind.Decimal, precision, scale);

    public static implicit operator ColumnType(ColumnKind kind) => new(kind);

    /// <summary>The name as messages show it: <c>decimal(10,2)</c>, <c>timestamp with time zone</c>.</summary>
    public override string ToString() => Kind switch
    {
        ColumnKind.Decimal => $"decimal({Precision},{Scale})",
        ColumnKind.TimestampTz => "timestamp with time zone",
        _ => Kind.ToString().ToLowerInvariant(),
    };
}
