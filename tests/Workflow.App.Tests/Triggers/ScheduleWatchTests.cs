using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.App.Triggers;
using Workflow.Cloud.Objects;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers;

public sealed class ScheduleWatchTests(PostgresFixture postgres) : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Each_tick_is_one_run_however_many_hosts_keep_the_schedule()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var connection = await postgres.CreateDatabaseAsync(cancellation);
        await using var services = new ServiceCollection().AddLogging().AddDurableTaskClient(hub => hub.ConnectionString = connection).BuildServiceProvider();
        var client = services.GetRequiredService<DurableTaskClient>();
        var settings = Load();
        var clock = new FakeTimeProvider(new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var one = Watch();
        using var other = Watch();
        await Task.WhenAll(one.StartAsync(cancellation), other.StartAsync(cancellation));

        for (var minute = 0; minute < 100; minute++)
        {
            await Eventually.TrueAsync(() => Task.FromResult(clock.TimerCount == 2), TimeSpan.FromSeconds(20));
            clock.Advance(TimeSpan.FromMinutes(1));
        }

        await Eventually.TrueAsync(async () => (await RunsAsync(client)).Count == 2, TimeSpan.FromSeconds(20));
        await Task.WhenAll(one.StopAsync(cancellation), other.StopAsync(cancellation));

        Assert.Equal(["hourly-20250101T002000Z", "hourly-20250101T012000Z"], await RunsAsync(client));

        ScheduleWatch Watch() => new(settings, new Runs(client, settings, new ObjectStores([])), clock, NullLogger<ScheduleWatch>.Instance);
    }

    private static async Task<List<string>> RunsAsync(DurableTaskClient client) =>
        [.. (await client.GetAllInstancesAsync(new OrchestrationQuery(), TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken))
            .Select(run => run.InstanceId).Order(StringComparer.Ordinal)];

    private Settings Load()
    {
        var data = new DataFolder(_folder.Path);
        File.WriteAllText(data.SettingsFile, JsonNode.Parse("""
            { "Pipelines": { "hourly": {
              "Kind": "csv-to-warehouse",
              "Trigger": { "Schedule": "cron(20 * * * ? *)" },
              "Options": { "Object": "local://landing/csv/", "Table": "users" } } } }
            """)!.ToJsonString());
        var settings = Settings.Load(Settings.Sources(data));
        return settings with { Pipelines = [settings.Find("hourly")] };
    }
}
