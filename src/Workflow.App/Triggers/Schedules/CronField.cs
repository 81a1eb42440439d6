using System.Globalization;
using System.Text.RegularExpressions;

namespace Workflow.App.Triggers.Schedules;

/// <summary>The values that one field of a cron expression allows: <c>*</c>, <c>5</c>, <c>1-5</c>, <c>FRI-MON</c>, <c>*/15</c>, <c>5/15</c>, and lists of them.</summary>
internal sealed partial class CronField
{
    private readonly int _least;
    private readonly bool[] _allowed;

    private CronField(int least, int most)
    {
        _least = least;
        _allowed = new bool[most - least + 1];
    }

    public int First => From(_least)!.Value;

    public bool Allows(int value) => value >= _least && value - _least < _allowed.Length && _allowed[value - _least];

    /// <summary>The first allowed value that is not below the given one.</summary>
    public int? From(int value)
    {
        var index = Array.IndexOf(_allowed, true, Math.Clamp(value - _least, 0, _allowed.Length));
        return index < 0 ? null : index + _least;
    }

    /// <exception cref="CronException">It is not understood.</exception>
    public static CronField Parse(CronPart part, IEnumerable<string> items)
    {
        var field = new CronField(part.Least, part.Most);
        foreach (var item in items)
        {
            field.Allow(part, Item().Match(item) is { Success: true } match ? match.Groups : throw part.Wrong(item));
        }

        return field;
    }

    private void Allow(CronPart part, GroupCollection item)
    {
        var (all, from, to, step) = (item["all"].Success, item["from"].Value, item["to"].Value, item["step"].Value);
        var every = step.Length == 0 ? 1 : int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var given) && given > 0 && given <= _allowed.Length ? given : throw part.Wrong(item[0].Value);
        var first = all ? _least : part.Read(from);
        var last = (all, to, step) switch
        {
            (true, _, _) or (_, "", not "") => part.Most,
            (_, "", _) => first,
            _ => part.Read(to),
        };

        // FRI-MON goes over the end of the week; 0-7 is all of it.
        if (last < first || (last == first && to.Length > 0 && to != from))
        {
            last += _allowed.Length;
        }

        for (var value = first; value <= last; value += every)
        {
            _allowed[(value - _least) % _allowed.Length] = true;
        }
    }

    [GeneratedRegex(@"^(?:(?<all>\*)|(?<from>\w+)(?:-(?<to>\w+))?)(?:/(?<step>\d+))?$")]
    private static partial Regex Item();
}

/// <summary>What one of the fields is called, and the values it may have.</summary>
/// <param name="Names">Of the values from <paramref name="Least"/> on; empty for none.</param>
internal sealed record CronPart(string Name, int Least, int Most, params string[] Names)
{
    private static readonly string[] Days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    public static CronPart Second { get; } = new("second", 0, 59);

    public static CronPart Minute { get; } = new("minute", 0, 59);

    public static CronPart Hour { get; } = new("hour", 0, 23);

    public static CronPart DayOfMonth { get; } = new("day of the month", 1, 31);

    public static CronPart Month { get; } = new("month", 1, 12, "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC");

    public static CronPart Year { get; } = new("year", Cron.FirstYear, Cron.LastYear);

    /// <summary>Sunday is 0, and 7.</summary>
    public static CronPart DayOfWeek { get; } = new("day of the week", 0, 6, Days) { Highest = 7, Offset = 0 };

    /// <summary>Sunday is 1, as AWS counts.</summary>
    public static CronPart AwsDayOfWeek { get; } = new("day of the week", 0, 6, Days) { Lowest = 1, Highest = 7, Offset = 1 };

    /// <summary>As it is written.</summary>
    private int Lowest { get; init; } = Least;

    private int Highest { get; init; } = Most;

    /// <summary>Between what is written and what is meant.</summary>
    private int Offset { get; init; }

    /// <exception cref="CronException">It is neither a number that may stand there nor a name.</exception>
    public int Read(string text)
    {
        if (Array.FindIndex(Names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) is >= 0 and var index)
        {
            return Least + index;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= Lowest && number <= Highest
            ? (number - Offset - Least) % (Most - Least + 1) + Least
            : throw Wrong(text);
    }

    public CronException Wrong(string text) =>
        new($"'{text}' is no {Name}: write {Lowest} to {Highest}{(Names.Length == 0 ? "" : $" or {Names[0]} to {Names[^1]}")}, ranges (a-b), steps (a/n), or a list of them");
}

/// <summary>A cron expression is not understood; the message says what would be right.</summary>
internal sealed class CronException(string message) : Exception(message);
