using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Api;

public sealed class SchedulesApiTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Schedules_are_listed_with_their_next_five_ticks_and_paused_and_resumed()
    {
        await using var installation = await (await PrepareAsync()).StartServiceAsync();

        var listed = await FindAsync();
        Assert.Equal(("30 2 * * *", "Europe/Berlin", "Skip", "Last"), (listed.Schedule, listed.TimeZone, $"{listed.Overlap}", $"{listed.CatchUp}"));
        Assert.Equal(5, listed.Next.Count);
        Assert.All(listed.Next.Zip(listed.Next.Skip(1)), pair => Assert.InRange((pair.Second - pair.First).TotalHours, 23, 25));

        var paused = await installation.Client.SteerScheduleAsync("primes", "pause", "closing", Cancellation);
        Assert.Equal("closing", paused.Paused!.Reason);
        Assert.NotEmpty(paused.Paused.By);
        Assert.Equal(paused.Paused, (await FindAsync()).Paused);
        Assert.Equal(paused.Paused, (await installation.Client.SteerScheduleAsync("primes", "pause", "again", Cancellation)).Paused);

        Assert.Null((await installation.Client.SteerScheduleAsync("primes", "resume", null, Cancellation)).Paused);
        Assert.Null((await FindAsync()).Paused);

        async Task<ScheduleView> FindAsync() => (await installation.Client.SchedulesAsync(Cancellation)).Single(schedule => schedule.Pipeline == "primes");
    }

    [Fact]
    public async Task A_backfill_runs_each_tick_of_a_span_once_and_tells_it_which_it_is()
    {
        await using var installation = await (await PrepareAsync()).StartServiceAsync();
        string[] ticks = ["2025-03-29T01:30:00Z", "2025-03-30T01:00:00Z", "2025-03-31T00:30:00Z"];

        var backfill = await installation.Client.BackfillAsync("primes", "2025-03-29", "2025-03-31", parallel: 3, Cancellation);
        var ended = await installation.Client.WaitAsync(backfill.Instance, Cancellation);

        Assert.Equal("backfill", ended.Pipeline);
        Assert.Equal((3, 3, 0), (Count("ticks"), Count("completed"), Count("failed")));
        var page = await installation.Client.TicksAsync("primes", "2025-03-29", "2025-03-31", Cancellation);
        Assert.Equal(ticks.Select(Time), page.Ticks.Select(tick => tick.At));
        Assert.All(page.Ticks, tick => Assert.Equal(OrchestrationRuntimeStatus.Completed, tick.Status));
        var run = await installation.Client.GetAsync("primes-20250330T010000Z", Cancellation);
        Assert.Equal(Time(ticks[1]), run.Input!.Value.GetProperty("scheduledFor").GetDateTimeOffset());

        // Asked for again, and over more, what was run stays as it was.
        await installation.Client.WaitAsync((await installation.Client.BackfillAsync("primes", "2025-03-28T12:00:00Z", "2025-03-30", 1, Cancellation)).Instance, Cancellation);
        Assert.Equal(run.CompletedAt, (await installation.Client.GetAsync(run.Instance, Cancellation)).CompletedAt);
        Assert.Equal(3, (await installation.Client.ListAsync("primes", null, 100, null, Cancellation)).Runs.Count);

        int Count(string name) => ended.Output!.Value.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task A_backfill_runs_a_tick_whose_id_another_run_has_taken()
    {
        await using var installation = await (await PrepareAsync()).StartServiceAsync();
        await TakeAsync(installation, "primes-20250330T010000Z");

        var backfill = await installation.Client.BackfillAsync("primes", "2025-03-30", "2025-03-30", parallel: 1, Cancellation);
        var ended = await installation.Client.WaitAsync(backfill.Instance, Cancellation);
        var page = await installation.Client.TicksAsync("primes", "2025-03-30", "2025-03-30", Cancellation);

        Assert.Equal(1, ended.Output!.Value.GetProperty("completed").GetInt32());
        Assert.Equal(("primes-20250330T010000Z-2", OrchestrationRuntimeStatus.Completed), (Assert.Single(page.Ticks).Instance, page.Ticks[0].Status));
    }

    [Fact]
    public async Task A_backfill_goes_on_after_a_tick_that_fails_and_says_which_it_was()
    {
        var prepared = (await PrepareAsync()).With("broken", "merge-sources", new { @object = "local://a/b.json", secret = "nowhere", table = "t", output = "local://a/b.csv", attempts = 1 });
        prepared.Settings["Pipelines"]!["broken"]!["Trigger"] = new JsonObject { ["Schedule"] = "0 0 * * *" };
        await using var installation = await prepared.StartServiceAsync();

        var backfill = await installation.Client.BackfillAsync("broken", "2025-01-01", "2025-01-02", parallel: 1, Cancellation);
        var ended = await installation.Client.WaitAsync(backfill.Instance, Cancellation);

        Assert.Equal((2, 2), (ended.Output!.Value.GetProperty("ticks").GetInt32(), ended.Output.Value.GetProperty("failed").GetInt32()));
        Assert.Equal(["broken-20250101T000000Z", "broken-20250102T000000Z"], ended.Output.Value.GetProperty("failedRuns").EnumerateArray().Select(run => run.GetString()));
    }

    [Fact]
    public async Task Who_may_see_one_pipeline_sees_its_schedule_and_its_backfills_and_no_others()
    {
        var prepared = await PrepareAsync();
        prepared.Settings["Pipelines"]!["by-hand"]!["Trigger"] = new JsonObject { ["Schedule"] = "0 0 * * *" };
        await using var installation = await prepared.StartServiceAsync(ServiceRoles.None);
        await using var database = new ServiceDatabase(installation.Hub, new DurableTaskOptions().TaskHub);
        var keys = new ApiKeys(database, LocalKey.Find(installation.Data), TimeProvider.System);
        using var theirs = new ServiceClient(installation.Address, (await keys.CreateAsync(new("primes only", Role.Operator, ["primes"]), Cancellation)).Reveal());

        Assert.Equal(["primes"], (await theirs.SchedulesAsync(Cancellation)).Select(schedule => schedule.Pipeline));
        Assert.Contains("primes only", (await theirs.SteerScheduleAsync("primes", "pause", null, Cancellation)).Paused!.By, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ServiceException>(() => theirs.SteerScheduleAsync("by-hand", "pause", null, Cancellation));
        var ours = await theirs.BackfillAsync("primes", "2025-01-01", "2025-01-02", 1, Cancellation);
        Assert.Equal(ours.Instance, (await theirs.GetAsync(ours.Instance, Cancellation)).Instance);
        var others = await installation.Client.BackfillAsync("by-hand", "2025-01-01", "2025-01-02", 1, Cancellation);
        await Assert.ThrowsAsync<ServiceException>(() => theirs.GetAsync(others.Instance, Cancellation));
        Assert.Equal([ours.Instance], (await theirs.ListAsync(null, null, 100, null, Cancellation)).Runs.Select(run => run.Instance));
    }

    [Fact]
    public async Task A_backfill_that_cannot_be_is_refused_with_what_would_be_right()
    {
        await using var installation = await (await PrepareAsync()).StartServiceAsync(ServiceRoles.None);
        await TakeAsync(installation, "primes-backfill-20250401T000000Z-20250401T000000Z");

        await RefusedAsync("primes", "2025-04-01T00:00:00Z", "2025-04-01T00:00:00Z", "is Pending as a run of another, not the backfill");
        await RefusedAsync("primes", "2025-04-01", "2025-03-01", "'from' (2025-04-01) is after 'to' (2025-03-01)");
        await RefusedAsync("primes", "yesterday", "2025-03-01", "'from' is 'yesterday': write a day such as 2026-11-21");
        await RefusedAsync("often", "2025-03-01", "2025-03-01", "There are more than 10000 ticks from 2025-03-01 to 2025-03-01");
        await RefusedAsync("by-hand", "2025-03-01", "2025-03-01", "Pipeline 'by-hand' has no schedule");
        await RefusedAsync("nobody", "2025-03-01", "2025-03-01", "There is no pipeline 'nobody'");

        async Task RefusedAsync(string pipeline, string from, string to, string says)
        {
            var refused = await Assert.ThrowsAsync<ServiceException>(() => installation.Client.BackfillAsync(pipeline, from, to, 1, Cancellation));
            Assert.True(refused.IsUsage);
            Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_command_line_lists_pauses_and_shows_what_a_backfill_would_run()
    {
        await using var installation = (await PrepareAsync()).WriteSettings();

        var paused = await RunAsync("schedules", "pause", "primes", "--reason", "closing", "--json");
        Assert.Equal("closing", paused[0].GetProperty("paused").GetProperty("reason").GetString());
        Assert.Contains((await RunAsync("schedules", "--json")).EnumerateArray(), schedule =>
            schedule.GetProperty("pipeline").GetString() == "primes" && schedule.GetProperty("paused").ValueKind == JsonValueKind.Object && schedule.GetProperty("next").GetArrayLength() == 5);

        var dry = await RunAsync("backfill", "primes", "--from", "2025-10-25", "--to", "2025-10-26", "--dry-run", "--json");
        Assert.Equal(["primes-20251025T003000Z", "primes-20251026T003000Z"], dry.EnumerateArray().Select(tick => tick.GetProperty("instance").GetString()));
        Assert.All(dry.EnumerateArray(), tick => Assert.Equal(JsonValueKind.Null, tick.GetProperty("status").ValueKind));

        async Task<JsonElement> RunAsync(params string[] arguments)
        {
            var result = await WorkflowProcess.RunAsync(installation, arguments);
            Assert.True(result.ExitCode == 0, result.Errors);
            return JsonDocument.Parse(result.Output).RootElement;
        }
    }

    /// <summary>Starts a run under an id that nobody can give it by the API.</summary>
    private static async Task TakeAsync(Installation installation, string id)
    {
        await using var hub = new ServiceCollection().AddLogging().AddDurableTaskClient(options => options.ConnectionString = installation.Hub).BuildServiceProvider();
        await hub.GetRequiredService<DurableTaskClient>().ScheduleNewOrchestrationInstanceAsync("another", null, new(id), Cancellation);
    }

    private async Task<Installation> PrepareAsync()
    {
        var installation = (await Installation.CreateAsync(postgres)).With("primes", "quadratic-primes", new { activities = 1 }).With("by-hand", "quadratic-primes", new { }).With("often", "quadratic-primes", new { });
        installation.Settings["Pipelines"]!["primes"]!["Trigger"] = new JsonObject { ["Schedule"] = "30 2 * * *", ["TimeZone"] = "Europe/Berlin" };
        installation.Settings["Pipelines"]!["often"]!["Trigger"] = new JsonObject { ["Schedule"] = "* * * * * *" };
        return installation;
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
