namespace Workflow.Data.Schema;

/// <summary>What a whole file says about its columns.</summary>
/// <param name="Rows">Records in the file, the faulty ones included.</param>
/// <param name="Faults">Records that are broken as CSV and say nothing about types.</param>
public sealed record InferredSchema(IReadOnlyList<InferredColumn> Columns, long Rows, long Faults)
{
    /// <summary>The same schema with a column's type laid down: values that do not fit it are refused row by row.</summary>
    /// <exception cref="BadInputException">The file has no such column.</exception>
    public InferredSchema WithType(string column, ColumnType type) =>
        Columns.Any(inferred => inferred.Name == column)
            ? this with { Columns = [.. Columns.Select(inferred => inferred.Name == column ? inferred.Declare(type) : inferred)] }
            : throw new BadInputException($"There is no column '{column}' to declare as {type}. The file has: {string.Join(", ", Columns.Select(inferred => inferred.Name))}.");
}

/// <summary>One column: its type, and the value that decided it.</summary>
/// <param name="Nulls">Empty values.</param>
/// <param name="Evidence">Null where no row has a value.</param>
public sealed record InferredColumn(string Name, ColumnType Type, long Nulls, ColumnEvidence? Evidence)
{
    /// <summary>No row has a value: the column fits any type.</summary>
    public bool IsEmpty => Evidence is null;

    /// <summary>Most digits before the point, in a column of numbers.</summary>
    public int IntegerDigits { get; init; }

    /// <summary>Most digits after the point, in a column of numbers.</summary>
    public int Scale { get; init; }

    /// <summary>All values keep their digits as a 64-bit float: at most 15 of a whole number, 17 of others.</summary>
    public bool FitsDouble { get; init; }

    internal InferredColumn Declare(ColumnType type) => this with
    {
        Type = type,
        IntegerDigits = type.Kind switch { ColumnKind.Integer => 10, ColumnKind.Bigint => 19, _ => type.Precision - type.Scale },
        Scale = type.Scale,
        FitsDouble = type.Kind is ColumnKind.Integer or ColumnKind.Double,
    };
}

/// <summary>Why a column has its type: a row of the file.</summary>
/// <param name="Row">Number of the record, from 1.</param>
/// <param name="Line">Physical line, from 1.</param>
/// <param name="Value">Shortened where it is long.</param>
/// <param name="Reason">A clause: <c>line 17 is 'abc', after integer values</c>.</param>
public sealed record ColumnEvidence(long Row, long Line, string Value, string Reason);
