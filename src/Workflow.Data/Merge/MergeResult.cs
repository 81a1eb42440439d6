namespace Workflow.Data.Merge;

/// <summary>What a merge did.</summary>
/// <param name="FileRows">Objects in the file; each is a row of the output.</param>
/// <param name="DatabaseRows">Rows in the table.</param>
/// <param name="Matched">Objects whose key the table has.</param>
/// <param name="DatabaseOnly">Rows whose key the file does not have; they are not in the output.</param>
/// <param name="FirstDatabaseOnly">The keys of the first ten of those, in the table's order; null for a key that is null.</param>
/// <param name="Columns">Of the output.</param>
public sealed record MergeResult(
    long FileRows, long DatabaseRows, long Matched, long DatabaseOnly, IReadOnlyList<string?> FirstDatabaseOnly, IReadOnlyList<string> Columns)
{
    /// <summary>The table that was read, with its schema.</summary>
    public required string Table { get; init; }

    /// <summary>How many connections read it.</summary>
    public required int ParallelReads { get; init; }

    /// <summary>Why there were not as many as the database could have borne; null where there were.</summary>
    public string? ReadNote { get; init; }

    /// <summary>How many more than the first ten.</summary>
    public long MoreDatabaseOnly => DatabaseOnly - FirstDatabaseOnly.Count;
}
