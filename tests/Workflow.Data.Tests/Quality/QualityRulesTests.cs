using Workflow.Data.Quality;

namespace Workflow.Data.Tests.Quality;

/// <summary>What becomes of rows and rules, whatever their kind.</summary>
public sealed class QualityRulesTests : IDisposable
{
    private const string Orders = """
        select * from (values
            (1, 'a@example.com', 'o1', 5.0), (null, 'b@example.com', 'o2', 1.0), (3, 'nobody', 'o3', 2.0), (null, 'neither', 'o3', 3.0)
        ) orders(user_id, email, order_id, price)
        """;

    private static readonly QualityRule NullUser = new() { Name = "null_user", ErrorType = "NULL_USER", Description = "No user", Query = "select * from temp_data where user_id is null" };
    private static readonly QualityRule BadEmail = new() { Name = "bad_email", ErrorType = "BAD_EMAIL", Description = "No e-mail", Query = "select * from temp_data where email not like '%@%'" };

    private readonly QualityTable _table = new(Orders);

    public void Dispose() => _table.Dispose();

    [Fact]
    public async Task Bad_rows_are_set_aside_with_rule_reason_and_line_and_the_others_go_on()
    {
        var report = await _table.RunAsync(NullUser);

        Assert.Equal((4, 2, 2), (report.Rows, report.Quarantined, report.Good));
        Assert.Equal(
            new RuleResult("null_user", "NULL_USER", "No user", RuleAction.Quarantine, RuleVerdict.Failed, 2, 0.5) { SetsAside = true },
            Assert.Single(report.Results));
        Assert.Equal(["NULL_USER|null_user|No user|3|∅|b@example.com|o2|1.0", "NULL_USER|null_user|No user|5|∅|neither|o3|3.0"], _table.Query("from bad_rows order by line"));
        Assert.Equal(["2|1|a@example.com|o1|5.0", "4|3|nobody|o3|2.0"], _table.Query("from good_rows order by _row"));
    }

    [Fact]
    public async Task A_row_that_several_rules_refuse_is_counted_once_and_told_by_each()
    {
        var report = await _table.RunAsync(NullUser, BadEmail);

        Assert.Equal((4, 3, 1), (report.Rows, report.Quarantined, report.Good));
        Assert.Equal([2, 2], report.Results.Select(result => result.Count));
        Assert.Equal(["3|null_user", "4|bad_email", "5|bad_email", "5|null_user"], _table.Query("select line, rule from bad_rows order by all"));
        Assert.Equal(["2"], _table.Query("select _row from good_rows"));
    }

    [Fact]
    public async Task A_rule_that_finds_nothing_passes()
    {
        var result = await _table.ResultAsync(NullUser with { Query = "select * from temp_data where price < 0" });
        Assert.Equal((RuleVerdict.Passed, 0, 0.0, false), (result.Verdict, result.Count, result.Share, result.IsIssue));
        Assert.Empty(_table.Query("from bad_rows"));
    }

    [Theory]
    [InlineData(0.5, RuleVerdict.Tolerated, 0)]
    [InlineData(0.49, RuleVerdict.Failed, 2)]
    public async Task As_long_as_the_share_of_bad_rows_is_within_the_threshold_they_go_on(double threshold, RuleVerdict verdict, long quarantined)
    {
        var report = await _table.RunAsync(NullUser with { Threshold = threshold });
        Assert.Equal((verdict, 2, 0.5), (report.Results[0].Verdict, report.Results[0].Count, report.Results[0].Share));
        Assert.Equal(quarantined, report.Quarantined);
    }

    [Fact]
    public async Task A_rule_that_warns_reports_and_lets_its_rows_go_on()
    {
        var report = await _table.RunAsync(NullUser with { Action = RuleAction.Warn });
        Assert.Equal((RuleVerdict.Failed, 2), (report.Results[0].Verdict, report.Results[0].Count));
        Assert.Equal((0, 4), (report.Quarantined, report.Good));
        Assert.Null(report.Stop);
    }

    [Fact]
    public async Task A_rule_that_stops_says_so_and_its_rows_are_there_to_be_looked_at()
    {
        var report = await _table.RunAsync(BadEmail, NullUser with { Action = RuleAction.Stop });
        Assert.Equal("null_user", report.Stop!.Name);
        Assert.Equal(2, _table.Query("from bad_rows where rule = 'null_user'").Count);
    }

    [Fact]
    public async Task A_rule_that_crashes_is_an_execution_error_and_the_others_still_run()
    {
        var report = await _table.RunAsync(NullUser with { Name = "broken", Query = "select * from temp_data where no_such_column > 1" }, NullUser);

        Assert.Equal((RuleVerdict.Crashed, QualityRules.ExecutionError, 0), (report.Results[0].Verdict, report.Results[0].ErrorType, report.Results[0].Count));
        Assert.Contains("no_such_column", report.Results[0].Error, StringComparison.Ordinal);
        Assert.Equal(2, report.Results[1].Count);
        Assert.Null(report.Stop);
    }

