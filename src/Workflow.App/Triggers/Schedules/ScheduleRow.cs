namespace Workflow.App.Triggers.Schedules;

/// <summary>A schedule as the database keeps it: what the settings said when a host last brought it up to date, and how far it has come.</summary>
/// <param name="Expression">See <see cref="Schedule.Text"/>.</param>
/// <param name="NextTick">The first tick that has not been dealt with; null when there is none any more.</param>
/// <param name="QueuedTick">Waits for the run before it to end.</param>
/// <param name="LastTick">The latest one that became a run.</param>
/// <param name="LeftOutTick">The latest one that became none.</param>
/// <param name="RemovedAt">Since when no settings name it; what falls due meanwhile is nobody's.</param>
internal sealed record ScheduleRow(
    string Pipeline, string Expression, string TimeZone, OverlapPolicy Overlap, CatchUpPolicy CatchUp, TimeSpan CatchUpWindow, DateTimeOffset? NextTick)
{
    public DateTimeOffset? QueuedTick { get; init; }

    public DateTimeOffset? LastTick { get; init; }

    public string? LastInstance { get; init; }

    public DateTimeOffset? LeftOutTick { get; init; }

    public string? LeftOutReason { get; init; }

    public DateTimeOffset? PausedAt { get; init; }

    public string? PausedBy { get; init; }

    public string? PauseReason { get; init; }

    public DateTimeOffset? RemovedAt { get; init; }

    /// <summary>It ticks: nobody has paused it, and the settings name it.</summary>
    public bool Ticks => PausedAt is null && RemovedAt is null;

    /// <summary>How long until its next tick; null where there will be none by itself.</summary>
    public TimeSpan? DueIn(DateTimeOffset now) => Ticks ? NextTick - now : null;

    public static ScheduleRow Of(string pipeline, ScheduleTrigger trigger, DateTimeOffset now) =>
        new(pipeline, trigger.Schedule.Text, trigger.Schedule.TimeZone, trigger.Overlap, trigger.CatchUp, trigger.CatchUpWindow, trigger.Schedule.Next(now));

    /// <summary>Null where this version does not understand what another one has written.</summary>
    public Schedule? ReadSchedule()
    {
        try
        {
            return Schedule.FindZone(TimeZone) is { } zone ? Schedule.Parse(Expression, zone) : null;
        }
        catch (CronException)
        {
            return null;
        }
    }

    /// <summary>As the settings have it now. Ticks of the new schedule count from now on, ticks of the same one go on where they are.</summary>
    public ScheduleRow With(ScheduleTrigger trigger, DateTimeOffset now)
    {
        var isSame = RemovedAt is null && (Expression, TimeZone) == (trigger.Schedule.Text, trigger.Schedule.TimeZone);
        return this with
        {
            Expression = trigger.Schedule.Text,
            TimeZone = trigger.Schedule.TimeZone,
            Overlap = trigger.Overlap,
            CatchUp = trigger.CatchUp,
            CatchUpWindow = trigger.CatchUpWindow,
            NextTick = isSame ? NextTick : trigger.Schedule.Next(now),
            RemovedAt = null,
        };
    }
}
