namespace Workflow.Data.Csv;

/// <summary>How a CSV file is read. Quotes are <c>"</c>, doubled inside a quoted field (RFC 4180).</summary>
public sealed record CsvOptions
{
    /// <summary>The field delimiter, an ASCII character; null picks the one of <c>, ; tab |</c> that divides the header most.</summary>
    public char? Delimiter
    {
        get;
        init => field = value is null || (char.IsAscii(value.Value) && value is not ('"' or '\r' or '\n' or '\0'))
            ? value
            : throw new ArgumentException($"'{value}' cannot divide fields: a delimiter is one ASCII character, and no quote or line end.", nameof(value));
    }

    /// <summary>The longest record, and so the reader's memory. A quote that is never closed is given up at this length.</summary>
    public int MaxRecordBytes { get; init; } = 64 << 20;
}
