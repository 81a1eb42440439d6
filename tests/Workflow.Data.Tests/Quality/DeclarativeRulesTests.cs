using Workflow.Data.Quality;

namespace Workflow.Data.Tests.Quality;

/// <summary>The rules that are named instead of written, each on values that are good, bad, missing and of another type.</summary>
public sealed class DeclarativeRulesTests
{
    [Fact]
    public async Task Completeness_wants_a_value_in_every_column_it_names()
    {
        using var table = new QualityTable("from (values ('a', 1), ('', 1), ('  ', null), (null, 1)) v(name, id)");
        Assert.Equal(["3: name missing", "4: name, id missing", "5: name missing"], await table.RefusedAsync(Rule(RuleKind.Completeness, "name", "id")));
    }

    [Fact]
    public async Task Uniqueness_refuses_all_rows_that_share_their_values_and_leaves_missing_ones_alone()
    {
        using var table = new QualityTable("from (values (1, 'a'), (2, 'a'), (1, 'a'), (1, null), (1, null)) v(id, part)");
        Assert.Equal(["2: id is '1', part is 'a' in 2 rows", "4: id is '1', part is 'a' in 2 rows"], await table.RefusedAsync(Rule(RuleKind.Uniqueness, "id", "part")));
    }

    [Theory]
    [InlineData("('Books'), ('Food'), (null), ('books')", "3: v is 'Food', not one of Books, Toys|5: v is 'books', not one of Books, Toys", "Books", "Toys")]
    [InlineData("(1.0), (2.5), (3.0), (null)", "3: v is '2.5', not one of 1, 3, x", "1", "3", "x")]
    [InlineData("(1), (2)", "2: v is '1', not one of it's|3: v is '2', not one of it's", "it's")]
    public async Task Allowed_values_are_compared_as_what_the_column_is(string values, string refused, params string[] allowed)
    {
        using var table = new QualityTable($"from (values {values}) v(v)");
        Assert.Equal(refused.Split('|'), await table.RefusedAsync(Rule(RuleKind.AllowedValues, "v") with { Values = allowed }));
    }

    [Theory]
    [InlineData("(9), (10), (100), (101), (null)", "10", "100", "2: v is '9', below 10|5: v is '101', above 100")]
    [InlineData("('9'), ('10'), ('1e2'), ('abc'), ('nan'), ('100.5')", "10", "100", "2: v is '9', below 10|5: v is 'abc', not a number|6: v is 'nan', not a number|7: v is '100.5', above 100")]
    [InlineData("(9007199254740993), (9007199254740992)", null, "9007199254740992", "2: v is '9007199254740993', above 9007199254740992")]
    [InlineData("(0.10), (0.09), (-0.5)", "0.1", null, "3: v is '0.09', below 0.1|4: v is '-0.50', below 0.1")]
    [InlineData("('nan'::double), (5.0::double)", "1", null, "2: v is 'nan', not a number")]
    [InlineData("(date '2024-01-01'), (date '2023-12-31')", "2024-01-01", null, "3: v is '2023-12-31', below 2024-01-01")]
    [InlineData("('2024-01-01'), ('2023-12-31T23:00:00-02:00'), ('2024-01-01T01:00:00+02:00'), ('soon')", "2024-01-01", null, "4: v is '2024-01-01T01:00:00+02:00', below 2024-01-01|5: v is 'soon', not a time")]
    [InlineData("(timestamptz '2024-01-01 01:00:00+02'), (timestamptz '2024-01-01 02:00:00+02')", "2024-01-01T00:00:00Z", null, "2: v is '2023-12-31 23:00:00+00', below 2024-01-01T00:00:00Z")]
    public async Task A_range_compares_numbers_as_numbers_and_times_as_times(string values, string? min, string? max, string refused)
    {
        using var table = new QualityTable($"from (values {values}) v(v)");
        Assert.Equal(refused.Split('|'), await table.RefusedAsync(Rule(RuleKind.Range, "v") with { Min = min, Max = max }));
    }

    [Fact]
    public async Task A_pattern_matches_the_whole_value()
    {
        using var table = new QualityTable("from (values ('AB12'), ('xAB12'), (null), ('AB1')) v(code)");
        Assert.Equal(
            [@"3: code is 'xAB12', which does not match [A-Z]{2}\d+", @"5: code is 'AB1', which does not match [A-Z]{2}\d\d"],
            [.. await table.RefusedAsync(Rule(RuleKind.Pattern, "code") with { Pattern = @"[A-Z]{2}\d+" }), (await table.RefusedAsync(Rule(RuleKind.Pattern, "code") with { Pattern = @"[A-Z]{2}\d\d" }))[^1]]);
    }

    [Fact]
    public async Task A_pattern_that_is_none_crashes()
    {
        using var table = new QualityTable("select 'a' as code");
        Assert.Equal(RuleVerdict.Crashed, (await table.ResultAsync(Rule(RuleKind.Pattern, "code") with { Pattern = "(" })).Verdict);
    }

