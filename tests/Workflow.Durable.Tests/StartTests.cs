using System.Collections.Concurrent;
using Npgsql;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

public sealed class StartTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private readonly ConcurrentQueue<string> _runs = new();
    private readonly Gates _gates = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private void Register(DurableTaskRegistry registry)
    {
        _gates.Register(registry);
        registry
            .AddOrchestratorFunc<string, string>("Once", async (context, input) => await context.CallActivityAsync<string>("Note", input))
            .AddOrchestratorFunc<string, string>("Held", async (context, input) => await context.CallActivityAsync<string>("Gate", input))
            .AddActivityFunc<string, string>("Note", (context, input) =>
            {
                _runs.Enqueue(input);
                return Task.FromResult(input);
            });
    }

    [Fact]
    public async Task Twenty_starts_at_once_of_one_id_run_once_and_so_does_one_after_the_end()
    {
        var hub = database.NewHub();
        await using var one = await hub.StartHostAsync(Register);
        await using var two = await hub.StartHostAsync(Register);
        var start = StartOrchestrationOptions.Once("the-file");

        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(i =>
            (i % 2 == 0 ? one : two).Client.ScheduleNewOrchestrationInstanceAsync("Once", $"run {i}", start, Cancellation)));
        var ended = await one.EndAsync("the-file");
        await two.Client.ScheduleNewOrchestrationInstanceAsync("Once", "afterwards", start, Cancellation);

        Assert.All(ids, id => Assert.Equal("the-file", id));
        Assert.Equal(Assert.Single(_runs), (await one.EndAsync("the-file")).ReadOutputAs<string>());
        Assert.Equal(ended.CompletedAt, (await two.EndAsync("the-file")).CompletedAt);
    }

    [Fact]
    public async Task A_live_instance_keeps_its_id_and_says_so_and_an_ended_one_gives_it_away()
    {
        await using var host = await database.StartHostAsync(Register);
        await host.ScheduleAsync("Held", "a", "held");
        await _gates.ReachedAsync("a");

        var taken = await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(() => host.ScheduleAsync("Held", "b", "held"));
        Assert.Contains("'held' already exists and is Running", taken.Message, StringComparison.Ordinal);
        _gates.Open("a");
        Assert.Equal("a", await host.OutputAsync<string>("held"));

        _gates.Open("b");
        await host.ScheduleAsync("Held", "b", "held");

        Assert.Equal("b", await host.OutputAsync<string>("held"));
        Assert.Single(await host.HistoryAsync("held"), line => line.Type == "ExecutionStarted");
    }

    [Fact]
    public async Task An_ended_instance_keeps_its_id_where_the_start_asks_for_it()
    {
        await using var host = await database.StartHostAsync(Register);
        await host.RunAsync("Once", "first", "kept");
        var options = new StartOrchestrationOptions("kept") { DedupeStatuses = [OrchestrationRuntimeStatus.Completed] };

        await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(() => host.Client.ScheduleNewOrchestrationInstanceAsync("Once", "second", options, Cancellation));
        Assert.Equal("kept", await host.Client.ScheduleNewOrchestrationInstanceAsync("Once", "third", options with { IfExists = ExistingInstance.Keep }, Cancellation));

        Assert.Equal("first", (await host.EndAsync("kept")).ReadOutputAs<string>());
        Assert.Equal(["first"], _runs);
    }

    [Fact]
    public async Task A_running_instance_can_be_replaced_and_what_it_had_asked_for_is_lost_on_the_new_one()
    {
        await using var host = await database.StartHostAsync(Register);
        await host.ScheduleAsync("Held", "old", "replaced");
        await _gates.ReachedAsync("old");

        await host.Client.ScheduleNewOrchestrationInstanceAsync("Held", "new", new StartOrchestrationOptions("replaced") { DedupeStatuses = [] }, Cancellation);
        await _gates.ReachedAsync("new");
        _gates.Open("old");
        _gates.Open("new");

        Assert.Equal("new", await host.OutputAsync<string>("replaced"));
    }

    [Fact]
    public async Task Instances_replaced_over_and_over_end_as_the_last_one_started()
    {
        await using var host = await database.StartHostAsync(Register);
        for (var i = 0; i < 200; i++)
        {
            await host.Client.ScheduleNewOrchestrationInstanceAsync("Once", $"{i}", new StartOrchestrationOptions("busy") { DedupeStatuses = [] }, Cancellation);
        }

        Assert.Equal("199", await host.OutputAsync<string>("busy"));
    }

    [Fact]
    public async Task A_start_in_the_future_waits_for_its_time_and_keeps_what_comes_before()
    {
        var clock = new FakeTimeProvider();
        await using var host = await database.StartHostAsync(
            registry => registry.AddOrchestratorFunc<string?, string>("Late", async (context, _) =>
                $"{await context.WaitForExternalEvent<string>("early")} {context.CurrentUtcDateTime:HH}"),
            options => options.LeaseDuration = TimeSpan.FromHours(1),
            clock);
        var id = await host.Client.ScheduleNewOrchestrationInstanceAsync(
            "Late", null, new StartOrchestrationOptions(StartAt: clock.GetUtcNow().AddHours(5)), Cancellation);
        await host.Client.RaiseEventAsync(id, "early", "event");
        await host.HistoryHoldsAsync(id, "EventRaised");
        clock.Advance(TimeSpan.FromHours(4));
        await host.Client.RaiseEventAsync(id, "unrelated");
        await host.HistoryHoldsAsync(id, "EventRaised", 2);
        Assert.Equal(OrchestrationRuntimeStatus.Pending, (await host.Client.GetInstanceAsync(id))!.RuntimeStatus);

        Assert.Equal("event 05", (await clock.AdvanceToEndAsync(TimeSpan.FromHours(1), host, id)).ReadOutputAs<string>());
    }

    [Fact]
    public async Task A_start_within_a_transaction_is_a_part_of_it()
    {
        // No clock moves, so that a host that has nothing to do only hears.
        await using var host = await database.StartHostAsync(Register, time: new FakeTimeProvider());
        await host.RunAsync("Once", "first");
        await using var connection = new NpgsqlConnection(host.Hub.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using (var undone = await connection.BeginTransactionAsync(Cancellation))
        {
            await host.Client.ScheduleNewOrchestrationInstanceAsync("Once", "undone", Within(undone, "undone"), Cancellation);
            await undone.RollbackAsync(Cancellation);
        }

        await using (var done = await connection.BeginTransactionAsync(Cancellation))
        {
            var before = await PathAsync(connection);
            await host.Client.ScheduleNewOrchestrationInstanceAsync("Once", "done", Within(done, "done"), Cancellation);
            await Assert.ThrowsAsync<OrchestrationAlreadyExistsException>(() =>
                host.Client.ScheduleNewOrchestrationInstanceAsync("Once", "again", Within(done, "done") with { IfExists = ExistingInstance.Throw }, Cancellation));
            Assert.Equal(before, await PathAsync(connection));
            Assert.Null(await host.Client.GetInstanceAsync("done", cancellation: Cancellation));
            await done.CommitAsync(Cancellation);
        }

        Assert.Equal("done", await host.OutputAsync<string>("done"));
        Assert.Null(await host.Client.GetInstanceAsync("undone", cancellation: Cancellation));
        Assert.Equal(["first", "done"], _runs);

        static StartOrchestrationOptions Within(NpgsqlTransaction transaction, string id) => StartOrchestrationOptions.Once(id) with { Within = transaction };

        static async Task<string?> PathAsync(NpgsqlConnection connection)
        {
            await using var show = new NpgsqlCommand("show search_path", connection);
            return (string?)await show.ExecuteScalarAsync(Cancellation);
        }
    }

    [Fact]
    public async Task Tags_and_version_stay_with_the_instance()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<string?, string>("Versioned", async (context, again) =>
            {
                if (again is null)
                {
                    context.ContinueAsNew("again");
                }

                await context.CallActivityAsync("Nothing");
                return context.Version;
            })
            .AddActivityFunc<string?, int>("Nothing", (_, _) => Task.FromResult(0)));
        var options = new StartOrchestrationOptions { Version = "1.2", Tags = new Dictionary<string, string> { ["tenant"] = "acme", ["quote"] = "it's \"ok\"" } };

        var id = await host.Client.ScheduleNewOrchestrationInstanceAsync("Versioned", null, options, Cancellation);

        Assert.Equal("1.2", await host.OutputAsync<string>(id));
        Assert.Equal(options.Tags, (await host.Client.GetInstanceAsync(id))!.Tags);
    }

    [Theory]
    [InlineData("")]
    [InlineData("@entity")]
    [InlineData("two\nlines")]
    public async Task An_id_that_would_break_a_line_or_an_address_is_refused(string id)
    {
        await using var host = new HubHost(database.NewHub(), Register);

        Assert.Contains("cannot be an instance id", (await Assert.ThrowsAsync<ArgumentException>(() => host.ScheduleAsync("Once", "", id))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_longest_id_can_have_descendants()
    {
        await using var host = await database.StartHostAsync(registry => registry
            .AddOrchestratorFunc<int, int>("Deep", async (context, depth) => depth == 0 ? 0 : 1 + await context.CallSubOrchestratorAsync<int>("Deep", depth - 1)));

        await Assert.ThrowsAsync<ArgumentException>(() => host.ScheduleAsync("Deep", 0, new string('i', 251)));
        var id = await host.ScheduleAsync("Deep", 10, new string('i', 250));

        Assert.Equal(10, await host.OutputAsync<int>(id));
    }

    [Fact]
    public async Task Waiting_for_the_start_ends_with_the_first_turn()
    {
        await using var host = new HubHost(database.NewHub(), Register);
        var id = await host.ScheduleAsync("Held", "a");
        var started = host.Client.WaitForInstanceStartAsync(id, cancellation: Cancellation);
        Assert.False(started.IsCompleted);

        await host.StartAsync();

        Assert.Equal(OrchestrationRuntimeStatus.Running, (await started).RuntimeStatus);
    }
}
