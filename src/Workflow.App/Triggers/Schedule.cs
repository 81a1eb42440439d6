using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NCrontab;
using Workflow.App.Configuration;

namespace Workflow.App.Triggers;

/// <summary>
/// When a pipeline runs by itself: <c>cron(20 * * * ? *)</c> and <c>rate(10 minutes)</c> as AWS writes them, or the five fields of cron.
/// Cron is told in the wall time of a zone: a time that the clock skips is taken when it has been set, one that comes twice the first time.
/// </summary>
internal sealed partial class Schedule
{
    private static readonly Dictionary<string, TimeSpan> Units = new()
    {
        ["minute"] = TimeSpan.FromMinutes(1), ["hour"] = TimeSpan.FromHours(1), ["day"] = TimeSpan.FromDays(1),
    };

    private readonly CrontabSchedule? _cron;
    private readonly TimeSpan _rate;
    private readonly TimeZoneInfo _zone;

    private Schedule(string text, CrontabSchedule? cron, TimeSpan rate, TimeZoneInfo zone)
    {
        Text = text;
        _cron = cron;
        _rate = rate;
        _zone = zone;
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>The first tick after a time. A rate ticks at multiples of itself since 1970, so that all hosts mean the same ticks.</summary>
    public DateTimeOffset Next(DateTimeOffset after)
    {
        if (_cron is null)
        {
            return new(((after.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / _rate.Ticks + 1) * _rate.Ticks + DateTimeOffset.UnixEpoch.Ticks, TimeSpan.Zero);
        }

        for (var wall = TimeZoneInfo.ConvertTime(after, _zone).DateTime; ;)
        {
            wall = _cron.GetNextOccurrence(wall);
            var tick = AtWall(wall);
            if (tick > after)
            {
                return tick;
            }
        }
    }

    public static Schedule? Read(JsonObject given, string path, SettingErrors errors)
    {
        var settings = SettingsReader.Read<Written>(given, path, errors);
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(settings.TimeZone, out var zone))
        {
            errors.Add($"{path}:TimeZone", settings.TimeZone, "write the name of a time zone, for example UTC or Europe/Berlin");
        }

        var parsed = Parse(settings.Schedule ?? "", zone ?? TimeZoneInfo.Utc);
        if (parsed is null)
        {
            errors.Add($"{path}:Schedule", settings.Schedule, "write cron(20 * * * ? *), rate(10 minutes), or the five fields of cron, without L, W, # and years");
        }

        return zone is null ? null : parsed;
    }

    private static Schedule? Parse(string text, TimeZoneInfo zone)
    {
        if (Rate().Match(text) is { Success: true } rate)
        {
            return int.TryParse(rate.Groups[1].Value, CultureInfo.InvariantCulture, out var count) && count > 0 ? new(text, null, count * Units[rate.Groups[2].Value], zone) : null;
        }

        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (AwsCron().Match(text) is { Success: true } aws)
        {
            // Minutes, hours, days, months, days of the week from SUN = 1, and the year.
            fields = aws.Groups[1].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields is not [.., _, _, "*"] || fields.Length != 6)
            {
                return null;
            }

            fields = [.. fields[..4].Select(Any), DayNumber().Replace(Any(fields[4]), day => $"{int.Parse(day.Value, CultureInfo.InvariantCulture) - 1}")];
        }

        // A rule that no day meets, such as 30 February, would be looked for for ever.
        return fields.Length == 5 && CrontabSchedule.TryParse(string.Join(' ', fields)) is { } cron
            && cron.GetNextOccurrence(DateTime.UnixEpoch, DateTime.UnixEpoch.AddYears(9)) < DateTime.UnixEpoch.AddYears(9) ? new(text, cron, default, zone) : null;

        static string Any(string field) => field == "?" ? "*" : field;
    }

    private DateTimeOffset AtWall(DateTime wall)
    {
        var skipped = _zone.IsInvalidTime(wall);
        while (_zone.IsInvalidTime(wall))
        {
            wall = wall.AddMinutes(1);
        }

        // Of the two times that an ambiguous one may mean, the first is the one with the larger offset.
        var offset = !skipped && _zone.IsAmbiguousTime(wall) ? _zone.GetAmbiguousTimeOffsets(wall).Max() : _zone.GetUtcOffset(wall);
        return new DateTimeOffset(wall, offset).ToUniversalTime();
    }

    [GeneratedRegex(@"^rate\((\d+) (minute|hour|day)s?\)$")]
    private static partial Regex Rate();

    [GeneratedRegex(@"^cron\((.+)\)$")]
    private static partial Regex AwsCron();

    // Not what comes after a slash: that is a step.
    [GeneratedRegex(@"(?<!/)[1-7]")]
    private static partial Regex DayNumber();

    private sealed record Written
    {
        public string? Schedule { get; init; }

        public string TimeZone { get; init; } = "UTC";
    }
}
