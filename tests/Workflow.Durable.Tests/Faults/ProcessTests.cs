using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests.Faults;

/// <summary>Real processes that are killed and frozen while they work.</summary>
[TakesLong]
public sealed class ProcessTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    private const int Steps = 12;
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(120);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_at_any_moment_again_and_again_a_host_loses_nothing_and_does_no_step_twice()
    {
        var (hub, client) = await NewHubAsync();
        var ids = await StartChainsAsync(client, 40);
        var random = new Random(20261121);  // the moments of the kills; the work under way at each is different every time
        for (var round = 0; round < 8; round++)
        {
            using var host = await HostProcess.StartAsync(hub);
            var before = await EffectsAsync(hub);
            var more = random.Next(1, 25);
            await Eventually.TrueAsync(async () => await EffectsAsync(hub) >= before + more || await hub.AllEndedAsync(), s_deadline, Cancellation);
            host.Kill();
        }

        using var last = await HostProcess.StartAsync(hub);
        await EverythingCompletedAsync(hub, client, ids);
    }

    [Fact]
    public async Task Two_hosts_share_the_work_and_the_one_that_is_left_finishes_it()
    {
        var (hub, client) = await NewHubAsync();
        using var one = await HostProcess.StartAsync(hub);
        using var two = await HostProcess.StartAsync(hub);
        var ids = await StartChainsAsync(client, 200);  // more than one host holds, so that there is something for the other
        await Eventually.TrueAsync(async () => await hub.ReadOneAsync<long>("SELECT count(DISTINCT process) FROM effects") == 2, s_deadline, Cancellation);

        one.Kill();

        await EverythingCompletedAsync(hub, client, ids);
    }

    [Fact]
    public async Task A_host_frozen_past_its_lease_commits_nothing_when_it_wakes_and_then_works_on()
    {
        var (hub, client) = await NewHubAsync();
        using var frozen = await HostProcess.StartAsync(hub, leaseSeconds: 1);
        var ids = await StartChainsAsync(client, 20);
        await Eventually.TrueAsync(async () => await EffectsAsync(hub) > 30, s_deadline, Cancellation);
        frozen.Signal("STOP");
        using (var other = await HostProcess.StartAsync(hub, leaseSeconds: 1))
        {
            await EverythingCompletedAsync(hub, client, ids);
            other.Kill();
        }

        var turns = await TurnsAsync(hub);
        frozen.Signal("CONT");
        var more = await StartChainsAsync(client, 5);
        await EverythingCompletedAsync(hub, client, [.. ids, .. more]);

        // What was complete is as it was: the commits it woke up with were refused.
        Assert.Equal(turns, (await TurnsAsync(hub)).Where(turn => ids.Contains(turn.Key)).ToDictionary());
    }

    [Fact]
    public async Task Killed_at_any_moment_of_a_rewind_nothing_is_lost()
    {
        var (hub, client) = await NewHubAsync();
        await hub.ExecuteAsync("CREATE TABLE broken AS SELECT 1 AS step");
        var ids = await Task.WhenAll(Enumerable.Range(0, 15).Select(_ => client.ScheduleAsync("Parent", Steps)));
        var random = new Random(20261122);
        for (var round = 0; round < 7; round++)
        {
            if (round == 4)
            {
                await hub.ExecuteAsync("DELETE FROM broken");
            }

            using var host = await HostProcess.StartAsync(hub);
            var before = await hub.TurnsTakenAsync();
            var more = random.Next(1, 90);
            await Eventually.TrueAsync(
                async () =>
                {
                    await RewindFailedAsync();
                    return await hub.TurnsTakenAsync() >= before + more || await hub.AllEndedAsync();
                },
                s_deadline,
                Cancellation);
            host.Kill();
        }

        using var last = await HostProcess.StartAsync(hub);
        await Eventually.TrueAsync(
            async () =>
            {
                await RewindFailedAsync();
                return await hub.AllEndedAsync();
            },
            s_deadline,
            Cancellation);

        foreach (var id in ids)
        {
            Assert.Equal(2 * Steps, await client.OutputAsync<int>(id));
        }

        Assert.Equal(ids.Length * 2 * Steps, await hub.ReadOneAsync<long>("SELECT count(DISTINCT step) FROM effects"));
        await LegalHistory.NothingIsLeftAsync(hub);

        async Task RewindFailedAsync()
        {
            foreach (var id in await hub.ReadAsync<string>("SELECT instance_id FROM instances WHERE status = 'Failed' AND parent_id IS NULL"))
            {
                await client.Client.RewindInstanceAsync(id, cancellation: Cancellation);
            }
        }
    }

    private async Task<(TestHub Hub, HubHost Client)> NewHubAsync()
    {
        var hub = database.NewHub();
        var client = new HubHost(hub, _ => { });  // never started: it is here for its client
        await client.Client.GetInstanceAsync("none", cancellation: Cancellation);
        await hub.ExecuteAsync("CREATE TABLE effects (step text NOT NULL, process integer NOT NULL)");
        return (hub, client);
    }

    private static Task<string[]> StartChainsAsync(HubHost client, int chains) =>
        Task.WhenAll(Enumerable.Range(0, chains).Select(_ => client.ScheduleAsync("Chain", Steps)));

    private static async Task EverythingCompletedAsync(TestHub hub, HubHost client, string[] ids)
    {
        await Eventually.TrueAsync(() => hub.AllEndedAsync(), s_deadline, Cancellation);
        foreach (var id in ids)
        {
            Assert.Equal(Steps, await client.OutputAsync<int>(id));
            await LegalHistory.CheckAsync(hub, client, id);
        }

        Assert.Equal(ids.Length * Steps, await hub.ReadOneAsync<long>("SELECT count(DISTINCT step) FROM effects"));
        await LegalHistory.NothingIsLeftAsync(hub);
    }

    private static Task<long> EffectsAsync(TestHub hub) => hub.ReadOneAsync<long>("SELECT count(*) FROM effects");

    private static async Task<Dictionary<string, string>> TurnsAsync(TestHub hub) =>
        (await hub.ReadAsync<string>("SELECT instance_id || '|' || turn || ' ' || updated_at FROM instances")).Select(row => row.Split('|')).ToDictionary(row => row[0], row => row[1]);
}
