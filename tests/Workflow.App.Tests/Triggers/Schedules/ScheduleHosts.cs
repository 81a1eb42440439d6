using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Schedules;
using Workflow.Cloud.Objects;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Schedules;

/// <summary>Hosts that keep schedules, on one database, whose clock and theirs a test moves. Nobody works on the runs: they stay as they were started.</summary>
internal sealed class ScheduleHosts : IAsyncDisposable
{
    public static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly TempFolder _folder = new();
    private readonly string _connection;
    private readonly ServiceProvider _services;
    private readonly ServiceDatabase _database;
    private readonly List<(ScheduleWatch Watch, FakeTimeProvider Clock)> _hosts = [];
    private DateTimeOffset _now = Start;

    private ScheduleHosts(string connection)
    {
        _connection = connection;
        _services = new ServiceCollection().AddLogging().AddDurableTaskClient(hub => hub.ConnectionString = connection).BuildServiceProvider();
        Client = _services.GetRequiredService<DurableTaskClient>();
        _database = new(connection, new DurableTaskOptions().TaskHub);
        Table = new(_database);
    }

    public DurableTaskClient Client { get; }

    public ScheduleTable Table { get; }

    public string Connection => _connection;

    public static async Task<ScheduleHosts> CreateAsync(PostgresFixture postgres)
    {
        var hosts = new ScheduleHosts(await postgres.CreateDatabaseAsync(TestContext.Current.CancellationToken));
        await hosts.Table.ClockAsync(TestContext.Current.CancellationToken);
        await hosts.ExecuteAsync("create table test_clock (now timestamptz not null); insert into test_clock values ('2025-01-01Z')");
        await hosts.ExecuteAsync("create or replace function schedule_clock() returns timestamptz language sql volatile as 'select now from test_clock'");
        return hosts;
    }

    /// <summary>A host with a pipeline <c>p</c> that has such a trigger, or with none.</summary>
    public async Task<ScheduleWatch> StartAsync(object? trigger, DateTimeOffset? clock = null)
    {
        var time = new FakeTimeProvider(clock ?? _now);
        var watch = new ScheduleWatch(Settings(trigger), Table, Ticker(trigger), time, _services.GetRequiredService<ILogger<ScheduleWatch>>());
        _hosts.Add((watch, time));
        await watch.StartAsync(TestContext.Current.CancellationToken);
        await RestAsync();
        return watch;
    }

    /// <summary>What a host with such a trigger takes ticks with.</summary>
    public ScheduleTicker Ticker(object? trigger) =>
        new(Table, new(Client, Settings(trigger), new ObjectStores([])), Client, _services.GetRequiredService<ILogger<ScheduleTicker>>());

    public async Task StopAsync(ScheduleWatch watch)
    {
        await watch.StopAsync(TestContext.Current.CancellationToken);
        watch.Dispose();
        _hosts.RemoveAll(host => host.Watch == watch);
    }

    /// <summary>Lets time pass, for the database first, in steps after each of which all hosts sleep again.</summary>
    public async Task PassAsync(TimeSpan time, TimeSpan? step = null)
    {
        for (var until = _now + time; _now < until;)
        {
            var by = step ?? time;
            _now += by;
            await ExecuteAsync($"update test_clock set now = '{_now:O}'");
            foreach (var (_, clock) in _hosts)
            {
                clock.Advance(by);
            }

            await RestAsync();
        }
    }

    /// <summary>Lets time pass for the hosts, not for the database.</summary>
    public void Advance(TimeSpan time) => _hosts.ForEach(host => host.Clock.Advance(time));

    /// <summary>Waits until every host has found the database away and is about to try again.</summary>
    public Task RetryAsync() => Eventually.TrueAsync(() => _hosts.All(host => host.Clock.TimerCount >= 1 && host.Clock.NextTimer <= TimeSpan.FromSeconds(5)), Deadline);

    /// <summary>Waits until every host has done what there was to do, and sleeps.</summary>
    public Task RestAsync() => Eventually.TrueAsync(() => _hosts.All(host => host.Clock.TimerCount == 1), Deadline);

    public Task<ScheduleRow> RowAsync() => ReadAsync(row => true);

    public async Task<ScheduleRow> ReadAsync(Func<ScheduleRow, bool> until) =>
        (await Eventually.GetAsync(async () => (await Table.ListAsync(TestContext.Current.CancellationToken)).Rows.SingleOrDefault(), row => row is not null && until(row), Deadline))!;

    /// <summary>The runs there are, by their ids without the name of the pipeline.</summary>
    public async Task<IReadOnlyList<string>> RunsAsync() =>
        [.. (await Client.GetAllInstancesAsync(new OrchestrationQuery(), TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken))
            .Select(run => run.InstanceId["p-".Length..]).Order(StringComparer.Ordinal)];

    /// <summary>Ends a run as a host that works would.</summary>
    public Task EndAsync(string run) =>
        ExecuteAsync($"update durable.instances set status = 'Completed', completed_at = now() where instance_id = 'p-{run}'");

    public async Task<string> ExecuteAsync(string sql)
    {
        await using var connection = await _database.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return $"{await command.ExecuteScalarAsync(TestContext.Current.CancellationToken)}";
    }

    public Settings Settings(object? trigger)
    {
        var data = new DataFolder(_folder.Path);
        File.WriteAllText(data.SettingsFile, new JsonObject
        {
            ["Pipelines"] = new JsonObject
            {
                ["p"] = new JsonObject
                {
                    ["Kind"] = "csv-to-warehouse",
                    ["Trigger"] = System.Text.Json.JsonSerializer.SerializeToNode(trigger),
                    ["Options"] = new JsonObject { ["Object"] = "local://landing/csv/", [nameof(Table)] = "users" },
                },
            },
        }.ToJsonString());
        var settings = App.Configuration.Settings.Load(App.Configuration.Settings.Sources(data));
        return settings with { Pipelines = [settings.Find("p")] };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (watch, _) in _hosts)
        {
            await watch.StopAsync(CancellationToken.None);
            watch.Dispose();
        }

        await _services.DisposeAsync();
        await _database.DisposeAsync();
        _folder.Dispose();
    }
}
