using Workflow.App.Configuration;

namespace Workflow.App.Pipelines.MergeSources;

/// <summary>What to merge with what, and where to; see docs/pipelines/merge-sources.md.</summary>
internal sealed record MergeSourcesInput : PipelineInput
{
    private const int MostReads = 32;

    /// <summary>The name of the secret that says how to reach the database; its value is seen by the step alone.</summary>
    public string Secret { get; init; } = "";

    /// <summary>What to complete the file from; without it, what the secret's field <c>table</c> says.</summary>
    public string? Table { get; init; }

    /// <summary>Without it, <c>public</c> in PostgreSQL, and in MySQL and MariaDB the secret's database.</summary>
    public string? Schema { get; init; }

    /// <summary>How many connections read the table at once, at most.</summary>
    public int ParallelReads { get; init; } = 4;

    /// <summary>The column that both sides have.</summary>
    public string Key { get; init; } = "id";

    /// <summary>Where the CSV file is written, replacing the one of the run before.</summary>
    public string Output { get; init; } = "";

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckAddress(nameof(Output), Output, "local://merged/test.csv", key, errors);
        Inputs.CheckName(nameof(Table), Table ?? "in the secret", "the table to complete the file from", key, errors);
        Inputs.CheckName(nameof(Schema), Schema ?? "the usual", "the table's schema", key, errors);
        Inputs.CheckRange(nameof(ParallelReads), ParallelReads, MostReads, key, errors);
        Inputs.CheckName(nameof(Key), Key, "the column that both sides have", key, errors);
        if (Secret.Length == 0)
        {
            errors.Add(key(nameof(Secret)), null, "name the secret that says how to reach the database");
        }
    }
}

/// <summary>What became of the rows. Each object of the file is a row that was written.</summary>
internal sealed record MergeSourcesResult : PipelineResult
{
    /// <summary>The table that completed them, with its schema.</summary>
    public string SourceTable { get; init; } = "";

    /// <summary>Objects whose key the table has.</summary>
    public long Matched { get; init; }

    public long DatabaseRows { get; init; }

    /// <summary>How many connections read the table.</summary>
    public int ParallelReads { get; init; }

    /// <summary>Why there were not as many as the database could have borne.</summary>
    public string? ReadNote { get; init; }

    /// <summary>Rows of the table whose key the file does not have; they are not written.</summary>
    public long DatabaseOnly { get; init; }

    /// <summary>The keys of the first ten of those.</summary>
    public IReadOnlyList<string?> FirstDatabaseOnly { get; init; } = [];

    public long MoreDatabaseOnly { get; init; }

    public IReadOnlyList<string> Columns { get; init; } = [];

    public string DescribeDatabaseOnly(MergeSourcesInput input)
    {
        var keys = string.Join(", ", FirstDatabaseOnly.Select(key => key ?? "null"));
        var more = MoreDatabaseOnly == 0 ? "" : $" and {MoreDatabaseOnly} more";
        return $"{DatabaseOnly} rows of {SourceTable} are not in {input.Object} and were not written: {input.Key} {keys}{more}.";
    }
}
