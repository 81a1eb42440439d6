using System.Text.Json;
using Workflow.App.Configuration;
using Workflow.App.Pipelines.QuadraticPrimes;
using Workflow.App.Tests.Faults;
using Workflow.Data.Primes;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>quadratic-primes: the search spread over activities.</summary>
public sealed class QuadraticPrimesTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task The_best_formula_is_found_over_any_number_of_activities(int activities)
    {
        await using var installation = await Installation.CreateAsync(postgres);
        await installation.With("primes", "quadratic-primes", new { activities, slack = "local:etl" }).StartServiceAsync();

        var run = await installation.RunAsync("primes", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        AssertBest(run.Output!.Value, activities);
        var history = await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.Equal(activities, history.Count(entry => entry is { Type: "TaskScheduled", Name: "SearchRange" }));
        Assert.EndsWith("n² + -61n + 971 gives 71 primes in a row; a·b is -59231.", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_the_same_when_it_is_killed_after_each_activity()
    {
        await using var installation = await Installation.CreateAsync(postgres);

        var killed = await KilledRun.CompleteAsync(installation.With("primes", "quadratic-primes", new { activities = 2 }), "primes", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Equal(["activity:SearchRange", "activity:SearchRange"], killed.Kills.Select(kill => kill.Split(' ')[1]));
        AssertBest(killed.Run.Output!.Value, activities: 2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(64)]
    public void The_ranges_cover_every_a_once(int activities)
    {
        var ranges = new QuadraticPrimesInput { Activities = activities }.Ranges();

        Assert.Equal(activities, ranges.Count);
        Assert.Equal(Enumerable.Range(-999, 1999), ranges.SelectMany(range => Enumerable.Range(range.From, range.To - range.From + 1)));
        Assert.InRange(ranges.Max(Width) - ranges.Min(Width), 0, 1);

        static int Width(RangeOfA range) => range.To - range.From;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(65)]
    public void The_fan_out_is_bounded(int activities)
    {
        var errors = new SettingErrors();
        new QuadraticPrimesInput { Activities = activities }.Check(name => name, errors);

        Assert.Equal("Activities", Assert.Single(errors.All).Key);
    }

    private static void AssertBest(JsonElement output, int activities)
    {
        var result = output.Deserialize<QuadraticPrimesResult>(JsonSerializerOptions.Web)!;
        Assert.Equal((-61, 971, -59_231, 71), (result.A, result.B, result.Product, result.Count));
        Assert.Equal(71, result.Primes.Count);
        Assert.Equal([971, 911, 853], result.Primes.Take(3));
        Assert.Equal(3_999_999, result.Candidates);
        Assert.Equal(activities, result.FanOut.Count);
        Assert.Contains(new QuadraticFormula(-61, 971, 71), result.FanOut.Select(range => range.Best));
        Assert.Equal((0, 0), (result.RowsIn, result.Loaded));
    }
}