    [Fact]
    public async Task A_rule_that_crashes_half_way_sets_no_row_aside()
    {
        using var table = new QualityTable("select case when range = 199999 then 'x' else range::varchar end as n from range(200000)");
        var report = await table.RunAsync(NullUser with { Query = "select * from temp_data where cast(n as integer) >= 0" });
        Assert.Equal((RuleVerdict.Crashed, 0), (report.Results[0].Verdict, report.Quarantined));
        Assert.Empty(table.Query("from bad_rows"));
    }

    [Theory]
    [InlineData("select t.* from temp_data t, range(1000000000000) r where r.range < 0")]
    [InlineData("select r.range from range(1000000000000) r")]
    public async Task A_rule_that_does_not_end_is_stopped_and_the_others_still_run(string query)
    {
        var report = await _table.RunAsync(NullUser with { Name = "endless", Query = query, Timeout = TimeSpan.FromMilliseconds(200) }, NullUser);
        Assert.Equal((RuleVerdict.Crashed, QualityRules.ExecutionError), (report.Results[0].Verdict, report.Results[0].ErrorType));
        Assert.Contains("still running after 00:00:00.2", report.Results[0].Error, StringComparison.Ordinal);
        Assert.Equal((2, 2), (report.Results[1].Count, report.Quarantined));
    }

    [Fact]
    public async Task A_join_without_its_condition_fills_no_disk()
    {
        var result = await _table.ResultAsync(NullUser with { Query = "select t.* from temp_data t, range(1000000000000) r" });
        Assert.Equal(RuleVerdict.Crashed, result.Verdict);
        Assert.Contains("more than 100 rows for each row", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stopping_rule_that_crashes_stops()
    {
        var report = await _table.RunAsync(NullUser with { Query = "select * from nowhere", Action = RuleAction.Stop });
        Assert.Equal("null_user", report.Stop!.Name);
    }

    [Theory]
    [InlineData("select order_id, count(*) from temp_data group by order_id having count(*) > 1", 1)]
    [InlineData("select email from temp_data where user_id is null", 2)]
    public async Task A_query_that_does_not_tell_its_rows_is_counted_and_sets_none_aside(string query, long count)
    {
        var report = await _table.RunAsync(NullUser with { Query = query });
        Assert.Equal((RuleVerdict.Failed, count, false), (report.Results[0].Verdict, report.Results[0].Count, report.Results[0].SetsAside));
        Assert.Contains("_row", report.Results[0].Note, StringComparison.Ordinal);
        Assert.Equal(4, report.Good);
    }

    [Theory]
    [InlineData("select a.* from temp_data a join temp_data b on a.order_id = b.order_id and a._row <> b._row")]
    [InlineData("select * from temp_data a join temp_data b using (order_id) where a._row <> b._row")]
    [InlineData("select * from temp_data qualify count(*) over (partition by order_id) > 1;")]
    [InlineData("-- twice\nwith twice as (select order_id from temp_data group by all having count(*) > 1)\nselect * from temp_data where order_id in (from twice) -- that is all")]
    [InlineData("select _row from temp_data where order_id = 'o3' union all select _row from temp_data where order_id = 'o3' union all select 77777 union all select null")]
    public async Task However_a_query_brings_the_row_along_each_bad_row_is_found_once(string query)
    {
        var report = await _table.RunAsync(NullUser with { Query = query });
        Assert.Equal((2, 2), (report.Results[0].Count, report.Quarantined));
        Assert.Equal(["4", "5"], _table.Query("select line from bad_rows order by line"));
    }

    [Fact]
    public async Task Data_whose_columns_are_called_like_those_of_the_bad_rows_are_kept_apart()
    {
        using var table = new QualityTable("select 'r' as rule, 'x' as reason, 1 as line, 'e' as error_type, 2 as \"row\"");
        await table.RunAsync(NullUser with { Query = "select * from temp_data" });
        Assert.Equal(["NULL_USER|null_user|No user|2|r|x|1|e|2"], table.Query("from bad_rows"));
    }

    [Fact]
    public async Task Without_rows_every_rule_on_rows_passes()
    {
        using var table = new QualityTable("select 1 as user_id where false");
        var report = await table.RunAsync(NullUser, new() { Name = "complete", Kind = RuleKind.Completeness, Columns = ["user_id"] });
        Assert.All(report.Results, result => Assert.Equal(RuleVerdict.Passed, result.Verdict));
        Assert.Equal((0, 0), (report.Rows, report.Good));
    }

    [Fact]
    public async Task Rules_run_again_give_the_same_again()
    {
        var first = await _table.RunAsync(NullUser, BadEmail);
        var second = await _table.RunAsync(NullUser, BadEmail);
        Assert.Equal(first.Results, second.Results);
        Assert.Equal(4, _table.Query("from bad_rows").Count);
    }

    [Fact]
    public async Task A_database_that_is_not_locked_is_refused()
    {
        using var open = Workflow.Data.DuckDb.DuckDbDatabase.Open(new());
        await Assert.ThrowsAsync<InvalidOperationException>(() => QualityRules.RunAsync(open, [NullUser], [], QualityTable.Now, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_cancelled_token_stops_the_rules() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => QualityRules.RunAsync(_table.Database, [NullUser], [], QualityTable.Now, new(canceled: true)));
}
