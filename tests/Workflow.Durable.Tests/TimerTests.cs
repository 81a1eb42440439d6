using System.Globalization;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

public sealed class TimerTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private static void LongLease(DurableTaskOptions options) => options.LeaseDuration = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_timer_fires_at_its_time_and_not_before()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, double>("Wait", async (context, milliseconds) =>
            {
                var begun = context.CurrentUtcDateTime;
                await context.CreateTimer(TimeSpan.FromMilliseconds(milliseconds), CancellationToken.None);
                return (context.CurrentUtcDateTime - begun).TotalMilliseconds;
            }));

        var waited = await host.OutputAsync<double>("Wait", 150);

        Assert.InRange(waited, 149.999, 2000);  // the database keeps microseconds
    }

    [Fact]
    public async Task A_timer_of_hours_outlives_its_host()
    {
        var clock = new FakeTimeProvider();
        var hub = database.NewHub();
        string id;
        await using (var first = await hub.StartHostAsync(Register, LongLease, clock))
        {
            id = await first.ScheduleAsync("Sleep");
            await first.HistoryHoldsAsync(id, "TimerCreated");
        }

        clock.Advance(TimeSpan.FromHours(47));
        await using var second = await hub.StartHostAsync(Register, LongLease, clock);
        Assert.Equal(OrchestrationRuntimeStatus.Running, (await second.Client.GetInstanceAsync(id))!.RuntimeStatus);

        var ended = await clock.AdvanceToEndAsync(TimeSpan.FromHours(1), second, id);

        Assert.InRange(ended.ReadOutputAs<double>(), 48, 49);

        static void Register(DurableTaskRegistry registry) => registry.AddOrchestratorFunc<string?, double>("Sleep", async (context, _) =>
        {
            var begun = context.CurrentUtcDateTime;
            await context.CreateTimer(begun.AddHours(48), CancellationToken.None);
            return (context.CurrentUtcDateTime - begun).TotalHours;
        });
    }

    [Fact]
    public async Task Timers_fire_in_the_order_of_their_times_even_when_nobody_was_there()
    {
        var clock = new FakeTimeProvider();
        var hub = database.NewHub();
        string id;
        await using (var first = await hub.StartHostAsync(Register, LongLease, clock))
        {
            id = await first.ScheduleAsync("Race");
            await first.HistoryHoldsAsync(id, "TimerCreated", 3);
        }

        clock.Advance(TimeSpan.FromHours(9));
        await using var second = await hub.StartHostAsync(Register, LongLease, clock);

        Assert.Equal("1,2,3", (await clock.AdvanceToEndAsync(TimeSpan.Zero, second, id)).ReadOutputAs<string>());

        static void Register(DurableTaskRegistry registry) => registry.AddOrchestratorFunc<string?, string>("Race", async (context, _) =>
        {
            var fired = new List<int>();
            await Task.WhenAll(new[] { 3, 1, 2 }.Select(async hours =>
            {
                await context.CreateTimer(TimeSpan.FromHours(hours), CancellationToken.None);
                fired.Add(hours);
            }));
            return string.Join(',', fired);
        });
    }

    [Fact]
    public async Task An_event_that_came_before_the_timeout_wins_even_when_nobody_was_there()
    {
        var clock = new FakeTimeProvider();
        var hub = database.NewHub();
        string id;
        await using (var first = await hub.StartHostAsync(RegisterApproval, LongLease, clock))
        {
            id = await first.ScheduleAsync("Approval");
            await first.HistoryHoldsAsync(id, "TimerCreated");
            await first.StopAsync();
            clock.Advance(TimeSpan.FromMinutes(30));
            await first.Client.RaiseEventAsync(id, "approve", "in time");
        }

        clock.Advance(TimeSpan.FromHours(2));
        await using var second = await hub.StartHostAsync(RegisterApproval, LongLease, clock);

        Assert.Equal("in time", (await clock.AdvanceToEndAsync(TimeSpan.Zero, second, id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task Waiting_for_an_event_ends_with_the_event_or_with_the_timeout()
    {
        var clock = new FakeTimeProvider();
        await using var host = await database.StartHostAsync(RegisterApproval, LongLease, clock);
        var (answered, forgotten) = (await host.ScheduleAsync("Approval"), await host.ScheduleAsync("Approval"));
        await host.HistoryHoldsAsync(answered, "TimerCreated");
        await host.HistoryHoldsAsync(forgotten, "TimerCreated");

        await host.Client.RaiseEventAsync(answered, "approve", "yes");
        Assert.Equal("yes", await host.OutputAsync<string>(answered));
        Assert.DoesNotContain(await host.HistoryAsync(answered), line => line.Type == "TimerFired");

        Assert.Equal("nobody", (await clock.AdvanceToEndAsync(TimeSpan.FromHours(1), host, forgotten)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_cancelled_timer_lets_go_at_once()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, string>("Cancel", async (context, _) =>
            {
                using var cancel = new CancellationTokenSource();
                var timer = context.CreateTimer(TimeSpan.FromDays(1), cancel.Token);
                await context.CallActivityAsync<int>("One");
                cancel.Cancel();
                try
                {
                    await timer;
                    return "fired";
                }
                catch (TaskCanceledException)
                {
                    return await context.CallActivityAsync<int>("One") + " cancelled";
                }
            })
            .AddActivityFunc<string?, int>("One", (_, _) => Task.FromResult(1)));

        Assert.Equal("1 cancelled", await host.OutputAsync<string>("Cancel", null));
        Assert.Equal(0, await host.Hub.ReadOneAsync<long>("SELECT count(*) FROM messages"));
    }

    [Fact]
    public async Task A_time_that_has_passed_fires_at_once()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, int>("Past", async (context, _) =>
            {
                await context.CreateTimer(context.CurrentUtcDateTime.AddDays(-1), CancellationToken.None);
                await context.CreateTimer(TimeSpan.Zero, CancellationToken.None);
                return 1;
            }));

        Assert.Equal(1, await host.OutputAsync<int>("Past", null));
    }

    [Fact]
    public async Task The_clock_and_new_identifiers_are_the_same_on_every_replay()
    {
        await using var host = await database.StartHostAsync(
            registry => registry
                .AddOrchestratorFunc<string?, List<string>>("Remember", async (context, _) =>
                {
                    var seen = new List<string>();
                    for (var i = 0; i < 5; i++)
                    {
                        var id = context.NewGuid();
                        seen.Add($"{context.CurrentUtcDateTime:O} {id}");
                        seen.Add($"{context.CurrentUtcDateTime:O} {await context.CallActivityAsync<Guid>("Same", id)}");
                    }

                    return seen;
                })
                .AddActivityFunc<Guid, Guid>("Same", (_, id) => Task.FromResult(id)),
            options => options.MaxCachedOrchestrators = 0);

        var id = await host.ScheduleAsync("Remember");
        var seen = await host.OutputAsync<List<string>>(id);

        var history = await host.HistoryAsync(id);
        var turns = history.Where(line => line.Type == "OrchestratorStarted").Select(line => line.Timestamp.UtcDateTime).ToArray();
        var results = history.Where(line => line.Type == "TaskCompleted").Select(line => line.Data!.Trim('"')).ToArray();
        Assert.Equal(5, results.Distinct().Count());
        for (var i = 0; i < 5; i++)
        {
            var asked = $"{turns[i].ToString("O", CultureInfo.InvariantCulture)} {results[i]}";
            Assert.Equal([asked, asked], seen.Skip(2 * i).Take(2));
        }
    }

    private static void RegisterApproval(DurableTaskRegistry registry) => registry.AddOrchestratorFunc<string?, string>("Approval", async (context, _) =>
    {
        try
        {
            return await context.WaitForExternalEvent<string>("approve", TimeSpan.FromHours(1));
        }
        catch (TaskCanceledException)
        {
            return "nobody";
        }
    });
}
