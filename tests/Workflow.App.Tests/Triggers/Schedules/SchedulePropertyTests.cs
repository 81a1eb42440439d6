using FsCheck;
using FsCheck.Fluent;
using NCrontab;
using NodaTime;
using Workflow.App.Triggers.Schedules;

namespace Workflow.App.Tests.Triggers.Schedules;

/// <summary>What holds of every schedule: it ticks as a clock on the wall would show it, minute by minute. A failure prints its seed.</summary>
public sealed class SchedulePropertyTests
{
    private const int Days = 3;

    private static readonly string[] Zones =
    [
        "UTC", "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca", "Africa/El_Aaiun",
        "Australia/Lord_Howe", "Antarctica/Troll", "Pacific/Chatham", "Pacific/Apia",
    ];

    [Fact]
    public void Ticks_are_the_minutes_at_which_the_wall_clock_shows_what_was_written()
    {
        Prop.ForAll(Crons().Zip(Spans()).ToArbitrary(), given =>
        {
            var (cron, (zone, from)) = given;
            var until = from.AddDays(Days);
            var schedule = Schedule.Parse(cron.ToString(), Schedule.FindZone(zone)!);

            var ticks = schedule.Between(from, until.AddTicks(-1)).ToList();

            Assert.True(Walk(cron, zone, from, until).SequenceEqual(ticks), $"{cron} in {zone} from {from:u}: {string.Join(", ", ticks.Select(tick => $"{tick:u}"))}");
            Assert.Equal(ticks.Cast<DateTimeOffset?>().LastOrDefault(), schedule.Last(from, until.AddTicks(-1)));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    [Fact]
    public void Six_fields_are_what_Azure_Functions_makes_of_them()
    {
        Prop.ForAll(Crons().ToArbitrary(), cron =>
        {
            var text = $"{cron.Minutes[0]} {cron}";
            var from = new DateTime(2025, 1, 1);
            var until = from.AddDays(100);

            var theirs = CrontabSchedule.Parse(text, new() { IncludingSeconds = true }).GetNextOccurrences(from, until).Take(50);
            var ours = Schedule.Parse(text, DateTimeZone.Utc).After(new(from, TimeSpan.Zero)).Select(tick => tick.UtcDateTime).TakeWhile(tick => tick < until).Take(50);

            Assert.Equal(theirs, ours);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    [Fact]
    public void Special_days_are_those_of_the_calendar()
    {
        var months = Gen.Choose(0, 12 * 200).Select(month => new DateTime(1990, 1, 1).AddMonths(month));
        Prop.ForAll(months.Zip(Gen.Choose(1, 28)).ToArbitrary(), given =>
        {
            var (month, number) = given;
            var days = Enumerable.Range(1, DateTime.DaysInMonth(month.Year, month.Month)).Select(day => new DateTime(month.Year, month.Month, day)).ToList();
            var weekdays = days.Where(day => day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday)).ToList();
            var (weekday, nth) = ((DayOfWeek)(number % 7), number % 5 + 1);

            Equal("L ? *", [days[^1]]);
            Equal($"L-{number - 1} ? *", [days[^number]]);
            Equal("LW ? *", [weekdays[^1]]);
            Equal($"{number}W ? *", [weekdays.MinBy(day => (Math.Abs(day.Day - number), day.DayOfWeek == DayOfWeek.Monday ? 1 : 0))]);
            Equal($"? {(int)weekday + 1}L *", [days.Last(day => day.DayOfWeek == weekday)]);
            Equal($"? {(int)weekday + 1}#{nth} *", days.Where(day => day.DayOfWeek == weekday).Skip(nth - 1).Take(1));

            void Equal(string text, IEnumerable<DateTime> expected)
            {
                var fields = text.Split(' ');
                var schedule = Schedule.Parse($"cron(0 0 {fields[0]} * {fields[1]} *)", DateTimeZone.Utc);
                var ticks = schedule.Between(new(month, TimeSpan.Zero), new(month.AddMonths(1).AddTicks(-1), TimeSpan.Zero)).Select(tick => tick.UtcDateTime);
                Assert.True(expected.SequenceEqual(ticks), $"{text} in {month:yyyy-MM}: {string.Join(", ", ticks)}");
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    /// <summary>
    /// What a clock in the zone shows at every minute. It asks only what a moment is on the wall, which has one answer; and it asks the schedule's tz database,
    /// because the machine's is of an edition of its own: 2025b and 2026f agree on Morocco until September 2026, and on hardly a day after it.
    /// </summary>
    private static List<DateTimeOffset> Walk(GivenCron cron, string zone, DateTimeOffset from, DateTimeOffset until)
    {
        var clock = DateTimeZoneProviders.Tzdb[zone];
        var shown = new HashSet<DateTime>();
        var ticks = new List<DateTimeOffset>();
        var before = Wall(from.AddMinutes(-Warmup));
        for (var now = from.AddMinutes(1 - Warmup); now < until; now = now.AddMinutes(1))
        {
            var wall = Wall(now);
            var skipped = Enumerable.Range(1, Math.Max(0, (int)(wall - before).TotalMinutes - 1)).Select(minute => before.AddMinutes(minute));
            var isNew = shown.Add(wall);
            if (now >= from && (cron.IsInterval ? cron.Matches(wall) : (isNew && cron.Matches(wall)) || skipped.Any(cron.Matches)))
            {
                ticks.Add(now);
            }

            before = wall;
        }

        return ticks;

        DateTime Wall(DateTimeOffset now) => Instant.FromDateTimeOffset(now).InZone(clock).ToDateTimeUnspecified();
    }

    // What was shown shortly before the span may be shown again in it.
    private const int Warmup = 24 * 60;

    /// <summary>Three days around a moment at which a clock is set, or anywhere.</summary>
    private static Gen<(string Zone, DateTimeOffset From)> Spans() =>
        from zone in Gen.Elements(Zones)
        from year in Gen.Choose(2005, 2037)
        from change in Gen.Choose(0, 9)
        from minutes in Gen.Choose(0, Days * 24 * 60)
        select (zone, SetIn(zone, year, change).AddMinutes(-minutes));

    private static DateTimeOffset SetIn(string zone, int year, int change)
    {
        var begin = Instant.FromUtc(year, 1, 1, 0, 0);
        var changes = Schedule.FindZone(zone)!.GetZoneIntervals(begin, begin.Plus(Duration.FromDays(365))).Skip(1).Select(interval => interval.Start).ToList();
        return (changes.Count == 0 ? begin : changes[change % changes.Count]).ToDateTimeOffset();
    }

    private static Gen<GivenCron> Crons() =>
        from minutes in Gen.Choose(0, 59).NonEmptyListOf().Select(Few)
        from hours in Gen.OneOf(Gen.Constant<int[]?>(null), Gen.Choose(0, 23).NonEmptyListOf().Select<List<int>, int[]?>(Few), Gen.Choose(0, 3).NonEmptyListOf().Select<List<int>, int[]?>(Few))
        from ofMonth in Gen.OneOf(Gen.Constant<int[]?>(null), Gen.Choose(1, 31).NonEmptyListOf().Select<List<int>, int[]?>(list => [.. list.Distinct().Order()]))
        from ofWeek in Gen.OneOf(Gen.Constant<int[]?>(null), Gen.Choose(0, 6).NonEmptyListOf().Select<List<int>, int[]?>(list => [.. list.Distinct().Order()]))
        select new GivenCron(minutes, hours, ofMonth, ofWeek);

    private static int[] Few(List<int> values) => [.. values.Take(4).Distinct().Order()];

    /// <summary>A cron expression of five fields, told by its values; null for all.</summary>
    private sealed record GivenCron(int[] Minutes, int[]? Hours, int[]? DaysOfMonth, int[]? DaysOfWeek)
    {
        public bool IsInterval => Hours is null;

        public bool Matches(DateTime wall)
        {
            var ofMonth = DaysOfMonth?.Contains(wall.Day);
            var ofWeek = DaysOfWeek?.Contains((int)wall.DayOfWeek);
            return Minutes.Contains(wall.Minute) && Hours?.Contains(wall.Hour) != false && ((ofMonth, ofWeek) is (null, null) || ofMonth == true || ofWeek == true);
        }

        public override string ToString() => $"{Text(Minutes)} {Text(Hours)} {Text(DaysOfMonth)} * {Text(DaysOfWeek)}";

        private static string Text(int[]? values) => values is null ? "*" : string.Join(',', values);
    }
}
