using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.Quality;

namespace Workflow.Data.Tests.Quality;

public sealed class QualityPropertyTests
{
    private static readonly Gen<(int? A, string? B)> Row =
        from a in Gen.Frequency((1, Gen.Constant<int?>(null)), (4, Gen.Choose(-3, 3).Select(number => (int?)number)))
        from b in Gen.Elements(null, "", "x", "y", "2", "-1.5", "1e1")
        select (a, b);

    private static readonly Gen<(RuleAction Action, double Threshold)> Follow =
        from action in Gen.Elements(RuleAction.Warn, RuleAction.Quarantine, RuleAction.Stop)
        from threshold in Gen.Elements(0, 0.1, 0.25, 0.5, 0.9)
        select (action, threshold);

    /// <summary>Rules with a plain computation of the rows each finds bad.</summary>
    private static readonly (QualityRule Rule, Func<(int? A, string? B), IReadOnlyList<(int? A, string? B)>, bool> IsBad)[] Rules =
    [
        (new() { Name = "sql", Query = "select * from temp_data where a < 0", ErrorType = "E" }, (row, _) => row.A < 0),
        (new() { Name = "complete", Kind = RuleKind.Completeness, Columns = ["a", "b"] }, (row, _) => row.A is null || string.IsNullOrEmpty(row.B)),
        (new() { Name = "unique", Kind = RuleKind.Uniqueness, Columns = ["a", "b"] }, (row, all) => row is { A: not null, B: not null } && all.Count(row.Equals) > 1),
        (new() { Name = "values", Kind = RuleKind.AllowedValues, Columns = ["b"], Values = ["x", "2"] }, (row, _) => row.B is not (null or "x" or "2")),
        (new() { Name = "range", Kind = RuleKind.Range, Columns = ["b"], Min = "-1", Max = "9" }, (row, _) => row.B is not (null or "2")),
        (new() { Name = "pattern", Kind = RuleKind.Pattern, Columns = ["b"], Pattern = "[a-z]" }, (row, _) => row.B is not (null or "x" or "y")),
        (new() { Name = "record", Kind = RuleKind.Record }, (row, _) => row.A % 2 != 0 && row.A is not null),
    ];

    private static readonly RecordRule Even = new("record", "ODD", "Even", record => record["a"] is int a && a % 2 != 0 ? new("odd") : null);

    [Fact]
    public void Counts_verdicts_and_the_balance_are_those_of_a_plain_computation() => Prop.ForAll(
        Row.ListOf().ToArbitrary(), Follow.ListOf(Rules.Length).ToArbitrary(), (rows, follow) =>
        {
            using var table = new QualityTable(Query(rows));
            var rules = Rules.Select((rule, index) => rule.Rule with { Action = follow[index].Action, Threshold = follow[index].Threshold }).ToList();
            var report = Task.Run(() => table.RunAsync(rules, [Even])).GetAwaiter().GetResult();

            var refused = new HashSet<int>();
            for (var index = 0; index < rules.Count; index++)
            {
                var bad = Enumerable.Range(0, rows.Count).Where(row => Rules[index].IsBad(rows[row], rows)).ToList();
                var fails = bad.Count > 0 && (double)bad.Count / rows.Count > rules[index].Threshold;
                Assert.Equal(
                    (rules[index].Name, bad.Count, bad.Count == 0 ? RuleVerdict.Passed : fails ? RuleVerdict.Failed : RuleVerdict.Tolerated),
                    (report.Results[index].Name, (int)report.Results[index].Count, report.Results[index].Verdict));
                refused.UnionWith(fails && rules[index].Action != RuleAction.Warn ? bad : []);
            }

            Assert.Equal((rows.Count, refused.Count, rows.Count - refused.Count), (report.Rows, report.Quarantined, report.Good));
            Assert.Equal(refused.Order().Select(row => $"{row + 2}"), table.Query("select distinct line from bad_rows order by line"));
            Assert.Equal(Enumerable.Range(0, rows.Count).Except(refused).Order().Select(row => $"{row + 2}"), table.Query("select _row from good_rows order by _row"));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    private static string Query(List<(int? A, string? B)> rows) => rows.Count == 0
        ? "select 1 as a, 'x' as b where false"
        : $"from (values {string.Join(", ", rows.Select(row => $"({row.A?.ToString() ?? "null"}::integer, {(row.B is null ? "null" : $"'{row.B}'")}::varchar)"))}) v(a, b)";
}
