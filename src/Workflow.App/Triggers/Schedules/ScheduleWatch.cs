using System.Collections.Concurrent;
using System.Threading.Channels;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;

namespace Workflow.App.Triggers.Schedules;

/// <summary>
/// Sleeps until a schedule is due, and takes it. Any number of hosts do; what time it is, and which ticks are done, the database says. A host that is woken
/// by its own clock asks it again, so that clocks which differ or are set do no harm.
/// </summary>
internal sealed class ScheduleWatch(Settings settings, ScheduleTable table, ScheduleTicker ticker, TimeProvider time, ILogger<ScheduleWatch> logger) : BackgroundService
{
    // A machine may have been asleep, and its timers with it; and a call may be lost.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);
    private const int AtOnce = 8;

    private readonly IReadOnlyDictionary<string, Pipeline> _pipelines = settings.Pipelines.Where(pipeline => pipeline.Schedule is not null).ToDictionary(pipeline => pipeline.Name);

    // Which this host has not brought up to date with its settings. It does so once, when it starts: the host that started last is right.
    private readonly ConcurrentDictionary<string, bool> _outdated = new(
        settings.Pipelines.Where(pipeline => pipeline.Schedule is not null).Select(pipeline => KeyValuePair.Create(pipeline.Name, true)));

    private readonly ConcurrentDictionary<string, string> _troubles = new();

    // Room for one: news that has not been looked at yet is no more urgent for having come twice.
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await UntilItWorksAsync("schedules", () => table.RemoveOthersAsync([.. _pipelines.Keys], stoppingToken), stoppingToken);
        if (_pipelines.Count > 0)
        {
            await Task.WhenAll(ListenAsync(stoppingToken), KeepAsync(stoppingToken));
        }
    }

    private async Task KeepAsync(CancellationToken stopping)
    {
        while (true)
        {
            var sleep = Retry;
            await TryAsync("schedules", async () => sleep = await LookAsync(stopping), stopping);
            await using var alarm = time.CreateTimer(_ => _news.Writer.TryWrite(true), null, sleep, Timeout.InfiniteTimeSpan);
            await _news.Reader.ReadAsync(stopping);
        }
    }

    /// <returns>How long nothing is to be done.</returns>
    private async Task<TimeSpan> LookAsync(CancellationToken stopping)
    {
        var asked = time.GetTimestamp();
        var (now, rows) = await table.ListAsync(stopping);
        var seen = rows.ToDictionary(row => row.Pipeline);
        var sleeps = new ConcurrentBag<TimeSpan>([LongestSleep]);
        await Parallel.ForEachAsync(_pipelines.Values, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stopping }, async (pipeline, _) =>
        {
            var sleep = (TimeSpan?)Retry;
            await TryAsync(pipeline.Name, async () => sleep = await SeeToAsync(pipeline, seen.GetValueOrDefault(pipeline.Name), now, stopping), stopping);
            sleeps.Add(sleep ?? LongestSleep);
        });
        var left = sleeps.Min() - time.GetElapsedTime(asked);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <returns>How long nothing is to be done about it, from <paramref name="now"/> on.</returns>
    private async Task<TimeSpan?> SeeToAsync(Pipeline pipeline, ScheduleRow? seen, DateTimeOffset now, CancellationToken stopping)
    {
        var isOutdated = _outdated.ContainsKey(pipeline.Name);
        if (seen is not null && !isOutdated && !ScheduleTurn.IsDue(seen, now))
        {
            return seen.DueIn(now);
        }

        var ticked = await ticker.TakeAsync(pipeline, isOutdated ? null : seen, now, stopping);
        if (ticked.IsUpToDate)
        {
            _outdated.TryRemove(pipeline.Name, out _);
        }

        return ticked.Now - now + ticked.LookIn;
    }

    /// <summary>Hears when a schedule is paused, resumed or changed.</summary>
    private async Task ListenAsync(CancellationToken stopping)
    {
        while (true)
        {
            await UntilItWorksAsync("calls", () => table.ListenAsync(() => _news.Writer.TryWrite(true), stopping), stopping);
        }
    }

    private async Task UntilItWorksAsync(string what, Func<Task> work, CancellationToken stopping)
    {
        while (!await TryAsync(what, work, stopping))
        {
            await Task.Delay(Retry, time, stopping);
        }
    }

    /// <summary>The database may be away, or one schedule in trouble: it is tried again, and the others go on. The same trouble is told once, not every time.</summary>
    private async Task<bool> TryAsync(string what, Func<Task> work, CancellationToken stopping)
    {
        try
        {
            await work();
            _troubles.TryRemove(what, out _);
            return true;
        }
        catch (Exception failed) when (!stopping.IsCancellationRequested || failed is not OperationCanceledException)
        {
            if (!_troubles.TryGetValue(what, out var told) || told != failed.Message)
            {
                _troubles[what] = failed.Message;
                logger.LogWarning("Cannot see to {What} now and keeps trying: {Reason}", what, failed.Message);
            }

            return false;
        }
    }
}
