using System.Numerics;
using System.Text.RegularExpressions;

namespace Workflow.App.Triggers.Schedules;

/// <summary>
/// The wall times that a cron expression names: five fields as crontab has them, six fields (the seconds first) as Azure Functions has them, or
/// AWS's <c>cron(…)</c> of six fields (the year last, Sunday is 1).
/// </summary>
internal sealed partial class Cron
{
    public const int FirstYear = 1970;
    public const int LastYear = 2199;
    private const string Right = "write five fields (minute hour day month weekday), six with the seconds first, or cron(minute hour day month weekday year)";

    private readonly CronField _seconds;
    private readonly CronField _minutes;
    private readonly CronField _hours;
    private readonly CronDays _days;
    private readonly CronField _months;
    private readonly CronField _years;

    private Cron(string[] fields, CronDays days)
    {
        var parsed = CronParts.Zip(fields, (part, field) => CronField.Parse(part, field.Split(','))).ToArray();
        (_seconds, _minutes, _hours, _months, _years, _days) = (parsed[0], parsed[1], parsed[2], parsed[3], parsed[4], days);
        IsInterval = fields[2][0] == '*' || fields[2].StartsWith("0/", StringComparison.Ordinal);
    }

    /// <summary>It names every hour or every n-th, so that what it means is a time between two ticks and not a time of the day.</summary>
    public bool IsInterval { get; }

    private static CronPart[] CronParts => [CronPart.Second, CronPart.Minute, CronPart.Hour, CronPart.Month, CronPart.Year];

    /// <summary>The first wall time it names that is not before the given one; null where there is none any more.</summary>
    public DateTime? AtOrAfter(DateTime wall)
    {
        wall = wall.Ticks % TimeSpan.TicksPerSecond == 0 ? wall : wall.AddTicks(TimeSpan.TicksPerSecond - wall.Ticks % TimeSpan.TicksPerSecond);
        var day = DayAtOrAfter(wall.Date);
        if (day != wall.Date)
        {
            return day + FirstTime;
        }

        return TimeAtOrAfter(wall.TimeOfDay) is { } time ? day + time : DayAtOrAfter(wall.Date.AddDays(1)) + FirstTime;
    }

    /// <exception cref="CronException">It is not understood, or names no time at all.</exception>
    public static Cron Parse(string text)
    {
        var aws = Aws().Match(text);
        var fields = (aws.Success ? aws.Groups[1].Value : text).ToUpperInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var cron = (aws.Success, fields) switch
        {
            (true, [var minute, var hour, var day, var month, var weekday, var year]) => CronDays.AllowsAll(day) || CronDays.AllowsAll(weekday)
                ? new Cron(["0", minute, hour, month, year], new(day, weekday, CronPart.AwsDayOfWeek, either: false))
                : throw new CronException("cron(…) takes days of the month or days of the week: write ? for the other"),
            (false, [var minute, var hour, var day, var month, var weekday]) =>
                new(["0", minute, hour, month, "*"], new(day, weekday, CronPart.DayOfWeek, either: true)),
            (false, [var second, var minute, var hour, var day, var month, var weekday]) =>
                new([second, minute, hour, month, "*"], new(day, weekday, CronPart.DayOfWeek, either: false)),
            _ => throw new CronException(Right),
        };
        return cron.AtOrAfter(new(FirstYear, 1, 1)) is null ? throw new CronException("it names no day there is; 30 February, for one, never comes") : cron;
    }

    private TimeSpan FirstTime => new(_hours.First, _minutes.First, _seconds.First);

    private TimeSpan? TimeAtOrAfter(TimeSpan time)
    {
        if (_hours.Allows(time.Hours))
        {
            if (_minutes.Allows(time.Minutes) && _seconds.From(time.Seconds) is { } second)
            {
                return new(time.Hours, time.Minutes, second);
            }

            if (_minutes.From(time.Minutes + 1) is { } minute)
            {
                return new(time.Hours, minute, _seconds.First);
            }
        }

        return _hours.From(time.Hours + 1) is { } hour ? new(hour, _minutes.First, _seconds.First) : null;
    }

    private DateTime? DayAtOrAfter(DateTime day)
    {
        for (var first = new DateTime(day.Year, day.Month, 1); first.Year <= LastYear; first = first.AddMonths(1))
        {
            if (_years.Allows(first.Year) && _months.Allows(first.Month))
            {
                var days = first < day ? _days.In(first) & (uint.MaxValue << day.Day) : _days.In(first);
                if (days != 0)
                {
                    return first.AddDays(BitOperations.TrailingZeroCount(days) - 1);
                }
            }
        }

        return null;
    }

    [GeneratedRegex(@"^cron\((.*)\)$")]
    private static partial Regex Aws();
}
