using System.Globalization;
using Workflow.Data.DuckDb;
using Workflow.Data.Quality;

namespace Workflow.Data.CheckIns;

/// <summary>A file of check-ins to test.</summary>
public sealed record CheckInTestRequest
{
    /// <summary>What <see cref="CheckInFile"/> wrote.</summary>
    public required string ParquetFile { get; init; }

    /// <summary>Where the rows came from, for the failed ones.</summary>
    public required string Source { get; init; }

    /// <summary>Most hours of one check-in; least are none.</summary>
    public required decimal MostHours { get; init; }

    /// <summary>An empty folder: gets <see cref="CheckInTest.PassedFile"/>, and <c>{rule}.csv</c> for each rule that rows fail.</summary>
    public required string Folder { get; init; }
}

/// <summary>Rows that fail one rule.</summary>
public sealed record FailedRule(string Rule, long Rows);

/// <summary>What a test found.</summary>
/// <param name="Passed">Rows that no rule refuses.</param>
/// <param name="Failed">Rows that at least one does.</param>
public sealed record CheckInTestResult(long Passed, long Failed, IReadOnlyList<FailedRule> Rules);

/// <summary>
/// Tests check-ins for completeness (the record is whole, user and project are there) and correctness (the timestamp is one, the hours
/// are a number within reason).
/// </summary>
public static class CheckInTest
{
    /// <summary>The rows that passed, as <c>line, username, project, hours, timestamp</c>, in the order of the file.</summary>
    public const string PassedFile = "passed.parquet";

    private const string Passed = "select _row as line, \"user\" as username, project, hours, \"timestamp\" from good_rows order by _row";

    /// <summary>The names of the rules, and so of what there may be a file for.</summary>
    public static IReadOnlyList<string> RuleNames { get; } = [.. Rules(mostHours: 0).Select(rule => rule.Name)];

    public static async Task<CheckInTestResult> RunAsync(CheckInTestRequest request, CancellationToken cancellation)
    {
        using var duckDb = DuckDbDatabase.Open(new() { TempDirectory = Path.Combine(request.Folder, "spill"), Threads = 1 });
        using var connection = duckDb.Connect();
        connection.Execute(SqlText.Read("CheckIns/tested.sql", ("file", SqlText.Literal(request.ParquetFile))), cancellation);
        duckDb.Lock(request.Folder);
        var report = await QualityRules.RunAsync(duckDb, Rules(request.MostHours), [], DateTimeOffset.UnixEpoch, cancellation);
        if (report.Results.FirstOrDefault(rule => rule.Error is not null) is { } broken)
        {
            throw new InvalidOperationException($"The rule {broken.Name} could not be run: {broken.Error}");
        }

        var failed = report.Results.Where(rule => rule.Count > 0).Select(rule => new FailedRule(rule.Name, rule.Count)).ToList();
        foreach (var rule in failed)
        {
            connection.ExportCsv(Failed(rule.Rule, request.Source), Path.Combine(request.Folder, $"{rule.Rule}.csv"), cancellation);
        }

        connection.ExportParquet(Passed, Path.Combine(request.Folder, PassedFile), cancellation);
        return new(report.Good, report.Quarantined, failed);
    }

    private static string Failed(string rule, string source) =>
        SqlText.Read("CheckIns/failed.sql", ("rule", SqlText.Literal(rule)), ("source", SqlText.Literal(source)));

    /// <summary>A record that is broken fails for that alone; the others, for each of their values.</summary>
    private static IReadOnlyList<QualityRule> Rules(decimal mostHours) =>
    [
        Rule("record_whole", "the record is broken", "fault is not null"),
        Rule("user_present", "no user", "fault is null and \"user\" is null"),
        Rule("project_present", "no project", "fault is null and project is null"),
        Rule(
            "timestamp_read",
            "the timestamp is none of 2018-11-26 14:47:36 UTC, 11/26/2018 02:47 PM and 26 ноября 2018 14:47, the month in the genitive",
            "fault is null and \"timestamp\" is null"),
        Rule("hours_read", "the hours are no number below 1000", "fault is null and hours is null"),
        Rule("hours_in_range", $"the hours are not within 0 and {Number(mostHours)}", $"hours not between 0 and {Number(mostHours)}"),
    ];

    private static QualityRule Rule(string name, string description, string condition) => new()
    {
        Name = name,
        Kind = RuleKind.Sql,
        Description = description,
        Action = RuleAction.Quarantine,
        Query = $"select * from {QualityRules.Table} where {condition}",
    };

    private static string Number(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
