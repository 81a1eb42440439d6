namespace Workflow.App.Triggers.Schedules;

/// <summary>What is to be done about a schedule at a moment: a function of its row, the clock and whether the run before has ended.</summary>
/// <param name="Start">The ticks that become runs now, in their order.</param>
/// <param name="Row">How the schedule stands once they have been started.</param>
internal sealed record ScheduleTurn(IReadOnlyList<DateTimeOffset> Start, ScheduleRow Row)
{
    /// <summary>Ticks that one turn starts at most; what is left is the next turn's.</summary>
    public const int MostAtOnce = 100;

    /// <summary>A tick that is not taken for longer was missed.</summary>
    public static readonly TimeSpan Punctual = TimeSpan.FromMinutes(1);

    /// <summary>There is something to be done: start, queue or leave out a tick, or wait for a run to end.</summary>
    public static bool IsDue(ScheduleRow row, DateTimeOffset now) => row.Ticks && (row.QueuedTick is not null || row.NextTick <= now);

    /// <param name="isBusy">The run before has not ended.</param>
    public static ScheduleTurn Take(ScheduleRow row, Schedule schedule, bool isBusy, DateTimeOffset now)
    {
        var start = new List<DateTimeOffset>();
        if (row.QueuedTick is { } queued && (!isBusy || row.Overlap == OverlapPolicy.Allow))
        {
            start.Add(queued);
            row = row with { QueuedTick = null };
            isBusy = true;
        }

        row = CatchUp(row, schedule, now);
        while (row.NextTick is { } tick && tick <= now && start.Count < MostAtOnce)
        {
            if (!isBusy || row.Overlap == OverlapPolicy.Allow)
            {
                start.Add(tick);
                isBusy = true;
            }
            else if (row.CatchUp == CatchUpPolicy.All && IsMissed(tick, now))
            {
                break;  // one after the other: its turn comes when the run before has ended
            }
            else if (row.Overlap == OverlapPolicy.QueueOne && row.QueuedTick is null)
            {
                row = row with { QueuedTick = tick };
            }
            else
            {
                row = row with { LeftOutTick = tick, LeftOutReason = row.QueuedTick is null ? "the run before had not ended" : "another tick was waiting for the run before to end" };
            }

            row = row with { NextTick = schedule.Next(tick) };
        }

        return new(start, row);
    }

    private static ScheduleRow CatchUp(ScheduleRow row, Schedule schedule, DateTimeOffset now)
    {
        if (row.NextTick is not { } missed || !IsMissed(missed, now))
        {
            return row;
        }

        var latestMissed = now - Punctual;
        var punctual = schedule.Next(latestMissed);
        var next = row.CatchUp switch
        {
            CatchUpPolicy.All when missed >= now - row.CatchUpWindow => missed,
            CatchUpPolicy.All => schedule.Next(now - row.CatchUpWindow),
            CatchUpPolicy.Last when punctual is null || punctual > now => schedule.Last(missed, latestMissed) ?? missed,
            _ => punctual,
        };
        return next == missed ? row : row with { NextTick = next, LeftOutTick = missed, LeftOutReason = "nobody was there to take it, nor those after it" };
    }

    private static bool IsMissed(DateTimeOffset tick, DateTimeOffset now) => tick <= now - Punctual;
}
