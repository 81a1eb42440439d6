using Workflow.App.Configuration;
using Workflow.App.Pipelines.QualityGate;
using Workflow.Data.Mapping;
using Workflow.Data.Quality;

namespace Workflow.App.Pipelines.JsonToParquet;

/// <summary>What turns the JSON into Parquet.</summary>
internal enum ParquetEngine
{
    /// <summary>DuckDB, in this process.</summary>
    DuckDb,

    /// <summary>A Glue job that is there already; this run starts and watches it.</summary>
    Glue,
}

/// <summary>What to read, how, and where to; see docs/pipelines/json-to-parquet.md.</summary>
internal sealed record JsonToParquetInput : PipelineInput
{
    private const int LargestFile = 4096;
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(7);
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    public JsonToParquetInput() => Attempts = 3;

    public ParquetEngine Engine { get; init; }

    /// <summary>The prefix of the dataset.</summary>
    public string Output { get; init; } = "";

    /// <summary>The columns to make, and of what; empty for all properties under their own names.</summary>
    public IReadOnlyList<ColumnMapping> Columns { get; init; } = [];

    /// <summary>Properties that <see cref="Columns"/> does not name become columns, too.</summary>
    public bool KeepOthers { get; init; }

    /// <summary>Properties that become no column.</summary>
    public IReadOnlyList<string> Drop { get; init; } = [];

    public IReadOnlyList<QualityRule> Rules { get; init; } = [];

    /// <summary>Columns whose values are in the paths, in their order.</summary>
    public IReadOnlyList<string> PartitionBy { get; init; } = [];

    public int TargetFileMegabytes { get; init; } = 128;

    /// <summary>The database in the Glue Data Catalog; null for no catalog.</summary>
    public string? Database { get; init; }

    /// <summary>The table in it.</summary>
    public string? Table { get; init; }

    /// <summary>The Glue job, with <see cref="ParquetEngine.Glue"/>.</summary>
    public string? Job { get; init; }

    public Overlap Overlap { get; init; }

    /// <summary>Between two tries of what failed; <see cref="PipelineInput.Attempts"/> is how many there are.</summary>
    public TimeSpan TryEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For all tries together, from the run's turn on.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromHours(2);

    /// <summary>Between two looks at the Glue job, or at the run that is waited for.</summary>
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(15);

    public JsonMapping Mapping() => new() { Columns = Columns, KeepOthers = KeepOthers, Drop = Drop };

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckAddress(nameof(Output), Output, "local://lake/orders/", key, errors);
        Inputs.CheckRange(nameof(TargetFileMegabytes), TargetFileMegabytes, LargestFile, key, errors);
        Inputs.CheckSpan(nameof(TryEvery), TryEvery, LongestPause, key, errors);
        Inputs.CheckSpan(nameof(LookEvery), LookEvery, LongestPause, key, errors);
        Inputs.CheckSpan(nameof(Timeout), Timeout, LongestTimeout, key, errors);
        foreach (var (column, setting, value, wanted) in Mapping().FindProblems())
        {
            errors.Add(key($"{nameof(Columns)}:{column}:{setting}"), value, wanted);
        }

        foreach (var problem in RuleProblem.Find(Rules, GateRules.Records))
        {
            errors.Add(key($"{nameof(Rules)}:{problem.Rule}:{problem.Setting}"), problem.Value, problem.Wanted);
        }

        if (PartitionBy.GroupBy(column => column, StringComparer.OrdinalIgnoreCase).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            errors.Add(key(nameof(PartitionBy)), twice.Key, "name each column once, upper and lower case apart");
        }

        if ((Database is null) != (Table is null) || (Engine == ParquetEngine.Glue && Database is null))
        {
            errors.Add(key(Database is null ? nameof(Database) : nameof(Table)), null, "name a database of the Glue Data Catalog and a table in it");
        }

        if (Engine == ParquetEngine.Glue && string.IsNullOrEmpty(Job))
        {
            errors.Add(key(nameof(Job)), null, "name the Glue job to start");
        }
    }
}

/// <summary>What became of the records. With <see cref="ParquetEngine.Glue"/> the job counts them, and these counts are 0.</summary>
internal sealed record JsonToParquetResult : PipelineResult
{
    public int Files { get; init; }

    public long Bytes { get; init; }

    public int Partitions { get; init; }

    /// <summary>Rules that found something: name, what follows, how many rows.</summary>
    public IReadOnlyList<string> Issues { get; init; } = [];

    /// <summary>The version that the dataset's manifests name now; null where nothing was published.</summary>
    public string? Version { get; init; }

    /// <summary>The run of the Glue job.</summary>
    public string? JobRun { get; init; }

    /// <summary>The run whose turn it was; this one has done nothing.</summary>
    public string? SkippedFor { get; init; }
}
