using Workflow.Data.Quality;

namespace Workflow.Data.Tests.Quality;

public sealed class RuleProblemTests
{
    private static readonly QualityRule Good = new() { Name = "good", Kind = RuleKind.Completeness, Columns = ["a"] };

    public static TheoryData<QualityRule, string> Wrong => new()
    {
        { Good with { Name = "" }, "Name" },
        { Good with { Name = "first" }, "Name" },
        { Good with { ErrorType = "../up" }, "ErrorType" },
        { Good with { ErrorType = "" }, "ErrorType" },
        { Good with { Threshold = 1 }, "Threshold" },
        { Good with { Threshold = -0.1 }, "Threshold" },
        { Good with { Threshold = double.NaN }, "Threshold" },
        { Good with { Timeout = TimeSpan.Zero }, "Timeout" },
        { Good with { Timeout = TimeSpan.FromDays(30) }, "Timeout" },
        { Good with { Columns = [] }, "Columns" },
        { Good with { Kind = RuleKind.Sql, Query = " " }, "Query" },
        { Good with { Kind = RuleKind.Record }, "Name" },
        { Good with { Kind = RuleKind.AllowedValues }, "Values" },
        { Good with { Kind = RuleKind.Pattern }, "Pattern" },
        { Good with { Kind = RuleKind.Pattern, Pattern = "x", Columns = ["a", "b"] }, "Columns" },
        { Good with { Kind = RuleKind.Range }, "Min" },
        { Good with { Kind = RuleKind.Range, Min = "low" }, "Min" },
        { Good with { Kind = RuleKind.Range, Min = "1", Max = "2024-01-01" }, "Max" },
        { Good with { Kind = RuleKind.RowCount, Max = "1.5" }, "Max" },
        { Good with { Kind = RuleKind.RowCount, Min = "1", Action = RuleAction.Quarantine }, "Action" },
        { Good with { Kind = RuleKind.Freshness }, "MaxAge" },
        { Good with { Kind = RuleKind.Referential }, "References" },
        { Good with { Kind = RuleKind.Referential, References = "t", ReferencedColumns = ["a", "b"] }, "ReferencedColumns" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_rule_that_will_not_do_is_told_by_its_setting(QualityRule rule, string setting)
    {
        var problem = Assert.Single(RuleProblem.Find([Good with { Name = "first" }, rule], []));
        Assert.Equal((1, setting), (problem.Rule, problem.Setting));
    }

    [Fact]
    public void Rules_that_will_do_have_no_problem() => Assert.Empty(RuleProblem.Find(
        [Good, new() { Name = "rows", Kind = RuleKind.RowCount, Min = "1" }, new() { Name = "range", Kind = RuleKind.Range, Columns = ["a"], Min = "2024-01-01", Max = "2024-02-01T00:00:00Z" }], []));
}
