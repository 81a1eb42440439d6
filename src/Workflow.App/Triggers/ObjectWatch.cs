using System.Runtime.ExceptionServices;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers;

/// <summary>
/// Watches the prefixes of object triggers and starts one run per new object. Any number of hosts may watch the same prefix:
/// the run's id is made of the object's address, tag and time, so one object is one run, whoever sees it and how often.
/// </summary>
internal sealed class ObjectWatch(Settings settings, Runs runs, ObjectStores stores, TimeProvider time, ILogger<ObjectWatch> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(settings.Pipelines.Where(pipeline => pipeline.Trigger is { Watch: true }).Select(pipeline => WatchAsync(pipeline, pipeline.Trigger!, stoppingToken)));

    private async Task WatchAsync(Pipeline pipeline, ObjectTrigger trigger, CancellationToken stopping)
    {
        var sight = new Sight();
        using var timer = new PeriodicTimer(trigger.Interval, time);
        string? trouble = null;
        do
        {
            try
            {
                await LookAsync(pipeline, trigger, sight, stopping);
                trouble = null;
            }
            catch (Exception failed) when (!stopping.IsCancellationRequested || failed is not OperationCanceledException)
            {
                // The store or the hub is away: the next look tries again. The same trouble is told once, not every second.
                if (trouble != failed.Message)
                {
                    trouble = failed.Message;
                    logger.LogWarning("Pipeline {Pipeline} cannot watch {Prefix} now and keeps trying: {Reason}", pipeline.Name, trigger.Prefix, failed.Message);
                }
            }
        }
        while (await timer.WaitForNextTickAsync(stopping));
    }

    private async Task LookAsync(Pipeline pipeline, ObjectTrigger trigger, Sight sight, CancellationToken stopping)
    {
        var seen = new List<ObjectInfo>();
        await foreach (var found in stores.For(trigger.Prefix).ListAsync(trigger.Prefix, stopping))
        {
            if (trigger.Matches(found.Address))
            {
                seen.Add(found);
            }
        }

        Exception? failure = null;
        foreach (var arrived in sight.Take(seen))
        {
            try
            {
                var instance = await runs.StartForAsync(pipeline, arrived, stopping);
                sight.Started(arrived);
                if (instance is not null)
                {
                    logger.LogInformation("{Object} is run {Instance} of {Pipeline}.", arrived.Address, instance, pipeline.Name);
                }
            }
            catch (Exception failed) when (!Runs.AreAway(failed))
            {
                failure ??= failed;  // the next look tries it again; those behind it do not wait for that
            }
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>
    /// What was there at the last look. An object counts as arrived when two looks in a row see it unchanged, so that a file
    /// that is still being written is left alone. One that stays is asked about again, ever more rarely: it may have gone and come
    /// back between two looks.
    /// </summary>
    internal sealed class Sight
    {
        private const int LongestPause = 1 << 12;

        private Dictionary<ObjectInfo, Seen> _last = [];

        public IReadOnlyList<ObjectInfo> Take(IReadOnlyList<ObjectInfo> seen)
        {
            var before = _last;
            _last = seen.ToDictionary(info => info, info => before.TryGetValue(info, out var known) ? known with { Looks = known.Looks - 1 } : new Seen(1, 1));
            return [.. seen.Where(info => _last[info].Looks <= 0)];
        }

        public void Started(ObjectInfo info)
        {
            var pause = Math.Min(2 * _last[info].Pause, LongestPause);
            _last[info] = new(pause, pause);
        }

        /// <param name="Looks">Until it is asked about.</param>
        private readonly record struct Seen(int Pause, int Looks);
    }
}
