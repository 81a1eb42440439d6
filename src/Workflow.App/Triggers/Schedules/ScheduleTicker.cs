using Npgsql;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Triggers.Schedules;

/// <summary>A schedule after its turn.</summary>
/// <param name="Now">The time that counted.</param>
/// <param name="LookIn">Until something is due again; null when nothing will be by itself.</param>
/// <param name="IsUpToDate">It is as the settings have it.</param>
internal sealed record Ticked(DateTimeOffset Now, TimeSpan? LookIn, bool IsUpToDate);

/// <summary>
/// Starts the runs of the ticks that are due. A schedule is in one host's hands at a time, and the start of a run and the row's moving on are one
/// transaction: whoever dies or freezes in between has done neither, and the tick is due still.
/// </summary>
/// <remarks>
/// Where runs are kept elsewhere (<see cref="StartOrchestrationOptions.Within"/>) the start comes before the row moves on. The run's id is made of the
/// tick: starting it again finds the run that is there.
/// </remarks>
internal sealed class ScheduleTicker(ScheduleTable table, Runs runs, DurableTaskClient client, ILogger<ScheduleTicker> logger)
{
    // A run that is waited for may have ended.
    private static readonly TimeSpan LookAtRun = TimeSpan.FromSeconds(1);

    /// <param name="seen">
    /// As it was seen to be due; null to bring it up to date with the settings, as soon as nothing is due by what they said before.
    /// </param>
    /// <param name="at">When it was seen.</param>
    public async Task<Ticked> TakeAsync(Pipeline pipeline, ScheduleRow? seen, DateTimeOffset at, CancellationToken cancellation)
    {
        if (seen?.ReadSchedule() is { } known && ScheduleTurn.Take(seen, known, await IsBusyAsync(seen, cancellation), at) is { Start.Count: 0 } waiting && waiting.Row == seen)
        {
            return new(at, LookAtRun, IsUpToDate: true);  // a lock is written down, too: whoever only waits takes none
        }

        await using var locked = await LockAsync(pipeline, cancellation);
        var (row, now) = (locked.Row, locked.Now);
        var schedule = row.ReadSchedule();
        var turn = schedule is not null && ScheduleTurn.IsDue(row, now) ? ScheduleTurn.Take(row, schedule, await IsBusyAsync(row, cancellation), now) : new([], row);
        (row, var started) = await StartAsync(pipeline, turn, locked.Transaction, cancellation);
        var isDue = schedule is not null && ScheduleTurn.IsDue(row, now);
        var isUpToDate = seen is not null || !isDue;
        row = seen is null && isUpToDate ? row.With(pipeline.Schedule!, now) : row;
        if (row != locked.Row)
        {
            // The others know when the next tick of a schedule is due, but not of another schedule.
            await locked.SaveAsync(row, tellOthers: seen is null, cancellation);
            Report(started, locked.Row, row);
        }

        var wait = isDue ? (turn.Start.Count < ScheduleTurn.MostAtOnce ? LookAtRun : TimeSpan.Zero) : row.ReadSchedule() is null ? null : row.DueIn(now);
        return new(now, wait, isUpToDate);
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

    private async Task<(ScheduleRow Row, IReadOnlyList<ScheduleRow> Started)> StartAsync(
        Pipeline pipeline, ScheduleTurn turn, NpgsqlTransaction within, CancellationToken cancellation)
    {
        var row = turn.Row;
        var started = new List<ScheduleRow>();
        foreach (var tick in turn.Start)
        {
            try
            {
                row = row with { LastTick = tick, LastInstance = await runs.StartForAsync(pipeline, tick, within, cancellation) };
                started.Add(row);
            }
            catch (UsageException wrong)
            {
                // Trying again does not help; the next tick may come after somebody has mended it.
                row = row with { LeftOutTick = tick, LeftOutReason = wrong.Message };
            }
        }

        return (row, started);
    }

    private void Report(IReadOnlyList<ScheduleRow> started, ScheduleRow before, ScheduleRow now)
    {
        foreach (var row in started)
        {
            logger.LogInformation("{Tick:u} is run {Instance} of {Pipeline}.", row.LastTick, row.LastInstance, row.Pipeline);
        }

        if (now.LeftOutTick != before.LeftOutTick)
        {
            logger.LogWarning("The tick of {Pipeline} at {Tick:u} is left out: {Reason}. The next is at {Next:u}.", now.Pipeline, now.LeftOutTick, now.LeftOutReason, now.NextTick);
        }
    }
}
