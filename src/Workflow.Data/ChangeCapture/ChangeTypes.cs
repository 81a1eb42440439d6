using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>A warehouse's words for what changes hold.</summary>
internal sealed record ChangeTypes
{
    /// <summary>A column's type of which nobody says one; its length is the longest that is kept of any value.</summary>
    public required WarehouseType Text { get; init; }

    /// <summary>A text that sorts by its bytes.</summary>
    public required string Position { get; init; }

    /// <summary>A whole number of any size.</summary>
    public required string Number { get; init; }

    public required string Binary { get; init; }

    /// <summary>What the catalog calls a binary column.</summary>
    public required IReadOnlyList<string> BinaryNames { get; init; }

    /// <summary>The function that makes bytes of hexadecimal digits, with a place for them.</summary>
    public required Func<string, string> FromHex { get; init; }

    /// <summary>For a column of a Parquet file.</summary>
    /// <param name="type">DuckDB's.</param>
    public string Of(string type) => type switch
    {
        "BOOLEAN" => "boolean",
        "TINYINT" or "UTINYINT" or "SMALLINT" => "smallint",
        "USMALLINT" or "INTEGER" => "integer",
        "UINTEGER" or "BIGINT" => "bigint",
        "UBIGINT" or "HUGEINT" => Number,
        "FLOAT" => "real",
        "DOUBLE" => "double precision",
        "DATE" => "date",
        "BLOB" => Binary,
        "TIMESTAMP WITH TIME ZONE" => "timestamp with time zone",
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => "timestamp",
        _ when type.StartsWith("DECIMAL", StringComparison.Ordinal) => type.Replace("DECIMAL", "numeric"),
        _ => Text.ToString(),
    };
}
