using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Triggers.Schedules;

/// <summary>A schedule after its turn.</summary>
/// <param name="LookIn">Until something is due again; null when nothing will be by itself.</param>
/// <param name="IsUpToDate">It is as the settings have it.</param>
internal sealed record Ticked(TimeSpan? LookIn, bool IsUpToDate);

/// <summary>
/// Starts the runs of the ticks that are due. A schedule is in one host's hands at a time; the run's id is made of the tick, and the row moves on
/// only after the start is durable: whoever dies in between, the tick is due still, and starting it again finds the run that is there.
/// </summary>
internal sealed class ScheduleTicker(ScheduleTable table, Runs runs, DurableTaskClient client, ILogger<ScheduleTicker> logger)
{
    // A run that is waited for may have ended.
    private static readonly TimeSpan LookAtRun = TimeSpan.FromSeconds(1);

    /// <param name="update">Brings the schedule up to date with the settings, as soon as nothing is due by what they said before.</param>
    public async Task<Ticked> TakeAsync(Pipeline pipeline, bool update, CancellationToken cancellation)
    {
        await using var locked = await LockAsync(pipeline, cancellation);
        var (row, started) = (locked.Row, 0);
        var schedule = row.ReadSchedule();
        if (schedule is not null && ScheduleTurn.IsDue(row, locked.Now))
        {
            var turn = ScheduleTurn.Take(row, schedule, await IsBusyAsync(row, cancellation), locked.Now);
            row = await StartAsync(pipeline, turn, cancellation);
            started = turn.Start.Count;
            ReportLeftOut(locked.Row, row);
        }

        var isDue = ScheduleTurn.IsDue(row, locked.Now);
        if (update && (schedule is null || !isDue))
        {
            row = row.With(pipeline.Schedule!, locked.Now);
            update = false;
        }

        if (row != locked.Row)
        {
            await locked.SaveAsync(row, tellOthers: row.NextTick != locked.Row.NextTick && started == 0, cancellation);
        }

        var wait = isDue ? started < ScheduleTurn.MostAtOnce ? LookAtRun : TimeSpan.Zero : row.Ticks ? row.NextTick - locked.Now : null;
        return new(wait, !update);
    }

    private async Task<LockedSchedule> LockAsync(Pipeline pipeline, CancellationToken cancellation)
    {
        while (true)
        {
            if (await table.LockAsync(pipeline.Name, cancellation) is { } locked)
            {
                return locked;
            }

            await table.AddAsync(ScheduleRow.Of(pipeline.Name, pipeline.Schedule!, await table.ClockAsync(cancellation)), cancellation);
        }
    }

    private async Task<bool> IsBusyAsync(ScheduleRow row, CancellationToken cancellation) =>
        row is { LastInstance: { } last, Overlap: not OverlapPolicy.Allow } && await client.GetInstanceAsync(last, getInputsAndOutputs: false, cancellation) is { IsCompleted: false };

    private async Task<ScheduleRow> StartAsync(Pipeline pipeline, ScheduleTurn turn, CancellationToken cancellation)
    {
        var row = turn.Row;
        foreach (var tick in turn.Start)
        {
            try
            {
                var instance = await runs.StartForAsync(pipeline, tick, cancellation);
                row = row with { LastTick = tick, LastInstance = instance };
                logger.LogInformation("{Tick:u} is run {Instance} of {Pipeline}.", tick, instance, pipeline.Name);
            }
            catch (UsageException wrong)
            {
                // Trying again does not help; the next tick may come after somebody has mended it.
                row = row with { LeftOutTick = tick, LeftOutReason = wrong.Message };
            }
        }

        return row;
    }

    private void ReportLeftOut(ScheduleRow before, ScheduleRow now)
    {
        if (now.LeftOutTick != before.LeftOutTick)
        {
            logger.LogWarning("The tick of {Pipeline} at {Tick:u} is left out: {Reason}. The next is at {Next:u}.", now.Pipeline, now.LeftOutTick, now.LeftOutReason, now.NextTick);
        }
    }
}
