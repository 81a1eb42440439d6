namespace Workflow.App.Pipelines;

/// <summary>What became of the rows of a run. Always <c>RowsIn = Loaded + Quarantined + Skipped</c>.</summary>
internal abstract record PipelineResult
{
    public long RowsIn { get; init; }

    public long Loaded { get; init; }

    /// <summary>Refused, and kept with the reason.</summary>
    public long Quarantined { get; init; }

    public long Skipped { get; init; }

    /// <summary>The table the rows are in, or the tables, where it is tables.</summary>
    public string? Table { get; init; }

    /// <summary>The object or the prefix the rows are in, where it is objects.</summary>
    public string? Written { get; init; }

    /// <summary>Columns that the table did not have before.</summary>
    public IReadOnlyList<string> AddedColumns { get; init; } = [];

    /// <summary>The refused rows with their lines and reasons; null where there are none, or several places for them.</summary>
    public string? QuarantineObject { get; init; }
}
