using System.Globalization;
using System.Text.RegularExpressions;

namespace Workflow.App.Triggers.Schedules;

/// <summary>
/// The days that the two day fields of a cron expression allow. Beside values there are, of the month: <c>L</c> (the last day), <c>L-3</c> (three
/// before it), <c>15W</c> (the weekday nearest to the 15th, in the same month), <c>LW</c> (the last weekday); of the week: <c>L</c> (Saturday),
/// <c>5L</c> (the last such day of the month), <c>2#3</c> (the third such day of the month).
/// </summary>
internal sealed partial class CronDays
{
    private const int DaysOfWeek = 7;

    private readonly Func<DateTime, uint>[] _ofMonth;
    private readonly Func<DateTime, uint>[] _ofWeek;
    private readonly bool _either;

    /// <param name="week">How days of the week are numbered.</param>
    /// <param name="either">A day is allowed when one of the fields allows it, where neither allows all; otherwise both must.</param>
    /// <exception cref="CronException">One is not understood.</exception>
    public CronDays(string dayOfMonth, string dayOfWeek, CronPart week, bool either)
    {
        _either = either && !AllowsAll(dayOfMonth) && !AllowsAll(dayOfWeek);
        _ofMonth = Parse(dayOfMonth, CronPart.DayOfMonth, OfMonth, (field, first) => Days(first, day => field.Allows(day.Day)));
        _ofWeek = Parse(dayOfWeek, week, item => OfWeek(item, week), (field, first) => Days(first, day => field.Allows((int)day.DayOfWeek)));
    }

    /// <summary>The allowed days of a month, each a bit: day 1 is bit 1.</summary>
    /// <param name="first">The month's first day.</param>
    public uint In(DateTime first)
    {
        var (ofMonth, ofWeek) = (Union(_ofMonth, first), Union(_ofWeek, first));
        return _either ? ofMonth | ofWeek : ofMonth & ofWeek;
    }

    /// <summary>What begins with a star, or is one, as crontab has it: its steps only narrow down the other field.</summary>
    public static bool AllowsAll(string field) => field[0] is '*' or '?';

    private static Func<DateTime, uint>[] Parse(string text, CronPart part, Func<string, Func<DateTime, uint>?> special, Func<CronField, DateTime, uint> plain)
    {
        var items = text == "?" ? ["*"] : text.Split(',');
        var specials = items.Select(item => (Item: item, Days: special(item))).ToList();
        var field = CronField.Parse(part, specials.Where(item => item.Days is null).Select(item => item.Item));
        return [first => plain(field, first), .. specials.Select(item => item.Days).OfType<Func<DateTime, uint>>()];
    }

    private static Func<DateTime, uint>? OfMonth(string item)
    {
        if (item == "LW")
        {
            return first => Bit(NearestWeekday(Last(first)));
        }

        if (FromLast().Match(item) is { Success: true } fromLast)
        {
            var before = fromLast.Groups[1].Success ? Number(fromLast.Groups[1]) : 0;
            return before < 31 ? first => Last(first).Day > before ? Bit(Last(first).AddDays(-before)) : 0 : throw CronPart.DayOfMonth.Wrong(item);
        }

        if (Nearest().Match(item) is { Success: true } nearest)
        {
            var day = CronPart.DayOfMonth.Read(nearest.Groups[1].Value);
            return first => Last(first).Day >= day ? Bit(NearestWeekday(first.AddDays(day - 1))) : 0;
        }

        return null;
    }

    private static Func<DateTime, uint>? OfWeek(string item, CronPart week)
    {
        if (item == "L")
        {
            return first => Days(first, day => day.DayOfWeek == DayOfWeek.Saturday);
        }

        if (LastOfMonth().Match(item) is { Success: true } last)
        {
            var wanted = week.Read(last.Groups[1].Value);
            return first => Days(first, day => (int)day.DayOfWeek == wanted && day.Day + DaysOfWeek > Last(first).Day);
        }

        if (NthOfMonth().Match(item) is { Success: true } nth)
        {
            var (wanted, number) = (week.Read(nth.Groups[1].Value), Number(nth.Groups[2]));
            return first => Days(first, day => (int)day.DayOfWeek == wanted && (day.Day - 1) / DaysOfWeek + 1 == number);
        }

        return null;
    }

    /// <summary>Never over the end of the month: a Saturday that is the first gives way to the Monday after it.</summary>
    private static DateTime NearestWeekday(DateTime day) => day.DayOfWeek switch
    {
        DayOfWeek.Saturday => day.Day == 1 ? day.AddDays(2) : day.AddDays(-1),
        DayOfWeek.Sunday => day == Last(day) ? day.AddDays(-2) : day.AddDays(1),
        _ => day,
    };

    private static uint Days(DateTime first, Func<DateTime, bool> allows)
    {
        var days = 0u;
        for (var day = first; day.Month == first.Month; day = day.AddDays(1))
        {
            days |= allows(day) ? Bit(day) : 0;
        }

        return days;
    }

    private static uint Union(Func<DateTime, uint>[] fields, DateTime first) => fields.Aggregate(0u, (days, field) => days | field(first));

    private static uint Bit(DateTime day) => 1u << day.Day;

    private static DateTime Last(DateTime day) => new(day.Year, day.Month, DateTime.DaysInMonth(day.Year, day.Month));

    private static int Number(Group digits) => int.Parse(digits.Value, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^L(?:-(\d{1,2}))?$")]
    private static partial Regex FromLast();

    [GeneratedRegex(@"^(\d{1,2})W$")]
    private static partial Regex Nearest();

    [GeneratedRegex(@"^(\w+)L$")]
    private static partial Regex LastOfMonth();

    [GeneratedRegex(@"^(\w+)#([1-5])$")]
    private static partial Regex NthOfMonth();
}
