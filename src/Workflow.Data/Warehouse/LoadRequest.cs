using Workflow.Data.Csv;
using Workflow.Data.Schema;

namespace Workflow.Data.Warehouse;

/// <summary>What to load, and where.</summary>
public sealed record LoadRequest
{
    /// <summary>The CSV file, local.</summary>
    public required string File { get; init; }

    public CsvOptions? Csv { get; init; }

    /// <summary>What <see cref="SchemaInference"/> found in the same file.</summary>
    public required InferredSchema Schema { get; init; }

    public required TableName Table { get; init; }

    /// <summary>The column by which a row of the file is the same as one of the table.</summary>
    public required string Key { get; init; }

    /// <summary>The idempotency key: a load that is asked for again under it is not done again and reports what it reported.</summary>
    public required string LoadKey { get; init; }

    /// <summary>Where the file came from, for the ledger.</summary>
    public required string Source { get; init; }

    /// <summary>Of the file's bytes; a file that was the last one loaded into the table is not loaded again.</summary>
    public required string ContentSha256 { get; init; }

    /// <summary>A column whose types have nothing narrower in common becomes text, instead of failing the load.</summary>
    public bool AllowWideningToText { get; init; }

    /// <summary>Where to write the rows that are refused (<see cref="QuarantineFile"/>); there is a file only if there are such rows.</summary>
    public required string QuarantineFile { get; init; }

    /// <summary>
    /// Puts the quarantine file where it is kept. Called before anything is committed, and again if the load is done again, so that
    /// a load that counts never has refused rows that nobody can see.
    /// </summary>
    public Func<string, CancellationToken, Task>? PublishQuarantine { get; init; }

    internal LoadIdentity Identity => new(Table, LoadKey, Source, ContentSha256);
}
