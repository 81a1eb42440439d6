using System.Globalization;
using System.Text.Json;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Data.Quality;

namespace Workflow.App.Pipelines.QualityGate;

/// <summary>What good rows are written as.</summary>
internal enum GateFormat
{
    Csv,
    Parquet,
}

/// <summary>What to check by which rules, and where rows go; see docs/pipelines/quality-gate.md.</summary>
internal sealed record QualityGateInput : PipelineInput
{
    private const string Example = "local://quality/good/";

    /// <summary>Where good rows go: a prefix (ending in <c>/</c>) under which each object keeps its key, or one object that each run replaces.</summary>
    public string Output { get; init; } = "";

    public GateFormat Format { get; init; }

    /// <summary>The prefix under which bad rows go to <c>{error type}/{time}/</c>; null is <c>error/</c> in the bucket of the object.</summary>
    public string? ErrorPrefix { get; init; }

    /// <summary>The rules; none here nor in <see cref="RulesFile"/> are those of <see cref="GateRules"/>.</summary>
    public IReadOnlyList<QualityRule> Rules { get; init; } = [];

    /// <summary>A JSON object with more rules: <c>{"Rules": […]}</c>. Read by each run.</summary>
    public string? RulesFile { get; init; }

    /// <summary>Files that rules may refer to as tables.</summary>
    public IReadOnlyList<ReferenceTable> References { get; init; } = [];

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckAddress(nameof(Output), Output, Example, key, errors);
        Inputs.CheckAddress(nameof(RulesFile), RulesFile, "local://quality/rules.json", key, errors);
        Inputs.CheckAddress(nameof(ErrorPrefix), ErrorPrefix, "local://quality/error/", key, errors);
        if (ErrorPrefix is not null && !ErrorPrefix.EndsWith('/'))
        {
            errors.Add(key(nameof(ErrorPrefix)), ErrorPrefix, "write a prefix, ending in /");
        }

        if (ObjectAddress.TryParse(Object, out var read) && read.Name.Length == 0)
        {
            errors.Add(key(nameof(Object)), Object, "name one object; a trigger starts a run for each under a prefix");
        }

        foreach (var (index, reference) in References.Index())
        {
            reference.Check(name => key($"{nameof(References)}:{index}:{name}"), References.Take(index), errors);
        }

        foreach (var problem in GateRules.Problems(Rules))
        {
            errors.Add(key($"{nameof(Rules)}:{problem.Rule}:{problem.Setting}"), problem.Value, problem.Wanted);
        }
    }
}

/// <summary>A file as a table that rules may refer to.</summary>
internal sealed record ReferenceTable
{
    public string Name { get; init; } = "";

    public string? Object { get; init; }

    public void Check(Func<string, string> key, IEnumerable<ReferenceTable> before, SettingErrors errors)
    {
        Inputs.CheckName(nameof(Name), Name, "the table as rules call it", key, errors);
        Inputs.CheckAddress(nameof(Object), Object ?? "", "local://quality/references/users.csv", key, errors);
        if (Name.StartsWith(QualityRules.Table, StringComparison.OrdinalIgnoreCase) || before.Any(other => other.Name.Equals(Name, StringComparison.OrdinalIgnoreCase)))
        {
            errors.Add(key(nameof(Name)), Name, "give it a name of its own");
        }
    }
}

/// <summary>What was found, and where the rows are.</summary>
internal sealed record QualityGateResult : PipelineResult
{
    public IReadOnlyList<RuleResult> Rules { get; init; } = [];

    /// <summary>Where bad rows are, by error type.</summary>
    public IReadOnlyDictionary<string, string> Errors { get; init; } = new Dictionary<string, string>();

    /// <summary>Why the object could not be read, or not as records; nothing else is known then.</summary>
    public string? Unreadable { get; init; }

    public IEnumerable<RuleResult> Issues() => Rules.Where(rule => rule.IsIssue);

    /// <summary>Why nothing was published; null where the good rows were.</summary>
    public string? Refusal() =>
        Unreadable ?? (Rules.FirstOrDefault(rule => rule.Stops) is { } stop ? $"The rule '{stop.Name}' stopped it before anything was published: {stop.Told()}." : null);
}

/// <summary>The message about what a check found.</summary>
internal static class QualityAlert
{
    // SNS takes less than 100 characters.
    private const int LongestSubject = 99;
    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <returns>Null where there is nothing to warn of.</returns>
    public static RunMessage? Of(string job, string input, DateTime time, QualityGateResult found)
    {
        if (found.Unreadable is { } unreadable)
        {
            return Compose($"CRITICAL DQ ERROR: {job}: {unreadable}", $"CRITICAL DQ ERROR: {job} cannot read {input}: {unreadable}", job, input, time, [new("unreadable_input", "UNREADABLE_INPUT", unreadable, 0, null, input)]);
        }

        var issues = found.Issues().Select(issue => new Entry(issue.Name, issue.ErrorType, issue.Told(), issue.Count, issue.SetsAside ? found.Errors.GetValueOrDefault(issue.ErrorType) : null, input)).ToList();
        if (issues.Count == 0)
        {
            return null;
        }

        var subject = Subject(job, $" - {issues.Count} Issues Found");
        var lines = issues.Select(issue => $"{issue.ErrorType} by {issue.RuleName}: {issue.Count}, {issue.Description}{(issue.ErrorPath is null ? "" : $" ({issue.ErrorPath})")}");
        var end = found.Refusal() ?? (found.Written is null ? "There is no record to go on." : $"{found.Loaded} of {found.RowsIn} rows went on to {found.Written}, {found.Quarantined} were set aside.");
        return Compose(subject, $"{subject} in {input}. {end}\n{string.Join('\n', lines)}", job, input, time, issues);
    }

    /// <summary>What a rule found, in words: its description, and what went wrong with it or is to be known beyond it.</summary>
    public static string Told(this RuleResult rule) => string.Join(". ", new[] { rule.Description, rule.Error, rule.Note }.Where(text => !string.IsNullOrEmpty(text)));

    /// <summary>Too long, it is the name that is cut, and not what was found.</summary>
    private static string Subject(string job, string found)
    {
        const string begin = "Data Quality Alert for ", cut = "...";
        var room = LongestSubject - begin.Length - found.Length;
        return $"{begin}{(job.Length <= room ? job : job[..(room - cut.Length)] + cut)}{found}";
    }

    private static RunMessage Compose(string subject, string text, string job, string input, DateTime time, IReadOnlyList<Entry> errors) =>
        new(subject, text, JsonSerializer.Serialize(new Alert(job, input, time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture), errors.Count, errors), Snake));

    private sealed record Alert(string JobName, string InputPath, string Timestamp, int TotalErrors, IReadOnlyList<Entry> Errors);

    private sealed record Entry(string RuleName, string ErrorType, string Description, long Count, string? ErrorPath, string SourceFile);
}
