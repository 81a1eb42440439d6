using Workflow.Data.Sources;

namespace Workflow.Data.Merge;

/// <summary>What to merge, and where to write it.</summary>
public sealed record MergeRequest
{
    /// <summary>A JSON file of objects, local: an array, or newline-delimited; gzip or not.</summary>
    public required string JsonFile { get; init; }

    public required SourceTable Table { get; init; }

    /// <summary>How many connections read the table at once, at most; what is merged does not depend on it.</summary>
    public int ParallelReads { get; init; } = 4;

    /// <summary>The column that both sides have and are joined by.</summary>
    public string Key { get; init; } = "id";

    /// <summary>The CSV file to write, local.</summary>
    public required string Output { get; init; }

    /// <summary>A folder for what does not fit the memory.</summary>
    public required string ScratchFolder { get; init; }

    /// <summary>For both sides and the join, in DuckDB's notation. A million rows on each side join fastest within 1GB.</summary>
    public string MemoryLimit { get; init; } = "1GB";
}
