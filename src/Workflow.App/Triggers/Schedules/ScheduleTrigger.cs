using System.Text.Json.Nodes;
using Workflow.App.Configuration;

namespace Workflow.App.Triggers.Schedules;

/// <summary>What becomes of a tick when the run of the tick before has not ended.</summary>
internal enum OverlapPolicy
{
    /// <summary>It is left out.</summary>
    Skip,

    /// <summary>It waits for that run to end; while one waits, further ones are left out.</summary>
    QueueOne,

    /// <summary>It runs beside it.</summary>
    Allow,
}

/// <summary>What becomes of ticks that were missed because nobody was there to take them.</summary>
internal enum CatchUpPolicy
{
    /// <summary>They are left out.</summary>
    None,

    /// <summary>The latest one is run, for all.</summary>
    Last,

    /// <summary>All are run, one after the other, as far back as the window goes.</summary>
    All,
}

/// <summary>Starts a run at each tick of a schedule.</summary>
/// <param name="CatchUpWindow">How old a missed tick may be that <see cref="CatchUpPolicy.All"/> still runs.</param>
internal sealed record ScheduleTrigger(Schedule Schedule, OverlapPolicy Overlap, CatchUpPolicy CatchUp, TimeSpan CatchUpWindow)
{
    private static readonly TimeSpan LongestWindow = TimeSpan.FromDays(366);

    public static ScheduleTrigger? Read(JsonObject given, string path, SettingErrors errors)
    {
        var settings = SettingsReader.Read<Written>(given, path, errors);
        var zone = Schedule.FindZone(settings.TimeZone);
        if (zone is null)
        {
            errors.Add($"{path}:TimeZone", settings.TimeZone, "write the name of a time zone, for example UTC or Europe/Berlin");
        }

        if (settings.CatchUpWindow <= TimeSpan.Zero || settings.CatchUpWindow > LongestWindow)
        {
            errors.Add($"{path}:CatchUpWindow", $"{settings.CatchUpWindow:c}", $"write a time span above 0, up to {LongestWindow:c}");
        }

        try
        {
            var schedule = Schedule.Parse(settings.Schedule, zone ?? NodaTime.DateTimeZone.Utc);
            return new(schedule, settings.Overlap, settings.CatchUp, settings.CatchUpWindow);
        }
        catch (CronException wrong)
        {
            errors.Add($"{path}:Schedule", settings.Schedule, wrong.Message);
            return null;
        }
    }

    private sealed record Written
    {
        public string Schedule { get; init; } = "";

        public string TimeZone { get; init; } = "UTC";

        // As most schedulers of data do: two runs of one pipeline on the same data are nobody's wish.
        public OverlapPolicy Overlap { get; init; }

        // A nightly load that falls into a deployment is run after it, once.
        public CatchUpPolicy CatchUp { get; init; } = CatchUpPolicy.Last;

        public TimeSpan CatchUpWindow { get; init; } = TimeSpan.FromDays(1);
    }
}
