using System.Text.Json.Serialization;

namespace Workflow.Data.Quality;

public enum RuleVerdict
{
    /// <summary>Nothing is bad.</summary>
    Passed,

    /// <summary>Some rows are bad, within the threshold; they go on.</summary>
    Tolerated,

    /// <summary>The rule's action is taken.</summary>
    Failed,

    /// <summary>The rule could not be run: <see cref="RuleResult.Error"/>. One whose action is to stop stops.</summary>
    Crashed,
}

/// <summary>What one rule found.</summary>
/// <param name="ErrorType">The rule's, or <see cref="QualityRules.ExecutionError"/>.</param>
/// <param name="Count">Bad rows, each once; 1 for a rule on the table as a whole.</param>
/// <param name="Share">Of the rows, 0 to 1.</param>
public sealed record RuleResult(string Name, string ErrorType, string Description, RuleAction Action, RuleVerdict Verdict, long Count, double Share)
{
    /// <summary>Why the rule could not be run.</summary>
    public string? Error { get; init; }

    /// <summary>What there is to know beyond the count: what a table has instead, or that the rows cannot be told.</summary>
    public string? Note { get; init; }

    /// <summary>Its rows are set aside, in <see cref="QualityRules.BadRows"/>.</summary>
    public bool SetsAside { get; init; }

    [JsonIgnore]
    public bool IsIssue => Verdict is RuleVerdict.Failed or RuleVerdict.Crashed;

    [JsonIgnore]
    public bool Stops => IsIssue && Action == RuleAction.Stop;
}

/// <summary>What the rules found. <c>Rows = Good + Quarantined</c>.</summary>
/// <param name="Rows">Rows that were looked at.</param>
/// <param name="Quarantined">Rows set aside, each once, however many rules refuse it.</param>
/// <param name="Results">One per rule, in the order of the rules.</param>
public sealed record QualityReport(long Rows, long Quarantined, IReadOnlyList<RuleResult> Results)
{
    public long Good => Rows - Quarantined;

    public IEnumerable<RuleResult> Issues => Results.Where(result => result.IsIssue);

    /// <summary>The first rule because of which nothing may go on; null where the good rows may.</summary>
    public RuleResult? Stop => Results.FirstOrDefault(result => result.Stops);
}
