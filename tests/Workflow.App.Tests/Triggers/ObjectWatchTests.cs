using Microsoft.Extensions.Logging.Abstractions;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Triggers;
using Workflow.Cloud.Objects;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers;

public sealed class ObjectWatchTests
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
        using var folder = new TempFolder();
        var data = new DataFolder(folder.Path);
        await File.WriteAllTextAsync(
            data.SettingsFile,
            """{"Pipelines": {"p": {"Kind": "csv-to-warehouse", "Trigger": {"Object": "local://landing/watched/", "Interval": "00:00:00.1"}, "Options": {"Table": "users"}}}}""",
            TestContext.Current.CancellationToken);
        var settings = Settings.Load(Settings.Sources(data));
        var store = new HangingStore();
        using var watch = new ObjectWatch(settings with { Pipelines = [settings.Find("p")] }, null!, new([store]), TimeProvider.System, NullLogger<ObjectWatch>.Instance);

        await watch.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(() => store.Looks > 2 || watch.ExecuteTask!.IsCompleted);
        await watch.StopAsync(TestContext.Current.CancellationToken);

        Assert.InRange(store.Looks, 3, int.MaxValue);
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

    /// <summary>Its client waits for an answer as long as it will, and breaks off.</summary>
    private sealed class HangingStore : IObjectStore
    {
        public int Looks { get; private set; }

        public string Scheme => "local";

        public IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, CancellationToken cancellation)
        {
            Looks++;
            throw new TaskCanceledException("no answer within 100 s");
        }

        public Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation) => throw new NotSupportedException();

        public Task DeleteAsync(ObjectAddress address, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
