using Workflow.Data.Clustering;
using Workflow.Data.DuckDb;

namespace Workflow.Data.Tests.Clustering;

public sealed class FeatureRulesTests : IDisposable
{
    private static readonly DateOnly AsOf = new(2026, 3, 1);
    private static readonly Feature[] Columns = [new("age", FeatureKind.Number), new("seen", FeatureKind.DaysBefore), new("kind", FeatureKind.Category)];

    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new() { Threads = 1 });
    private readonly DuckDbConnection _connection;

    public FeatureRulesTests() => _connection = _database.Connect();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Fact]
    public void Numbers_and_dates_are_scaled_and_their_gaps_filled()
    {
        var table = Create("(10, date '2026-02-27', null), (30, date '2026-02-19', null), (null, null, null)");

        var rules = table.MakeRules(Columns, Scaling.Standard, Cancellation);

        Assert.Equal([new NumberRule("age", Scaling.Standard, 20, 10, 20), new DaysBeforeRule("seen", Scaling.Standard, 6, 4, 6)], rules.Rules.Take(2));
        Assert.Equal([[-1.0, -1.0], [1.0, 1.0], [0.0, 0.0]], Rows(table, rules));
    }

    [Fact]
    public void Min_max_scaling_goes_from_0_to_1()
    {
        var table = Create("(10, date '2026-02-27', null), (30, date '2026-02-19', null), (15, date '2026-02-21', null)");

        Assert.Equal([[0.0, 0.0], [1.0, 1.0], [0.25, 0.75]], Rows(table, table.MakeRules(Columns, Scaling.MinMax, Cancellation)));
    }

    [Fact]
    public void A_constant_or_empty_column_is_0_everywhere()
    {
        var table = Create("(7, null, null), (7, null, null)");

        Assert.All([Scaling.Standard, Scaling.MinMax], scaling => Assert.Equal([[0.0, 0.0], [0.0, 0.0]], Rows(table, table.MakeRules(Columns, scaling, Cancellation))));
    }

    [Fact]
    public void Categories_are_told_apart_whatever_their_case_and_one_that_was_not_seen_is_none_of_them()
    {
        var rules = Create("(1, null, 'Books'), (1, null, ' books '), (1, null, 'it''s'), (1, null, ''), (1, null, null)").MakeRules(Columns, Scaling.Standard, Cancellation);
        Assert.Equal(["age", "seen", "kind=books", "kind=it's"], rules.Features);

        var later = Create("(1, null, 'BOOKS'), (1, null, 'it''s'), (1, null, 'Toys'), (1, null, null)");

        Assert.Equal([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], Rows(later, rules));
        Assert.Equal(new Dictionary<string, long> { ["kind"] = 1 }, later.CountUnseen(rules, Cancellation));
    }

    [Fact]
    public void Where_no_category_was_seen_all_that_come_later_are_unseen()
    {
        var rules = Create("(1, null, null)").MakeRules(Columns, Scaling.Standard, Cancellation);

        Assert.Equal(new Dictionary<string, long> { ["kind"] = 1 }, Create("(1, null, 'Toys'), (1, null, null)").CountUnseen(rules, Cancellation));
    }

    [Fact]
    public void Rules_read_back_as_they_were_and_have_the_version_of_their_content()
    {
        var rules = Create("(1, date '2026-01-01', 'Bücher'), (4, null, 'x')").MakeRules(Columns, Scaling.Standard, Cancellation);

        var read = FeatureRules.Parse(rules.ToJson());

        Assert.Equal(rules.ToJson(), read.ToJson());
        Assert.Equal(rules.Version, read.Version);
        Assert.NotEqual(rules.Version, Create("(1, date '2026-01-01', 'Bücher'), (5, null, 'x')").MakeRules(Columns, Scaling.Standard, Cancellation).Version);
    }

    [Fact]
    public void A_model_refuses_other_rules_than_its_own_and_names_both()
    {
        var (own, others) = (new FeatureRules([new CategoryRule("a", ["x"])]), new FeatureRules([new CategoryRule("a", ["y"])]));
        var model = SegmentModel.Parse(new SegmentModel
        {
            FeatureRules = own.Version,
            Features = own.Features,
            Centroids = [[0.5], [1]],
            Rows = 2,
            Clusters = 2,
            Inertia = 0,
            Silhouette = new(1, 2, false),
        }.ToJson());

        model.CheckRules(own);
        var refused = Assert.Throws<BadInputException>(() => model.CheckRules(others));

        Assert.Contains(own.Version, refused.Message, StringComparison.Ordinal);
        Assert.Contains(others.Version, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""[{"kind":"astrology","column":"x"}]""")]
    public void What_is_no_rules_is_refused(string json) => Assert.Throws<BadInputException>(() => FeatureRules.Parse(json));

    private FeatureTable Create(string rows)
    {
        _connection.Execute($"create or replace table people as select age::double as age, seen::date as seen, kind::varchar as kind from (values {rows}) t(age, seen, kind)", Cancellation);
        return new(_connection, "people", AsOf);
    }

    private List<object?[]> Rows(FeatureTable table, FeatureRules rules)
    {
        using var result = _connection.Query($"select {table.Select(rules)} from people", Cancellation);
        return [.. result.Rows(Cancellation)];
    }
}
