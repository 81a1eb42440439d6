using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Data.CheckIns;
using Workflow.Data.Warehouse;

namespace Workflow.App.Pipelines.IngestCheckIns;

/// <summary>Which check-ins to ingest, and how; see docs/pipelines/ingest-check-ins.md.</summary>
internal sealed record IngestCheckInsInput : PipelineInput
{
    private const decimal MostMostHours = 999.99m;

    public string Table { get; init; } = "daily_checkins";

    public string Schema { get; init; } = "public";

    /// <summary>The prefix (ending in <c>/</c>) under which a file lies as Parquet, and its failed rows.</summary>
    public string Staging { get; init; } = "local://staging/";

    /// <summary>A row that fails the test stops the run before the load; else it is quarantined and the others go on.</summary>
    public bool HardTesting { get; init; } = true;

    /// <summary>Most hours that one check-in may have.</summary>
    public decimal MostHours { get; init; } = 24;

    public TableName Target() => new(Schema, Table);

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        if (Object?.EndsWith('/') == true)
        {
            errors.Add(key(nameof(Object)), Object, "name one file; those under a prefix are each a run, started by the trigger");
        }

        Inputs.CheckName(nameof(Table), Table, "the table of the check-ins", key, errors);
        Inputs.CheckName(nameof(Schema), Schema, "the table's schema", key, errors);
        Inputs.CheckAddress(nameof(Staging), Staging, "local://staging/", key, errors);
        if (!Staging.EndsWith('/'))
        {
            errors.Add(key(nameof(Staging)), Staging, "write a prefix; it ends in /");
        }

        if (MostHours is <= 0 or > MostMostHours)
        {
            errors.Add(key(nameof(MostHours)), MostHours.ToString(CultureInfo.InvariantCulture), "write a number above 0 and below 1000");
        }
    }
}

/// <summary>A file as it is staged: its typed rows, and the content they came from.</summary>
/// <param name="Address">Of the Parquet file.</param>
/// <param name="Sha256">Of the file that landed.</param>
internal sealed record StagedCheckIns(string Address, string Sha256, long Rows)
{
    /// <summary>Where the rows lie that fail a rule.</summary>
    public ObjectAddress FailedAt(IngestCheckInsInput input, string rule) => Place(input, "failed_tests", Sha256, $"/{rule}.csv");

    /// <summary>
    /// Where what becomes of a landing file lies: under the prefix by state, then as it landed, from its partition <c>table=</c> on. The
    /// content is in the name, so that a file that comes again with other rows does not get into the run that is under way.
    /// </summary>
    public static ObjectAddress Place(IngestCheckInsInput input, string state, string sha256, string ending)
    {
        const string firstPartition = "table=", extension = ".csv";
        const int tagLength = 8;
        var staging = ObjectAddress.Parse(input.Staging);
        var landed = ObjectAddress.Parse(input.Object!).Key;
        var begin = $"/{landed}".IndexOf($"/{firstPartition}", StringComparison.Ordinal);
        var path = landed[Math.Max(begin, 0)..];
        var name = path.EndsWith(extension, StringComparison.OrdinalIgnoreCase) ? path[..^extension.Length] : path;
        return staging.WithKey($"{staging.Key}state={state}/{name}.{sha256[..tagLength]}{ending}");
    }
}

/// <summary>A staged file after the test.</summary>
/// <param name="Address">Of the Parquet file of the rows that passed.</param>
internal sealed record TestedCheckIns(string Address, long Passed, long Failed, IReadOnlyList<FailedCheckIns> Rules)
{
    /// <summary>Lets the rows that passed go on, unless all have to.</summary>
    /// <exception cref="CheckInsFailedException">They have to, and some failed.</exception>
    public TestedCheckIns Require(bool all) => all && Failed > 0 ? throw new CheckInsFailedException(this) : this;
}

/// <summary>The rows that fail one rule.</summary>
/// <param name="Object">Where they lie, with the reason, the source and the line of each.</param>
internal sealed record FailedCheckIns(string Rule, long Rows, string Object);

/// <summary>Hard testing: some rows failed, and nothing was loaded.</summary>
internal sealed class CheckInsFailedException(TestedCheckIns tested) : RunFailedException(
    $"{tested.Failed} of {tested.Failed + tested.Passed} rows fail the test, and nothing was loaded. " +
    $"By rule: {string.Join(", ", tested.Rules.Select(rule => $"{rule.Rule} {rule.Rows} ({rule.Object})"))}. " +
    $"Correct the file, or run it with {nameof(IngestCheckInsInput.HardTesting)} false to quarantine them.");

/// <summary>What became of the rows. Skipped are those that a load before has brought.</summary>
internal sealed record IngestCheckInsResult : PipelineResult
{
    /// <summary>The typed rows of the file, good and bad.</summary>
    public string? Staged { get; init; }

    /// <summary>Of the quarantined: how many fail which rule, and where they lie. A row may fail several.</summary>
    public IReadOnlyList<FailedCheckIns> FailedRules { get; init; } = [];
}

/// <summary>What the topic is told when an ingestion has ended.</summary>
internal sealed record IngestionMessage
{
    private const string Success = "Ingestion Success";
    private const string Fail = "Ingestion Fail";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public required string Status { get; init; }

    public required string LatestState { get; init; }

    [JsonPropertyName("ingestedID")]
    public required string IngestedId { get; init; }

    public required string IngestedTable { get; init; }

    public string? Object { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Reason { get; init; }

    public long? RowsIn { get; init; }

    public long? Loaded { get; init; }

    public long? Quarantined { get; init; }

    public long? Skipped { get; init; }

    public static RunMessage Of(IngestCheckInsInput input, RunEnd<IngestCheckInsResult> end)
    {
        var message = new IngestionMessage
        {
            Status = end.Result is null ? Fail : Success,
            LatestState = end.LatestState,
            IngestedId = end.IngestedId,
            IngestedTable = input.Table,
            Object = input.Object,
            Reason = end.Reason,
            RowsIn = end.Result?.RowsIn,
            Loaded = end.Result?.Loaded,
            Quarantined = end.Result?.Quarantined,
            Skipped = end.Result?.Skipped,
        };
        return new(message.Status, $"{message.Status}: {message.Describe()}", JsonSerializer.Serialize(message, Options));
    }

    private string Describe() => Reason is null
        ? $"{Object} into {IngestedTable} ({IngestedId}): {RowsIn} rows in, {Loaded} loaded, {Quarantined} quarantined, {Skipped} skipped."
        : $"{Object} into {IngestedTable} ({IngestedId}) at {LatestState}: {Reason}";
}