    [Fact]
    public async Task Referential_looks_the_values_up_in_another_table()
    {
        using var table = new QualityTable(
            "from (values (1, 'a'), (2, 'a'), (null, 'a'), (1, 'b')) v(user_id, part)", "create table users as from (values (1.0, 'a'), (3.0, 'b')) u(id, part)");
        var rule = Rule(RuleKind.Referential, "user_id", "part") with { References = "users", ReferencedColumns = ["id", "part"] };
        Assert.Equal(["3: user_id is '2', part is 'a', not in users", "5: user_id is '1', part is 'b', not in users"], await table.RefusedAsync(rule));
    }

    [Fact]
    public async Task A_number_is_found_among_texts()
    {
        using var table = new QualityTable("from (values (1), (2)) v(id)", "create table users as select '1' as id");
        Assert.Equal(["3: id is '2', not in users"], await table.RefusedAsync(Rule(RuleKind.Referential, "id") with { References = "users" }));
    }

    [Theory]
    [InlineData(RuleKind.RowCount, "1", "3", null)]
    [InlineData(RuleKind.RowCount, "4", null, "3 rows, where at least 4 are wanted")]
    [InlineData(RuleKind.RowCount, null, "2", "3 rows, where at most 2 are wanted")]
    [InlineData(RuleKind.ColumnCount, "2", "2", null)]
    [InlineData(RuleKind.ColumnCount, "3", "5", "2 columns, where 3 to 5 are wanted")]
    public async Task The_rows_and_the_columns_are_counted(RuleKind kind, string? min, string? max, string? fault)
    {
        using var table = new QualityTable("select range as a, range as b from range(3)");
        var report = await table.RunAsync(Rule(kind) with { Min = min, Max = max });
        Assert.Equal((fault, fault is null ? RuleVerdict.Passed : RuleVerdict.Failed, fault is not null), (report.Results[0].Note, report.Results[0].Verdict, report.Stop is not null));
        Assert.Equal(0, report.Quarantined);
    }

    [Theory]
    [InlineData("timestamp '2024-03-03 11:00:00'", "01:00:00", null)]
    [InlineData("timestamp '2024-03-03 10:59:59'", "01:00:00", "the newest updated is 2024-03-03T10:59:59Z, older than 01:00:00")]
    [InlineData("'2024-03-03T13:30:00+02:00'", "00:30:00", null)]
    [InlineData("timestamptz '2024-03-03 13:30:00+02'", "00:29:00", "the newest updated is 2024-03-03T11:30:00Z, older than 00:29:00")]
    [InlineData("date '2024-03-02'", "2.00:00:00", null)]
    [InlineData("'never'", "1.00:00:00", "no updated says how old the data are")]
    public async Task The_newest_value_says_how_fresh_the_data_are(string newest, string maxAge, string? fault)
    {
        using var table = new QualityTable($"from (values ({newest}), (null)) v(updated)");
        var result = await table.ResultAsync(Rule(RuleKind.Freshness, "updated") with { MaxAge = TimeSpan.Parse(maxAge), Action = RuleAction.Warn });
        Assert.Equal((fault, fault is not null), (result.Note, result.IsIssue));
    }

    [Theory]
    [InlineData(RuleKind.Completeness)]
    [InlineData(RuleKind.Freshness)]
    public async Task A_column_that_is_not_there_is_an_execution_error_that_names_those_that_are(RuleKind kind)
    {
        using var table = new QualityTable("select 1 as id, 2 as name");
        var result = await table.ResultAsync(Rule(kind, "no\"body") with { MaxAge = TimeSpan.FromDays(1) });
        Assert.Equal((QualityRules.ExecutionError, "There is no column 'no\"body'; there are id, name."), (result.ErrorType, result.Error));
    }

    [Fact]
    public async Task Names_and_values_of_any_kind_are_only_names_and_values()
    {
        using var table = new QualityTable("select 'x''; drop table temp_data; --' as \"a\"\"b'; --\"");
        var report = await table.RunAsync(
            Rule(RuleKind.AllowedValues, "a\"b'; --") with { Name = "values", Values = ["x'); drop table temp_data; --"] },
            Rule(RuleKind.Pattern, "a\"b'; --") with { Name = "pattern", Pattern = "'; drop" });
        Assert.All(report.Results, result => Assert.Equal((null, 1), (result.Error, result.Count)));
    }

    [Fact]
    public async Task The_kind_gives_the_error_type_where_the_rule_has_none()
    {
        using var table = new QualityTable("select 1 as id");
        Assert.Equal("ALLOWED_VALUES", (await table.ResultAsync(Rule(RuleKind.AllowedValues, "id") with { Values = ["2"] })).ErrorType);
    }

    private static QualityRule Rule(RuleKind kind, params string[] columns) => new() { Name = "rule", Kind = kind, Columns = columns };
}
