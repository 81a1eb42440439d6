using Workflow.Data.Warehouse;

namespace Workflow.Data.ChangeCapture;

/// <summary>How the files are written, and what becomes of deletes and long values.</summary>
public sealed record ChangeOptions
{
    /// <summary>The column that orders the changes, such as <c>AR_H_CHANGE_SEQ</c> or a commit timestamp; null: the files' times and the rows in them do.</summary>
    public string? OrderColumn { get; init; }

    /// <summary>A deleted row stays, with <c>_deleted</c> set.</summary>
    public bool SoftDelete { get; init; }

    /// <summary>Bytes that are kept of a longer value; null keeps all.</summary>
    public int? LobLimit { get; init; } = 32 << 10;

    /// <summary>What CSV files write for null, beside nothing at all (DMS: <c>CsvNullValue</c>).</summary>
    public string NullText { get; init; } = "NULL";

    public char Delimiter { get; init; } = ',';

    /// <summary>The columns of CSV files that have no header (DMS: <c>AddColumnName=false</c>), without <c>Op</c>; empty where files have one.</summary>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>Of files without a header: the full load has the column <c>Op</c>, too.</summary>
    public bool OpInFullLoad { get; init; }
}

/// <summary>A file of a batch.</summary>
/// <param name="Path">On this machine.</param>
/// <param name="Address">Where it came from; with the ETag, what it is known by.</param>
public sealed record ChangeSource(string Path, string Address, string ETag, ChangeFile File);

/// <summary>Files of one table, applied in one transaction.</summary>
public sealed record ChangeBatch
{
    public required TableName Table { get; init; }

    /// <summary>The columns that rows are the same by.</summary>
    public required IReadOnlyList<string> Key { get; init; }

    /// <summary>SQL types by folded column names, for columns that the table does not have yet; others become text, or what a Parquet file says.</summary>
    public IReadOnlyDictionary<string, string> Types { get; init; } = new Dictionary<string, string>();

    public required IReadOnlyList<ChangeSource> Files { get; init; }

    public required ChangeOptions Options { get; init; }

    /// <summary>The same for every attempt at this batch, and no other batch's.</summary>
    public required string LoadKey { get; init; }

    /// <summary>What was loaded before is not meant any more: a full load begins anew.</summary>
    public bool StartsOver { get; init; }

    /// <summary>Room for files that are made on the way.</summary>
    public required string ScratchFolder { get; init; }

    /// <summary>Where the refused rows are written.</summary>
    public required string QuarantineFile { get; init; }

    /// <summary>Called with the quarantine file before the batch is committed, if there are refused rows.</summary>
    public Func<string, CancellationToken, Task>? PublishQuarantine { get; init; }
}

/// <summary>What a batch did.</summary>
/// <param name="Loaded">Changes that took effect: of each key the last one.</param>
/// <param name="Skipped">Superseded by a later change of the same file, or older than what was applied before.</param>
/// <param name="Duplicates">Of the skipped, those superseded in their file.</param>
/// <param name="Late">Of the skipped, those not newer than what was applied.</param>
/// <param name="LobsCut">Values cut at the limit.</param>
/// <param name="Watermark">The time of the last change file applied to the table; null where there is none.</param>
public sealed record ChangeResult(
    long RowsIn, long Loaded, long Quarantined, long Skipped, long Duplicates,
    long Inserted, long Updated, long Deleted, long Late, long LobsCut,
    int Files, int FilesKnown, bool CreatedTable, IReadOnlyList<string> AddedColumns, string? Watermark)
    : LoadCounts(RowsIn, Loaded, Quarantined, Skipped, Duplicates);
