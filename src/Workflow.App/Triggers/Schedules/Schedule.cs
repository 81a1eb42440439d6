using System.Globalization;
using System.Text.RegularExpressions;
using NodaTime;

namespace Workflow.App.Triggers.Schedules;

/// <summary>
/// When a pipeline runs by itself: a <see cref="Cron"/> in the wall time of a zone, or <c>rate(10 minutes)</c>.
/// </summary>
/// <remarks>
/// When the clock is set, a schedule of fixed times (<c>30 2 * * *</c>) keeps its one tick per named wall time: one that is skipped ticks the moment
/// the clock has been set, one that comes twice ticks the first time. A schedule of every hour or every n-th (<c>*/5 * * * *</c>) goes on by the time that
/// passes: it ticks in both hours of a doubled one, and not at all in one that is skipped.
/// </remarks>
internal sealed partial class Schedule
{
    private static readonly Dictionary<string, TimeSpan> Units = new()
    {
        ["minute"] = TimeSpan.FromMinutes(1), ["hour"] = TimeSpan.FromHours(1), ["day"] = TimeSpan.FromDays(1),
    };

    private static readonly TimeSpan LongestRate = TimeSpan.FromDays(366);

    private readonly Cron? _cron;
    private readonly TimeSpan _rate;
    private readonly DateTimeZone _zone;

    private Schedule(string text, Cron? cron, TimeSpan rate, DateTimeZone zone)
    {
        Text = text;
        _cron = cron;
        _rate = rate;
        _zone = zone;
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>The name of the zone that wall times are told in.</summary>
    public string TimeZone => _zone.Id;

    /// <summary>The first tick after a time; null where there is none any more. A rate ticks at multiples of itself since 1970, so that it does not matter who begins.</summary>
    public DateTimeOffset? Next(DateTimeOffset after) => _cron switch
    {
        null => new DateTimeOffset(((after.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / _rate.Ticks + 1) * _rate.Ticks + DateTimeOffset.UnixEpoch.Ticks, TimeSpan.Zero),
        { IsInterval: true } => NextByElapsedTime(_cron, Instant.FromDateTimeOffset(after)),
        _ => NextByWallTime(_cron, Instant.FromDateTimeOffset(after)),
    };

    /// <summary>The ticks after a time, in their order.</summary>
    public IEnumerable<DateTimeOffset> After(DateTimeOffset time)
    {
        for (var tick = Next(time); tick is not null; tick = Next(tick.Value))
        {
            yield return tick.Value;
        }
    }

    /// <summary>The ticks of a span of time, in their order.</summary>
    /// <param name="from">The first time that counts.</param>
    /// <param name="to">The last time that counts.</param>
    public IEnumerable<DateTimeOffset> Between(DateTimeOffset from, DateTimeOffset to) => After(from.AddTicks(-1)).TakeWhile(tick => tick <= to);

    /// <summary>The last tick in a span of time; null where there is none.</summary>
    /// <param name="from">The first time that counts.</param>
    /// <param name="to">The last time that counts.</param>
    public DateTimeOffset? Last(DateTimeOffset from, DateTimeOffset to)
    {
        // From ever farther back, so that what lies long ago is not walked through.
        for (var back = TimeSpan.FromMinutes(1); ; back *= 2)
        {
            var start = to - from < back ? from : to - back;
            if (Between(start, to).Select(tick => (DateTimeOffset?)tick).LastOrDefault() is { } last)
            {
                return last;
            }

            if (start == from)
            {
                return null;
            }
        }
    }

    /// <summary>The beginning of a day in the schedule's zone.</summary>
    public DateTimeOffset StartOf(DateOnly day) => _zone.AtStartOfDay(LocalDate.FromDateOnly(day)).ToDateTimeOffset().ToUniversalTime();

    /// <exception cref="CronException">The text is not understood.</exception>
    public static Schedule Parse(string text, DateTimeZone zone)
    {
        if (!text.StartsWith("rate(", StringComparison.Ordinal))
        {
            return new(text, Cron.Parse(text), default, zone);
        }

        var rate = Rate().Match(text);
        return int.TryParse(rate.Groups[1].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && Units.TryGetValue(rate.Groups[2].Value, out var unit) && count > 0 && count <= LongestRate / unit
                ? new(text, null, count * unit, zone)
                : throw new CronException("write rate(n minutes), rate(n hours) or rate(n days), at least a minute and at most a year");
    }

    /// <summary>A zone of the tz database, such as Europe/Berlin; null where there is none of that name.</summary>
    public static DateTimeZone? FindZone(string name) => DateTimeZoneProviders.Tzdb.GetZoneOrNull(name);

    private DateTimeOffset? NextByWallTime(Cron cron, Instant after)
    {
        for (var wall = NextWall(after.InZone(_zone).LocalDateTime.ToDateTimeUnspecified()); ; wall = NextWall(wall.Value))
        {
            if (wall is null)
            {
                return null;
            }

            var mapping = _zone.MapLocal(LocalDateTime.FromDateTime(wall.Value));
            var tick = mapping.Count == 0 ? mapping.LateInterval.Start : mapping.First().ToInstant();
            if (tick > after)
            {
                return tick.ToDateTimeOffset();
            }
        }

        DateTime? NextWall(DateTime wall) => cron.AtOrAfter(wall.AddTicks(1));
    }

    private DateTimeOffset? NextByElapsedTime(Cron cron, Instant after)
    {
        var from = after.PlusTicks(1);
        while (true)
        {
            var interval = _zone.GetZoneInterval(from);
            if (cron.AtOrAfter(from.WithOffset(interval.WallOffset).LocalDateTime.ToDateTimeUnspecified()) is not { } wall)
            {
                return null;
            }

            var tick = LocalDateTime.FromDateTime(wall).WithOffset(interval.WallOffset).ToInstant();
            if (!interval.HasEnd || tick < interval.End)
            {
                return tick.ToDateTimeOffset();
            }

            from = interval.End;
        }
    }

    [GeneratedRegex(@"^rate\(\s*(\S+)\s+(\w+?)s?\s*\)$")]
    private static partial Regex Rate();
}
