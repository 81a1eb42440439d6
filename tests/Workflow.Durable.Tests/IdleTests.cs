using Workflow.Durable.Tests.Hosting;
using Workflow.Testing;

namespace Workflow.Durable.Tests;

/// <summary>A host with nothing to do writes nothing, and is there at once when there is.</summary>
public sealed class IdleTests(HubDatabase database) : IClassFixture<HubDatabase>
{
    // Longer than the lease and than the longest pause between two looks.
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(7);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_instances_wait_for_far_timers_and_events_nothing_is_written_and_an_event_wakes_one_at_once()
    {
        await using var host = await database.StartHostAsync(
            registry => registry
                .AddOrchestratorFunc<string?, string>("WaitsForTimer", async (context, _) =>
                {
                    await context.CreateTimer(TimeSpan.FromDays(3), CancellationToken.None);
                    return "late";
                })
                .AddOrchestratorFunc<string?, string>("WaitsForEvent", (context, _) => context.WaitForExternalEvent<string>("go")),
            options => options.LeaseDuration = TimeSpan.FromSeconds(2));
        await host.ScheduleAsync("WaitsForTimer");
        var waiting = await host.ScheduleAsync("WaitsForEvent");
        await Eventually.TrueAsync(async () => await InHandAsync(host.Hub) == 0, cancellation: Cancellation);

        var before = await RowsAsync(host.Hub);
        await Task.Delay(s_idle, TimeProvider.System, Cancellation);  // that nothing happens can only be seen by watching
        Assert.Equal(before, await RowsAsync(host.Hub));

        await host.Client.RaiseEventAsync(waiting, "go", "gone", Cancellation);
        Assert.Equal("gone", await host.OutputAsync<string>(waiting));
    }

    private static Task<long> InHandAsync(TestHub hub) =>
        hub.ReadOneAsync<long>("SELECT count(*) FROM instances WHERE lease IS NOT NULL OR status = 'Pending'");

    /// <summary>Every row of the hub's tables, with the transactions that wrote and locked it: the server's own counters come up to ten seconds late.</summary>
    private static Task<string> RowsAsync(TestHub hub) => hub.ReadOneAsync<string>(
        """
        SELECT string_agg(row, ' ' ORDER BY row) FROM (
            SELECT 'instance ' || ctid || xmin || '/' || xmax FROM instances UNION ALL
            SELECT 'history ' || ctid || xmin || '/' || xmax FROM history UNION ALL
            SELECT 'message ' || ctid || xmin || '/' || xmax FROM messages UNION ALL
            SELECT 'activity ' || ctid || xmin || '/' || xmax FROM activities UNION ALL
            SELECT 'lease ' || ctid || xmin || '/' || xmax FROM leases) AS rows (row)
        """);
}
