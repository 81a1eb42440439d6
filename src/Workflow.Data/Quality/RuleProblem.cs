using System.Text.RegularExpressions;

namespace Workflow.Data.Quality;

/// <summary>A setting of a rule that will not do.</summary>
/// <param name="Rule">The rule's place in its list, from 0.</param>
/// <param name="Setting">The property's name.</param>
/// <param name="Wanted">What would be right: <c>write …</c>.</param>
public sealed partial record RuleProblem(int Rule, string Setting, string? Value, string Wanted)
{
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromDays(1);

    /// <summary>Everything that can be said of the rules before there are data.</summary>
    public static IEnumerable<RuleProblem> Find(IReadOnlyList<QualityRule> rules, IReadOnlyList<RecordRule> records)
    {
        for (var index = 0; index < rules.Count; index++)
        {
            var rule = rules[index];
            foreach (var (setting, value, wanted) in Common(rule, rules.Take(index)).Concat(OfKind(rule, records)))
            {
                yield return new(index, setting, value, wanted);
            }
        }
    }

    private static IEnumerable<(string Setting, string? Value, string Wanted)> Common(QualityRule rule, IEnumerable<QualityRule> before)
    {
        if (rule.Name.Length == 0)
        {
            yield return (nameof(rule.Name), null, "name the rule");
        }
        else if (before.Any(other => other.Name == rule.Name))
        {
            yield return (nameof(rule.Name), rule.Name, "give it a name that no other rule has");
        }

        if (rule.ErrorType is not null && !ErrorTypes().IsMatch(rule.ErrorType))
        {
            yield return (nameof(rule.ErrorType), rule.ErrorType, "write 1 to 60 of A-Z, a-z, 0-9, _ and -: it names a folder");
        }

        if (rule.Threshold is not (>= 0 and < 1))
        {
            yield return (nameof(rule.Threshold), $"{rule.Threshold}", "write the share of rows that may be bad, from 0 to below 1");
        }

        if (rule.Timeout <= TimeSpan.Zero || rule.Timeout > LongestTimeout)
        {
            yield return (nameof(rule.Timeout), $"{rule.Timeout}", $"write a time span up to {LongestTimeout}, for example 00:10:00");
        }

        if (rule is { JudgesRows: false, Action: RuleAction.Quarantine })
        {
            yield return (nameof(rule.Action), $"{rule.Action}", $"write {RuleAction.Warn} or {RuleAction.Stop}: {rule.Kind} judges no single row");
        }
    }

    private static IEnumerable<(string Setting, string? Value, string Wanted)> OfKind(QualityRule rule, IReadOnlyList<RecordRule> records)
    {
        switch (rule.Kind)
        {
            case RuleKind.Sql when string.IsNullOrWhiteSpace(rule.Query):
                yield return (nameof(rule.Query), rule.Query, $"write a query of the bad rows, for example select * from {QualityRules.Table} where user_id is null");
                break;
            case RuleKind.Record when records.All(record => record.Name != rule.Name):
                yield return (nameof(rule.Name), rule.Name, $"name a rule that is registered: {(records.Count == 0 ? "there are none" : string.Join(", ", records.Select(record => record.Name)))}");
                break;
            case RuleKind.AllowedValues when rule.Values.Count == 0:
                yield return (nameof(rule.Values), null, "list the values that are allowed");
                break;
            case RuleKind.Pattern when string.IsNullOrEmpty(rule.Pattern):
                yield return (nameof(rule.Pattern), rule.Pattern, "write a regular expression");
                break;
            case RuleKind.Freshness when rule.MaxAge is null || rule.MaxAge <= TimeSpan.Zero:
                yield return (nameof(rule.MaxAge), $"{rule.MaxAge}", "write how old the newest value may be, for example 1.00:00:00");
                break;
            case RuleKind.Referential when string.IsNullOrEmpty(rule.References):
                yield return (nameof(rule.References), rule.References, "name the table in which the values are found");
                break;
            case RuleKind.Referential when rule.ReferencedColumns.Count > 0 && rule.ReferencedColumns.Count != rule.Columns.Count:
                yield return (nameof(rule.ReferencedColumns), string.Join(", ", rule.ReferencedColumns), "write as many columns as in Columns");
                break;
        }

        if (rule.Kind is RuleKind.Range or RuleKind.RowCount or RuleKind.ColumnCount)
        {
            foreach (var problem in Bounds(rule))
            {
                yield return problem;
            }
        }

        var (least, most) = rule.Kind switch
        {
            RuleKind.Completeness or RuleKind.Uniqueness or RuleKind.Referential => (1, int.MaxValue),
            RuleKind.AllowedValues or RuleKind.Range or RuleKind.Pattern or RuleKind.Freshness => (1, 1),
            _ => (0, int.MaxValue),
        };
        if (rule.Columns.Count < least || rule.Columns.Count > most)
        {
            yield return (nameof(rule.Columns), rule.Columns.Count == 0 ? null : string.Join(", ", rule.Columns), most == 1 ? "name one column" : "name the columns");
        }
    }

    private static IEnumerable<(string Setting, string? Value, string Wanted)> Bounds(QualityRule rule)
    {
        if (rule.Min is null && rule.Max is null)
        {
            yield return (nameof(rule.Min), null, $"write {nameof(rule.Min)}, {nameof(rule.Max)}, or both");
        }

        foreach (var (setting, text) in new[] { (nameof(rule.Min), rule.Min), (nameof(rule.Max), rule.Max) })
        {
            if (text is not null && Bound.Read(text) is var bound && (rule.Kind == RuleKind.Range ? bound is null : bound is not Bound.Number { IsWhole: true }))
            {
                yield return (setting, text, rule.Kind == RuleKind.Range ? "write a number, a date or a timestamp" : "write a whole number");
            }
        }

        if (rule is { Kind: RuleKind.Range, Min: { } min, Max: { } max } && Bound.Read(min) is { } low && Bound.Read(max) is { } high && low.GetType() != high.GetType())
        {
            yield return (nameof(rule.Max), max, $"write two numbers or two times: {nameof(rule.Min)} is {min}");
        }
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,60}$")]
    private static partial Regex ErrorTypes();
}
