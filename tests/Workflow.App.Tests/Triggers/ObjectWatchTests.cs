using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Triggers;
using Workflow.Cloud.Objects;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers;

public sealed class ObjectWatchTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly ObjectWatch.Sight _sight = new();

    [Fact]
    public void An_object_counts_once_two_looks_saw_it_unchanged()
    {
        Assert.Empty(_sight.Take([Info("a", 1)]));
        Assert.Equal([Info("a", 1)], _sight.Take([Info("a", 1)]));
    }

    [Fact]
    public void An_object_that_still_grows_is_left_alone()
    {
        _sight.Take([Info("a", 1)]);
        Assert.Empty(_sight.Take([Info("a", 2)]));
        Assert.Empty(_sight.Take([Info("a", 3)]));
        Assert.Equal([Info("a", 3)], _sight.Take([Info("a", 3)]));
    }

    [Fact]
    public void An_object_that_stays_is_asked_about_ever_more_rarely()
    {
        var asked = Enumerable.Range(0, 40).Where(_ => Look(Info("a", 1))).ToList();

        Assert.Equal([1, 3, 7, 15, 31], asked);
    }

    [Fact]
    public void An_object_whose_start_failed_is_asked_for_again()
    {
        _sight.Take([Info("a", 1)]);
        _sight.Take([Info("a", 1)]);
        Assert.Equal([Info("a", 1)], _sight.Take([Info("a", 1)]));
    }

    [Fact]
    public void An_object_that_comes_back_is_new()
    {
        Look(Info("a", 1));
        Look(Info("a", 1));
        Look();
        Look(Info("a", 1));
        Assert.Equal([Info("a", 1)], _sight.Take([Info("a", 1)]));
    }

    [Fact]
    public async Task A_look_that_a_store_breaks_off_by_itself_is_not_the_last()
    {
        var store = new ScriptedStore { List = () => throw new TaskCanceledException("no answer within 100 s") };
        await using var watch = await StartAsync(store, null!);

        await Eventually.TrueAsync(() => store.Looks > 2 || watch.HasEnded);

        Assert.False(watch.HasEnded);
    }

    [Fact]
    public async Task An_object_that_fails_by_itself_keeps_none_behind_it_waiting()
    {
        var hub = await postgres.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        await using var services = new ServiceCollection().AddLogging().AddDurableTaskClient(options => options.ConnectionString = hub).BuildServiceProvider();
        var client = services.GetRequiredService<DurableTaskClient>();
        ObjectInfo[] there = [Info("watched/a.csv", 1)];
        var store = new ScriptedStore { List = () => there, Find = _ => throw new ObjectStoreException("it is encrypted with a key that nobody gave") };
        await using var watch = await StartAsync(store, client);

        // Its run has ended and left it there: whether it has come again is for the store to say.
        await Eventually.TrueAsync(async () => await RunsAsync() == 1);
        await using var data = NpgsqlDataSource.Create(hub);
        await using var end = data.CreateCommand("update durable.instances set status = 'Completed', completed_at = now()");
        await end.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => store.Finds > 0);
        there = [.. there, Info("watched/b.csv", 1)];

        await Eventually.TrueAsync(async () => await RunsAsync() == 2);

        async Task<int> RunsAsync() => (await client.QueryInstancesAsync(new(), TestContext.Current.CancellationToken)).Values.Count;
    }

    private static async Task<Watching> StartAsync(ScriptedStore store, DurableTaskClient client)
    {
        var folder = new TempFolder();
        var data = new DataFolder(folder.Path);
        await File.WriteAllTextAsync(
            data.SettingsFile,
            """{"Pipelines": {"p": {"Kind": "csv-to-warehouse", "Trigger": {"Object": "local://landing/watched/", "Interval": "00:00:00.1"}, "Options": {"Table": "users"}}}}""",
            TestContext.Current.CancellationToken);
        var settings = Settings.Load(Settings.Sources(data));
        var stores = new ObjectStores([store]);
        var watch = new ObjectWatch(settings with { Pipelines = [settings.Find("p")] }, new(client, settings, stores), stores, TimeProvider.System, NullLogger<ObjectWatch>.Instance);
        await watch.StartAsync(TestContext.Current.CancellationToken);
        return new(watch, folder);
    }

    private bool Look(params ObjectInfo[] seen)
    {
        var arrivals = _sight.Take(seen);
        foreach (var arrived in arrivals)
        {
            _sight.Started(arrived);
        }

        return arrivals.Count > 0;
    }

    private static ObjectInfo Info(string name, long size) => new(new("local", "landing", name), size, $"{size}", Start);

    private sealed class Watching(ObjectWatch watch, TempFolder folder) : IAsyncDisposable
    {
        public bool HasEnded => watch.ExecuteTask!.IsCompleted;

        public async ValueTask DisposeAsync()
        {
            await watch.StopAsync(CancellationToken.None);
            watch.Dispose();
            folder.Dispose();
        }
    }

    /// <summary>Shows what a test has it show, and fails as it is told.</summary>
    private sealed class ScriptedStore : IObjectStore
    {
        public required Func<ObjectInfo[]> List { get; init; }

        public Func<ObjectAddress, ObjectInfo?> Find { get; init; } = _ => null;

        public int Looks { get; private set; }

        public int Finds { get; private set; }

        public string Scheme => "local";

        public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, CancellationToken cancellation)
        {
            Looks++;
            return List().ToAsyncEnumerable();
        }

        public Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation)
        {
            Finds++;
            return Task.FromResult(Find(address));
        }

        public Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation) => throw new NotSupportedException();

        public Task DeleteAsync(ObjectAddress address, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
