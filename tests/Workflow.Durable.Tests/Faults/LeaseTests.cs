using Npgsql;
using Workflow.Durable.Tests.Hosting;
using Workflow.Durable.Worker;
using Workflow.Testing;

namespace Workflow.Durable.Tests.Faults;

/// <summary>What becomes of work whose host is gone.</summary>
public sealed class LeaseTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private readonly Gates _gates = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private void Register(DurableTaskRegistry registry)
    {
        _gates.Register(registry);
        registry.AddOrchestratorFunc<string, string>("Gate", (context, gate) => context.CallActivityAsync<string>("Gate", gate));
    }

    [Fact]
    public async Task Work_that_a_dead_host_was_just_taking_is_freed_like_the_rest()
    {
        var hub = database.NewHub();
        await using var host = new HubHost(hub, Register);
        _gates.Open("go");
        await host.ScheduleAsync("Gate", "go", "taken");
        await host.ScheduleAsync("Gate", "go", "being taken");
        var dead = await hub.ReadOneAsync<long>("INSERT INTO leases (host, renewed_at, expires_at) VALUES ('dead', 'epoch', 'epoch') RETURNING lease");
        await hub.ExecuteAsync($"UPDATE instances SET lease = {dead} WHERE instance_id = 'taken'");
        await using var taking = await hub.OpenConnectionAsync();
        await using (var open = await taking.BeginTransactionAsync(Cancellation))
        {
            await using var take = new NpgsqlCommand($"UPDATE instances SET lease = {dead} WHERE instance_id = 'being taken'", taking, open);
            await take.ExecuteNonQueryAsync(Cancellation);
            await host.StartAsync();
            await host.EndAsync("taken");
            await open.CommitAsync(Cancellation);
        }

        Assert.Equal("go", await host.OutputAsync<string>("being taken"));
    }

    [Fact]
    public async Task A_host_that_is_frozen_half_way_through_a_commit_holds_nobody_up()
    {
        var hub = database.NewHub();
        await using var host = new HubHost(hub, Register);
        _gates.Open("go");
        await host.ScheduleAsync("Gate", "go", "in its hands");
        var lease = await hub.ReadOneAsync<long>("INSERT INTO leases (host, renewed_at, expires_at) VALUES ('frozen', now(), now() + interval '1 s') RETURNING lease");
        await hub.ExecuteAsync($"UPDATE instances SET lease = {lease}");
        await using var frozen = await hub.OpenConnectionAsync();
        await using var open = await frozen.BeginTransactionAsync(Cancellation);
        await using var fence = new NpgsqlCommand(
            $"SELECT fence({lease}, '1 s', gen_random_uuid(), array_agg(instance_id), array_agg(execution_id), array_agg(turn), '{{}}') FROM instances", frozen, open);
        await fence.ExecuteNonQueryAsync(Cancellation);

        await host.StartAsync();

        Assert.Equal("go", await host.OutputAsync<string>("in its hands"));
        await Assert.ThrowsAsync<PostgresException>(() => open.CommitAsync(Cancellation));
    }

    [Fact]
    public async Task A_host_that_stops_gives_back_what_it_has_in_hand()
    {
        var hub = database.NewHub();
        await using var stops = await hub.StartHostAsync(Register);
        await using var stays = await hub.StartHostAsync(Register, options => options.MaxConcurrentActivities = 1);
        var ids = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => stops.ScheduleAsync("Gate", $"{i}")));
        await Task.WhenAll(ids.Select((_, i) => _gates.ReachedAsync($"{i}")));

        await stops.StopAsync();
        Assert.Equal(1, await hub.ReadOneAsync<long>("SELECT count(*) FROM leases WHERE expires_at > clock_timestamp()"));
        for (var i = 0; i < 5; i++)
        {
            _gates.Open($"{i}");
        }

        Assert.Equal(["0", "1", "2", "3", "4"], await Task.WhenAll(ids.Select(id => stays.OutputAsync<string>(id))));
    }

    [Fact]
    public async Task A_host_that_is_told_to_stop_ends_what_it_has_begun_and_leaves_the_rest_to_others_at_once()
    {
        var hub = database.NewHub();
        var runs = 0;
        void Register(DurableTaskRegistry registry)
        {
            _gates.Register(registry);
            registry.AddOrchestratorFunc<string, string>("Gates", async (context, gate) =>
                $"{await context.CallActivityAsync<string>("Gate", gate)} {await context.CallActivityAsync<int>("Count")}");
            registry.AddActivityFunc<string?, int>("Count", (_, _) => Task.FromResult(Interlocked.Increment(ref runs)));
        }

        await using var stops = await hub.StartHostAsync(Register, options =>
        {
            options.MaxConcurrentActivities = 1;
            options.ShutdownTimeout = TimeSpan.FromMinutes(2);
        });
        var begun = await stops.ScheduleAsync("Gates", "begun");
        await _gates.ReachedAsync("begun");
        var waits = await stops.ScheduleAsync("Gates", "waits");
        await stops.HistoryHoldsAsync(waits, "TaskScheduled");
        _gates.Open("waits");

        var stopping = stops.StopAsync();
        await using var stays = await hub.StartHostAsync(Register);
        var late = await stays.ScheduleAsync("Gates", "waits");
        await Task.WhenAll(stays.OutputAsync<string>(waits), stays.OutputAsync<string>(late));
        Assert.False(stopping.IsCompleted);

        _gates.Open("begun");
        await stopping;
        var stopped = TimeProvider.System.GetTimestamp();
        Assert.StartsWith("begun", await stays.OutputAsync<string>(begun), StringComparison.Ordinal);

        Assert.True(TimeProvider.System.GetElapsedTime(stopped) < TimeSpan.FromSeconds(5));  // far from the lease's fifteen
        Assert.Equal(3, runs);
        Assert.Equal([1, 1, 1], await hub.ReadAsync<int>("SELECT 1 FROM instances WHERE status = 'Completed'"));
    }

    [Fact]
    public async Task A_turn_that_is_being_committed_when_its_host_is_told_to_stop_is_given_back_too()
    {
        var hub = database.NewHub();
        await using var stops = await hub.StartHostAsync(Register, options =>
        {
            options.MaxConcurrentActivities = 1;
            options.ShutdownTimeout = TimeSpan.FromMinutes(2);
        });
        await stops.ScheduleAsync("Gate", "begun");
        await _gates.ReachedAsync("begun");
        _gates.Open("waits");
        await using var holds = await hub.OpenConnectionAsync();
        await using var open = await holds.BeginTransactionAsync(Cancellation);
        await using var hold = new NpgsqlCommand("SELECT FROM leases FOR UPDATE", holds, open);
        await hold.ExecuteNonQueryAsync(Cancellation);
        var waits = await stops.ScheduleAsync("Gate", "waits");
        await Eventually.TrueAsync(async () => await hub.ReadOneAsync<long>(
            $"SELECT count(*) FROM pg_stat_activity WHERE {holds.ProcessID} = ANY (pg_blocking_pids(pid)) AND query LIKE '%fence%'") > 0, cancellation: Cancellation);

        var stopping = stops.StopAsync();
        await Eventually.TrueAsync(() => stops.Logs.Of(typeof(WorkSession).FullName!).Any(line => line.StartsWith("Told to stop", StringComparison.Ordinal)), cancellation: Cancellation);
        await open.RollbackAsync(Cancellation);
        await using var stays = await hub.StartHostAsync(Register);

        Assert.Equal("waits", await stays.OutputAsync<string>(waits));
        Assert.False(stopping.IsCompleted);
        _gates.Open("begun");
        await stopping;
    }

    [Fact]
    public async Task What_takes_longer_than_the_time_to_stop_is_cancelled_and_done_elsewhere_at_once()
    {
        var hub = database.NewHub();
        await using var stops = await hub.StartHostAsync(Register, options => options.ShutdownTimeout = TimeSpan.FromMilliseconds(200));
        var id = await stops.ScheduleAsync("Gate", "long");
        await _gates.ReachedAsync("long");
        await using var stays = await hub.StartHostAsync(Register);

        await stops.StopAsync();
        _gates.Open("long");

        Assert.Equal("long", await stays.OutputAsync<string>(id).WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, Cancellation));
        Assert.Contains("Stopping although something is still at work", stops.Logs.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leases_do_not_pile_up()
    {
        var hub = database.NewHub();
        await using (var host = await hub.StartHostAsync(Register))
        {
            _gates.Open("go");
            await host.RunAsync("Gate", "go");
            await hub.ExecuteAsync("INSERT INTO leases (host, renewed_at, expires_at) SELECT 'gone', 'epoch', 'epoch' FROM generate_series(1, 100)");
        }

        await using var next = await hub.StartHostAsync(Register);
        await next.RunAsync("Gate", "go");

        await Eventually.TrueAsync(async () => await hub.ReadOneAsync<long>("SELECT count(*) FROM leases") <= 2, cancellation: Cancellation);
    }
}
