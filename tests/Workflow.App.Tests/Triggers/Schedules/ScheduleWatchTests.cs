using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Schedules;
using Workflow.Cloud.Objects;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Schedules;

public sealed class ScheduleWatchTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly object Hourly = new { Schedule = "cron(20 * * * ? *)", Overlap = "Allow" };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_tick_is_one_run_however_many_hosts_keep_the_schedule_and_whatever_their_clocks_say()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(Hourly);
        await hosts.StartAsync(Hourly, ScheduleHosts.Start.AddMinutes(-7));
        await hosts.StartAsync(Hourly, ScheduleHosts.Start.AddDays(3));

        await hosts.PassAsync(19 * Minute);
        await hosts.PassAsync(TimeSpan.FromSeconds(59.999));
        Assert.Empty(await hosts.RunsAsync());
        await hosts.PassAsync(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["20250101T002000Z"], await hosts.RunsAsync());
        await hosts.PassAsync(TimeSpan.FromMinutes(70), step: 10 * Minute);

        Assert.Equal(["20250101T002000Z", "20250101T012000Z"], await hosts.RunsAsync());
        var row = await hosts.RowAsync();
        Assert.Equal(("p-20250101T012000Z", ScheduleHosts.Start.AddMinutes(80), ScheduleHosts.Start.AddMinutes(140)), (row.LastInstance, row.LastTick, row.NextTick));
    }

    [Fact]
    public async Task The_run_of_a_tick_is_told_which()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(new { Schedule = "30 8 * * *", TimeZone = "Europe/Berlin" });

        await hosts.PassAsync(8 * Hour);

        var run = await hosts.Client.GetInstanceAsync("p-20250101T073000Z", cancellation: Cancellation);
        Assert.Equal("2025-01-01T07:30:00+00:00", (string?)JsonNode.Parse(run!.SerializedInput!)!["scheduledFor"]);
    }

    [Fact]
    public async Task A_tick_whose_run_was_started_by_a_host_that_died_before_it_could_say_so_is_that_run()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        var dead = await hosts.StartAsync(Hourly);
        await hosts.StopAsync(dead);
        var settings = hosts.Settings(Hourly);
        await new Runs(hosts.Client, settings, new ObjectStores([])).StartForAsync(settings.Find("p"), ScheduleHosts.Start.AddMinutes(20), within: null, Cancellation);

        await hosts.PassAsync(20 * Minute);
        await hosts.StartAsync(Hourly);

        Assert.Equal(["20250101T002000Z"], await hosts.RunsAsync());
        Assert.Equal(ScheduleHosts.Start.AddMinutes(80), (await hosts.RowAsync()).NextTick);
    }

    [Fact]
    public async Task A_tick_whose_id_a_run_of_another_pipeline_has_taken_runs_under_the_next_one()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.Client.ScheduleNewOrchestrationInstanceAsync("another", null, new("p-20250101T002000Z"), Cancellation);
        await hosts.StartAsync(Hourly);
        await hosts.StartAsync(Hourly, ScheduleHosts.Start.AddMinutes(-7));

        await hosts.PassAsync(20 * Minute);

        Assert.Equal(["20250101T002000Z", "20250101T002000Z-2"], await hosts.RunsAsync());
        Assert.Equal("p-20250101T002000Z-2", (await hosts.RowAsync()).LastInstance);
        Assert.Equal("p", (await hosts.Client.GetInstanceAsync("p-20250101T002000Z-2", cancellation: Cancellation))!.Name);
    }

    [Fact]
    public async Task A_tick_is_not_taken_while_another_host_has_the_schedule_in_its_hands()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(Hourly);
        var held = await hosts.Table.LockAsync("p", Cancellation);

        var passing = hosts.PassAsync(20 * Minute);
        await Eventually.TrueAsync(async () => await hosts.ExecuteAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()") == "1");
        Assert.Empty(await hosts.RunsAsync());
        await held!.SaveAsync(held.Row with { NextTick = ScheduleHosts.Start.AddHours(2) }, tellOthers: false, Cancellation);
        await held.DisposeAsync();
        await passing;

        Assert.Empty(await hosts.RunsAsync());
        Assert.Equal(ScheduleHosts.Start.AddHours(2), (await hosts.RowAsync()).NextTick);
    }

    [Fact]
    public async Task A_host_that_freezes_over_a_tick_does_not_start_it_when_it_wakes_and_others_have_been_through_with_it()
    {
        var daily = new { Schedule = "20 0 * * *" };
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StopAsync(await hosts.StartAsync(daily));
        await hosts.PassAsync(Hour);
        await ChangeAsync(hosts, row => row with { LastInstance = "p-before" });
        Assert.Empty(await hosts.RunsAsync());

        // It has the schedule in its hands and asks whether the run before has ended: that is where it hangs.
        await using var lake = new NpgsqlConnection(hosts.Connection);
        await lake.OpenAsync(Cancellation);
        await using var ice = await lake.BeginTransactionAsync(Cancellation);
        await using (var freeze = new NpgsqlCommand("lock table durable.instances", lake, ice))
        {
            await freeze.ExecuteNonQueryAsync(Cancellation);
        }

        var taking = hosts.Ticker(daily).TakeAsync(hosts.Settings(daily).Find("p"), seen: null, ScheduleHosts.Start, Cancellation);
        await Eventually.TrueAsync(async () => await hosts.ExecuteAsync("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()") == "1");
        await hosts.ExecuteAsync($"select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and datname = current_database() and pid <> {lake.ProcessID}");

        // Another host has taken the tick, its run has ended, and was purged.
        await ChangeAsync(hosts, row => row with { NextTick = ScheduleHosts.Start.AddDays(1), LastTick = ScheduleHosts.Start.AddMinutes(20) });
        await ice.RollbackAsync(Cancellation);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => taking);
        Assert.Empty(await hosts.RunsAsync());
    }

    [Fact]
    public async Task A_run_whose_tick_could_not_be_ticked_off_was_never_started()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(Hourly);
        await hosts.ExecuteAsync("alter table schedules add constraint only_the_past check (last_tick is null)");
        await hosts.PassAsync(20 * Minute);
        Assert.Empty(await hosts.RunsAsync());
        await hosts.ExecuteAsync("alter table schedules drop constraint only_the_past");

        await hosts.PassAsync(TimeSpan.FromSeconds(5));

        Assert.Equal(["20250101T002000Z"], await hosts.RunsAsync());
    }

    [Fact]
    public async Task More_ticks_than_are_started_at_once_are_due_at_once_and_not_before()
    {
        var eachSecond = new { Schedule = "* * * * * *", Overlap = "Allow", CatchUp = "All" };
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StopAsync(await hosts.StartAsync(eachSecond));
        await hosts.PassAsync(TimeSpan.FromSeconds(ScheduleTurn.MostAtOnce + 5));

        var ticker = hosts.Ticker(eachSecond);
        var pipeline = hosts.Settings(eachSecond).Find("p");
        var first = await ticker.TakeAsync(pipeline, seen: null, ScheduleHosts.Start, Cancellation);
        var rest = await ticker.TakeAsync(pipeline, seen: null, ScheduleHosts.Start, Cancellation);

        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(1)), (first.LookIn, rest.LookIn));
        Assert.Equal(ScheduleTurn.MostAtOnce + 5, (await hosts.RunsAsync()).Count);
    }

    [Theory]
    [InlineData("None", "20250101T062000Z")]
    [InlineData("Last", "20250101T052000Z,20250101T062000Z")]
    [InlineData("All", "20250101T032000Z,20250101T042000Z,20250101T052000Z,20250101T062000Z")]
    public async Task What_falls_due_while_no_host_is_up_is_caught_up_as_the_policy_says(string catchUp, string runs)
    {
        var trigger = new { Schedule = "20 * * * *", Overlap = "Allow", CatchUp = catchUp, CatchUpWindow = "02:50:00" };
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StopAsync(await hosts.StartAsync(trigger));
        await hosts.PassAsync(6 * Hour);

        await hosts.StartAsync(trigger);
        await hosts.PassAsync(20 * Minute);

        Assert.Equal(runs.Split(','), await hosts.RunsAsync());
    }

    [Theory]
    [InlineData("Skip", "20250101T002000Z,20250101T032000Z")]
    [InlineData("QueueOne", "20250101T002000Z,20250101T012000Z")]
    [InlineData("Allow", "20250101T002000Z,20250101T012000Z,20250101T022000Z,20250101T032000Z")]
    public async Task A_run_that_takes_longer_than_to_the_next_tick_is_dealt_with_as_the_policy_says(string overlap, string runs)
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(new { Schedule = "20 * * * *", Overlap = overlap });
        await hosts.PassAsync(2.5 * Hour, step: 10 * Minute);

        await hosts.EndAsync("20250101T002000Z");
        await hosts.PassAsync(Hour, step: 10 * Minute);

        Assert.Equal(runs.Split(','), await hosts.RunsAsync());
    }

    [Fact]
    public async Task Nothing_runs_while_it_is_paused_and_what_would_have_is_left_out()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        var watch = await hosts.StartAsync(new { Schedule = "20 * * * *", CatchUp = "All" });
        await ChangeAsync(hosts, row => row with { PausedAt = ScheduleHosts.Start, PausedBy = "ops" });
        await hosts.PassAsync(2 * Hour, step: 10 * Minute);
        await hosts.StopAsync(watch);
        await hosts.StartAsync(new { Schedule = "20 * * * *", CatchUp = "All" });
        Assert.Equal("ops", (await hosts.RowAsync()).PausedBy);

        await ChangeAsync(hosts, row => row with { PausedAt = null, PausedBy = null, NextTick = ScheduleHosts.Start.AddMinutes(140) });
        await hosts.PassAsync(30 * Minute, step: 10 * Minute);

        Assert.Equal(["20250101T022000Z"], await hosts.RunsAsync());
    }

    [Fact]
    public async Task A_change_by_hand_wakes_a_host_that_sleeps()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(new { Schedule = "0 0 1 1 *" });

        // No clock moves: only the call can wake it.
        await ChangeAsync(hosts, row => row with { NextTick = ScheduleHosts.Start });

        await hosts.ReadAsync(row => row.LastTick == ScheduleHosts.Start);
    }

    [Fact]
    public async Task A_new_schedule_takes_over_and_what_was_due_by_the_old_one_is_run()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StopAsync(await hosts.StartAsync(Hourly));
        await hosts.PassAsync(2 * Hour);

        await hosts.StartAsync(new { Schedule = "*/15 * * * *", Overlap = "Allow", CatchUp = "All" });
        await hosts.PassAsync(20 * Minute);

        Assert.Equal(["20250101T012000Z", "20250101T021500Z"], await hosts.RunsAsync());
        var row = await hosts.RowAsync();
        Assert.Equal(("*/15 * * * *", CatchUpPolicy.All, ScheduleHosts.Start.AddMinutes(150)), (row.Expression, row.CatchUp, row.NextTick));
    }

    [Fact]
    public async Task A_pipeline_that_is_gone_from_the_settings_is_kept_and_marked_and_goes_on_when_it_is_back()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StopAsync(await hosts.StartAsync(Hourly));
        var without = hosts.Settings(Hourly) with { Pipelines = [] };
        using (var watch = new ScheduleWatch(without, hosts.Table, new(hosts.Table, null!, hosts.Client, Microsoft.Extensions.Logging.Abstractions.NullLogger<ScheduleTicker>.Instance), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<ScheduleWatch>.Instance))
        {
            await watch.StartAsync(Cancellation);
            await watch.ExecuteTask!;
        }

        Assert.Equal(ScheduleHosts.Start, (await hosts.RowAsync()).RemovedAt);
        await hosts.PassAsync(2 * Hour);
        await hosts.StartAsync(Hourly);
        await hosts.PassAsync(20 * Minute);

        Assert.Equal(["20250101T022000Z"], await hosts.RunsAsync());
        Assert.Null((await hosts.RowAsync()).RemovedAt);
    }

    [Fact]
    public async Task Between_ticks_nothing_is_written()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(Hourly);
        await hosts.StartAsync(Hourly);
        var before = await hosts.ExecuteAsync("select ctid || ' ' || xmin || ' ' || xmax from schedules");

        await hosts.PassAsync(19 * Minute, step: Minute);

        Assert.Equal(before, await hosts.ExecuteAsync("select ctid || ' ' || xmin || ' ' || xmax from schedules"));
    }

    [Fact]
    public async Task A_database_that_is_away_for_a_while_costs_no_tick()
    {
        await using var hosts = await ScheduleHosts.CreateAsync(postgres);
        await hosts.StartAsync(new { Schedule = "20 * * * *", Overlap = "Allow", CatchUp = "All" });
        await hosts.PassAsync(10 * Minute);
        await using (var other = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(hosts.Connection) { Database = "postgres", Pooling = false }.ConnectionString))
        {
            await other.OpenAsync(Cancellation);
            var name = new NpgsqlConnectionStringBuilder(hosts.Connection).Database;
            await RunAsync($"update pg_database set datallowconn = false where datname = '{name}'");
            await RunAsync($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
            hosts.Advance(2 * Hour);
            await hosts.RetryAsync();
            await RunAsync($"update pg_database set datallowconn = true where datname = '{name}'");

            async Task RunAsync(string sql)
            {
                await using var command = new NpgsqlCommand(sql, other);
                await command.ExecuteNonQueryAsync(Cancellation);
            }
        }

        NpgsqlConnection.ClearAllPools();
        await hosts.ExecuteAsync($"update test_clock set now = '{ScheduleHosts.Start + 2 * Hour:O}'");
        hosts.Advance(Minute);

        await hosts.ReadAsync(row => row.LastTick == ScheduleHosts.Start.AddMinutes(80));
        Assert.Equal(["20250101T002000Z", "20250101T012000Z"], await hosts.RunsAsync());
    }

    private static async Task ChangeAsync(ScheduleHosts hosts, Func<ScheduleRow, ScheduleRow> change)
    {
        await using var locked = await hosts.Table.LockAsync("p", Cancellation);
        await locked!.SaveAsync(change(locked.Row), tellOthers: true, Cancellation);
    }
}
