using Npgsql;
using System.Collections.Concurrent;
using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests.Faults;

/// <summary>The database goes away under load and comes back.</summary>
public sealed class OutageTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private readonly ConcurrentDictionary<string, int> _effects = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private void Register(DurableTaskRegistry registry) => registry
        .AddOrchestratorFunc<int, int>("Load", async (context, steps) =>
        {
            var sum = 0;
            for (var i = 0; i < steps; i++)
            {
                sum += (await Task.WhenAll(context.CallActivityAsync<int>("One", $"{i}a"), context.CallActivityAsync<int>("One", $"{i}b"))).Sum();
                await context.CreateTimer(TimeSpan.FromMilliseconds(20), CancellationToken.None);
            }

            return sum + await context.CallSubOrchestratorAsync<int>("Child");
        })
        .AddOrchestratorFunc<string?, int>("Child", (context, _) => context.CallActivityAsync<int>("One", "child"))
        .AddActivityFunc<string, int>("One", (context, _) =>
        {
            _effects.AddOrUpdate(context.IdempotencyKey, 1, (_, times) => times + 1);
            return Task.FromResult(1);
        });

    private async Task EverythingCompletesAsync(TestHub hub, HubHost host, string[] ids, int steps)
    {
        await Eventually.TrueAsync(() => AnswersAsync(host, ids[0]), cancellation: Cancellation);  // a connection in the client's pool may be a dead one
        foreach (var id in ids)
        {
            Assert.Equal((2 * steps) + 1, await host.OutputAsync<int>(id));
            await LegalHistory.CheckAsync(hub, host, id);
        }

        // The host kept its lease, so it lost nothing from its hands: not even an activity was done twice.
        Assert.Equal(ids.Length * ((2 * steps) + 1), _effects.Count);
        Assert.All(_effects, effect => Assert.Equal(1, effect.Value));
        Assert.DoesNotContain(host.Logs.Warnings, line => line.Contains("Dropped a turn", StringComparison.Ordinal) || line.Contains("stopped unexpectedly", StringComparison.Ordinal));
        await LegalHistory.NothingIsLeftAsync(hub);
    }

    [Fact]
    public async Task Connections_that_the_server_cuts_under_load_cost_nothing()
    {
        var hub = database.NewHub();
        await using var host = await hub.StartHostAsync(Register);
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.ScheduleAsync("Load", 20)));

        for (var round = 0; round < 20; round++)
        {
            await hub.ReadAsync<bool>($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> '{TestHub.ApplicationName}'");
            var turns = await TurnsAsync(hub);
            await Eventually.TrueAsync(async () => await TurnsAsync(hub) is var now && (now > turns || now == 0), cancellation: Cancellation);
        }

        await EverythingCompletesAsync(hub, host, ids, 20);
    }

    [Fact]
    public async Task Answers_that_are_lost_after_the_work_was_done_cost_nothing()
    {
        var hub = database.NewHub();
        await using var proxy = new LossyProxy(hub.ConnectionString);
        await using var host = await hub.StartHostAsync(Register, options => options.ConnectionString = proxy.ConnectionString);
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.ScheduleAsync("Load", 20)));

        for (var round = 0; round < 15; round++)
        {
            await proxy.LoseAnswersAsync(Cancellation);
            var turns = await TurnsAsync(hub);
            await Eventually.TrueAsync(async () => await TurnsAsync(hub) is var now && (now > turns || now == 0), cancellation: Cancellation);
        }

        await EverythingCompletesAsync(hub, host, ids, 20);
    }

    [Fact]
    public async Task A_server_that_stops_and_starts_under_load_is_waited_for()
    {
        using var folder = new TempFolder();
        await using var server = await PostgresFixture.StartServerAsync(folder.Path, Cancellation);
        await using var looks = NpgsqlDataSource.Create(server.ConnectionString + ";Pooling=false");
        var hub = new TestHub(server.ConnectionString, looks);
        await using var host = await hub.StartHostAsync(Register);
        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => host.ScheduleAsync("Load", 25)));

        for (var outage = 0; outage < 3; outage++)
        {
            var turns = await TurnsAsync(hub);
            await Eventually.TrueAsync(async () => await TurnsAsync(hub) > turns, cancellation: Cancellation);
            await server.StopAsync(Cancellation);
            await Assert.ThrowsAnyAsync<Npgsql.NpgsqlException>(() => host.Client.GetInstanceAsync(ids[0], cancellation: Cancellation));
            await server.RestartAsync(Cancellation);
        }

        await EverythingCompletesAsync(hub, host, ids, 25);
    }

    [Fact]
    public async Task A_host_that_starts_before_its_server_waits_for_it()
    {
        using var folder = new TempFolder();
        await using var server = await PostgresFixture.StartServerAsync(folder.Path, Cancellation);
        await server.StopAsync(Cancellation);
        await using var looks = NpgsqlDataSource.Create(server.ConnectionString + ";Pooling=false");
        var hub = new TestHub(server.ConnectionString, looks);
        await using var host = await hub.StartHostAsync(Register);
        await Eventually.TrueAsync(() => host.Logs.Warnings.Any(line => line.Contains("Cannot prepare the task hub yet", StringComparison.Ordinal)), cancellation: Cancellation);

        await server.RestartAsync(Cancellation);

        Assert.Equal(3, await host.OutputAsync<int>("Load", 1));
    }

    private static async Task<bool> AnswersAsync(HubHost host, string id)
    {
        try
        {
            return await host.Client.GetInstanceAsync(id, cancellation: Cancellation) is not null;
        }
        catch (Npgsql.NpgsqlException)
        {
            return false;
        }
    }

    private static Task<long> TurnsAsync(TestHub hub) => hub.ReadOneAsync<long>("SELECT coalesce(sum(turn) FILTER (WHERE completed_at IS NULL), 0) FROM instances");
}
