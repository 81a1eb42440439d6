using Workflow.Data.Quality;

namespace Workflow.Data.Tests.Quality;

public sealed class RecordRulesTests
{
    private static readonly RecordRule Positive = new("positive", "NOT_POSITIVE", "The price is positive", record => record.Number("price") > 0 ? null : new($"price is {record["price"]}"));
    private static readonly RecordRule Named = new("named", "NO_NAME", "There is a name", record => record.Text("NAME") is null ? new("no name") : null);

    [Fact]
    public async Task A_record_is_refused_with_the_reason_the_rule_gives()
    {
        using var table = new QualityTable("from (values (1.5, 'a'), (-2.0, ' '), (null, 'b')) v(price, name)");
        var report = await table.RunAsync([Rule("positive"), Rule("named")], [Positive, Named]);

        Assert.Equal([("NOT_POSITIVE", "The price is positive", 2), ("NO_NAME", "There is a name", 1)], report.Results.Select(result => (result.ErrorType, result.Description, (int)result.Count)));
        Assert.Equal(["3|named|no name", "3|positive|price is -2.0", "4|positive|price is "], table.Query("select line, rule, reason from bad_rows order by all"));
    }

    [Theory]
    [InlineData("'9.5'", 0)]
    [InlineData("'10'::varchar", 0)]
    [InlineData("'-1e3'", 1)]
    [InlineData("'abc'", 1)]
    [InlineData("5::hugeint", 0)]
    [InlineData("0.0000001::double", 0)]
    [InlineData("'nan'::double", 1)]
    public async Task Numbers_are_numbers_whatever_the_column_is(string value, long bad)
    {
        using var table = new QualityTable($"select {value} as price");
        Assert.Equal(bad, (await table.RunAsync([Rule("positive")], [Positive])).Quarantined);
    }

    [Fact]
    public async Task A_rule_that_throws_is_an_execution_error_and_the_others_see_every_record()
    {
        using var table = new QualityTable("select range - 5 as price, 'x' as name from range(10)");
        var report = await table.RunAsync(
            [Rule("throws"), Rule("missing"), Rule("positive")],
            [Positive, new("throws", "X", "", record => throw new InvalidOperationException($"at {record["price"]}")), new("missing", "X", "", record => new($"{record["nothing"]}"))]);

        Assert.Equal([RuleVerdict.Crashed, RuleVerdict.Crashed, RuleVerdict.Failed], report.Results.Select(result => result.Verdict));
        Assert.Equal(["at -5", "There is no column 'nothing'; there are price, name."], report.Results.Take(2).Select(result => result.Error));
        Assert.Equal((6, 6), (report.Results[2].Count, report.Quarantined));
    }

    [Fact]
    public async Task A_configured_rule_may_say_what_follows()
    {
        using var table = new QualityTable("select -1 as price");
        var report = await table.RunAsync([Rule("positive") with { Action = RuleAction.Stop, ErrorType = "OURS", Description = "Ours" }], [Positive]);
        Assert.Equal(("OURS", "Ours"), (report.Stop!.ErrorType, report.Stop.Description));
    }

    private static QualityRule Rule(string name) => new() { Name = name, Kind = RuleKind.Record };
}
