using Workflow.App.Triggers;
using Workflow.Cloud.Objects;

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
}
