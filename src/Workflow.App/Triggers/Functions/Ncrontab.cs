using System.Globalization;
using System.Text.RegularExpressions;
using Workflow.App.Triggers.Schedules;

namespace Workflow.App.Triggers.Functions;

/// <summary>
/// When a timer of the host wakes a pipeline: as its schedule says where NCRONTAB, six fields in UTC, can say the same; else each minute.
/// Either way the schedule decides whether a tick is due, so that a timer may wake too often but never too rarely.
/// </summary>
internal static partial class Ncrontab
{
    public const string EachMinute = "0 * * * * *";

    private static readonly string[] Utc = ["UTC", "Etc/UTC"];

    public static string For(ScheduleTrigger trigger)
    {
        // A tick that waits for a run is taken when that ends, which no timer knows.
        var waits = trigger.Overlap == OverlapPolicy.QueueOne || trigger.CatchUp == CatchUpPolicy.All;
        var text = trigger.Schedule.Text;
        return waits ? EachMinute : Rate().Match(text) is { Success: true } rate ? OfRate(rate) : Utc.Contains(trigger.Schedule.TimeZone) ? OfCron(text) : EachMinute;
    }

    /// <summary>A rate ticks at multiples of itself since 1970: one that divides an hour or a day does so at the same times each hour or day.</summary>
    private static string OfRate(Match rate) => (int.Parse(rate.Groups[1].Value, CultureInfo.InvariantCulture), rate.Groups[2].Value) switch
    {
        (1, "hour") or (60, "minute") => "0 0 * * * *",
        (1, "day") or (24, "hour") => "0 0 0 * * *",
        (> 1 and < 60 and var minutes, "minute") when 60 % minutes == 0 => $"0 */{minutes} * * * *",
        (> 1 and < 24 and var hours, "hour") when 24 % hours == 0 => $"0 0 */{hours} * * *",
        _ => EachMinute,
    };

    private static string OfCron(string text)
    {
        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return Aws().Match(text) is { Success: true } aws ? OfFields(["0", .. aws.Groups[1].Value.Replace('?', '*').Split(' ', StringSplitOptions.RemoveEmptyEntries)])
            : fields.Length == 5 ? OfFields(["0", .. fields])
            : OfFields(fields);
    }

    /// <summary>
    /// Numbers, lists, ranges and steps mean the same in all dialects. Weekdays do not (AWS counts from 1), and neither do two conditions on the day.
    /// </summary>
    private static string OfFields(string[] fields)
    {
        var isAnyWeekday = fields.Length is 6 or 7 && fields.Skip(5).All(field => field == "*");
        return isAnyWeekday && fields.Take(5).All(field => PlainField().IsMatch(field)) ? string.Join(' ', fields.Take(6)) : EachMinute;
    }

    [GeneratedRegex(@"^rate\(\s*(\d{1,4})\s+(minute|hour|day)s?\s*\)$")]
    private static partial Regex Rate();

    [GeneratedRegex(@"^cron\((.+)\)$")]
    private static partial Regex Aws();

    // Not 5/15 nor 22-2, of which dialects think differently.
    [GeneratedRegex(@"^(\*(/\d+)?|\d+(,\d+)*)$")]
    private static partial Regex PlainField();
}
