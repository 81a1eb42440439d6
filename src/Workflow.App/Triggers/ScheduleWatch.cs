using Workflow.App.Configuration;
using Workflow.App.Pipelines;

namespace Workflow.App.Triggers;

/// <summary>
/// Starts one run per tick of each schedule. Any number of hosts may keep the same schedule: the run's id is made of the pipeline and
/// the tick. Ticks that fall while no host is up are left out.
/// </summary>
internal sealed class ScheduleWatch(Settings settings, Runs runs, TimeProvider time, ILogger<ScheduleWatch> logger) : BackgroundService
{
    // The clock may be set, and a timer does not notice.
    private static readonly TimeSpan LongestSleep = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(settings.Pipelines.Where(pipeline => pipeline.Schedule is not null).Select(pipeline => KeepAsync(pipeline, pipeline.Schedule!, stoppingToken)));

    private async Task KeepAsync(Pipeline pipeline, Schedule schedule, CancellationToken stopping)
    {
        for (var tick = schedule.Next(time.GetUtcNow()); ; tick = schedule.Next(tick))
        {
            for (var left = tick - time.GetUtcNow(); left > TimeSpan.Zero; left = tick - time.GetUtcNow())
            {
                await Task.Delay(left < LongestSleep ? left : LongestSleep, time, stopping);
            }

            await StartAsync(pipeline, tick, schedule.Next(tick), stopping);
        }
    }

    private async Task StartAsync(Pipeline pipeline, DateTimeOffset tick, DateTimeOffset next, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                logger.LogInformation("{Tick:u} is run {Instance} of {Pipeline}.", tick, await runs.StartForAsync(pipeline, tick, stopping), pipeline.Name);
                return;
            }
            catch (Exception failed) when (failed is not OperationCanceledException)
            {
                // The hub is away: tried again until the next tick is due.
                var givenUp = time.GetUtcNow() + Pause >= next;
                logger.LogWarning("The run of {Pipeline} at {Tick:u} cannot be started {Outlook}: {Reason}", pipeline.Name, tick, givenUp ? "and is left out" : "yet", failed.Message);
                if (givenUp)
                {
                    return;
                }

                await Task.Delay(Pause, time, stopping);
            }
        }
    }
}
