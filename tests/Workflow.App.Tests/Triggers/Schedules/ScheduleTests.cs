using System.Globalization;
using NodaTime;
using Workflow.App.Triggers.Schedules;

namespace Workflow.App.Tests.Triggers.Schedules;

public sealed class ScheduleTests
{
    [Theory]
    [InlineData("cron(20 * * * ? *)", "2025-01-01T00:00Z", "2025-01-01T00:20Z", "2025-01-01T01:20Z")]
    [InlineData("20 * * * *", "2025-01-01T00:20Z", "2025-01-01T01:20Z", "2025-01-01T02:20Z")]
    [InlineData("cron(0 8 * * ? *)", "2025-01-01T08:00Z", "2025-01-02T08:00Z", "2025-01-03T08:00Z")]
    [InlineData("cron(0/10 * * * ? *)", "2025-01-01T00:01Z", "2025-01-01T00:10Z", "2025-01-01T00:20Z")]
    [InlineData("rate(10 minutes)", "2025-01-01T00:01Z", "2025-01-01T00:10Z", "2025-01-01T00:20Z")]
    [InlineData("rate(1 day)", "2025-01-01T00:00Z", "2025-01-02T00:00Z", "2025-01-03T00:00Z")]
    // 1 January 2025 was a Wednesday; AWS counts the days of the week from SUN = 1, cron from SUN = 0.
    [InlineData("cron(0 0 ? * 4 *)", "2025-01-01T00:00Z", "2025-01-08T00:00Z", "2025-01-15T00:00Z")]
    [InlineData("0 0 * * 3", "2025-01-01T00:00Z", "2025-01-08T00:00Z", "2025-01-15T00:00Z")]
    [InlineData("cron(0 18 ? * MON-FRI *)", "2025-01-03T18:00Z", "2025-01-06T18:00Z", "2025-01-07T18:00Z")]
    [InlineData("0 0 * * fri-mon", "2025-01-01T00:00Z", "2025-01-03T00:00Z", "2025-01-04T00:00Z", "2025-01-05T00:00Z", "2025-01-06T00:00Z", "2025-01-10T00:00Z")]
    [InlineData("0 0 * * 6-7", "2025-01-01T00:00Z", "2025-01-04T00:00Z", "2025-01-05T00:00Z", "2025-01-11T00:00Z")]
    [InlineData("0 0 * * 0-7", "2025-01-01T00:00Z", "2025-01-02T00:00Z", "2025-01-03T00:00Z")]
    [InlineData("0 22-2/2 * * *", "2025-01-01T00:00Z", "2025-01-01T02:00Z", "2025-01-01T22:00Z", "2025-01-02T00:00Z")]
    [InlineData("0 9 1 JAN,jul ?", "2025-01-02T00:00Z", "2025-07-01T09:00Z", "2026-01-01T09:00Z")]
    public void Ticks_are_what_was_written(string schedule, string after, params string[] ticks) => AssertTicks(schedule, "UTC", after, ticks);

    [Theory]
    [InlineData("*/20 * * * * *", "2025-01-01T00:00:00Z", "2025-01-01T00:00:20Z", "2025-01-01T00:00:40Z", "2025-01-01T00:01:00Z")]
    [InlineData("30 15 8 * * 1-5", "2025-01-03T08:15:30Z", "2025-01-06T08:15:30Z", "2025-01-07T08:15:30Z")]
    public void Six_fields_begin_with_the_seconds(string schedule, string after, params string[] ticks) => AssertTicks(schedule, "UTC", after, ticks);

    [Theory]
    // In 2025 the 13th is a Friday in June; crontab takes either field's days, six fields and AWS both fields'.
    [InlineData("0 0 13 * 5", "2025-06-05T00:00Z", "2025-06-06T00:00Z", "2025-06-13T00:00Z", "2025-06-20T00:00Z")]
    [InlineData("0 0 0 13 * 5", "2025-01-01T00:00Z", "2025-06-13T00:00Z", "2026-02-13T00:00Z")]
    [InlineData("0 0 */2 * 1", "2025-01-01T00:00Z", "2025-01-13T00:00Z", "2025-01-27T00:00Z")]
    public void Days_of_the_month_and_of_the_week_meet_as_whoever_wrote_them_expects(string schedule, string after, params string[] ticks) =>
        AssertTicks(schedule, "UTC", after, ticks);

    [Theory]
    [InlineData("cron(0 0 L * ? *)", "2024-02-01T00:00Z", "2024-02-29T00:00Z", "2024-03-31T00:00Z", "2024-04-30T00:00Z")]
    [InlineData("cron(0 0 L-2 * ? *)", "2025-02-01T00:00Z", "2025-02-26T00:00Z", "2025-03-29T00:00Z")]
    [InlineData("cron(0 0 LW * ? *)", "2025-05-01T00:00Z", "2025-05-30T00:00Z", "2025-06-30T00:00Z", "2025-07-31T00:00Z", "2025-08-29T00:00Z")]
    // 1 February and 1 March 2025 are Saturdays, 15 and 16 February a weekend, 31 August a Sunday.
    [InlineData("cron(0 0 1W * ? *)", "2025-01-15T00:00Z", "2025-02-03T00:00Z", "2025-03-03T00:00Z", "2025-04-01T00:00Z")]
    [InlineData("cron(0 0 15W * ? *)", "2025-02-01T00:00Z", "2025-02-14T00:00Z", "2025-03-14T00:00Z", "2025-04-15T00:00Z")]
    [InlineData("cron(0 0 16W * ? *)", "2025-02-01T00:00Z", "2025-02-17T00:00Z", "2025-03-17T00:00Z")]
    [InlineData("cron(0 0 31W * ? *)", "2025-08-01T00:00Z", "2025-08-29T00:00Z", "2025-10-31T00:00Z")]
    [InlineData("cron(0 0 ? * 6L *)", "2025-01-01T00:00Z", "2025-01-31T00:00Z", "2025-02-28T00:00Z", "2025-03-28T00:00Z")]
    [InlineData("cron(0 0 ? * FRIL *)", "2025-01-01T00:00Z", "2025-01-31T00:00Z", "2025-02-28T00:00Z")]
    [InlineData("cron(0 0 ? * L *)", "2025-01-01T00:00Z", "2025-01-04T00:00Z", "2025-01-11T00:00Z")]
    [InlineData("cron(0 0 ? * 2#1 *)", "2025-01-01T00:00Z", "2025-01-06T00:00Z", "2025-02-03T00:00Z", "2025-03-03T00:00Z")]
    [InlineData("cron(0 0 ? * MON#5 *)", "2025-01-01T00:00Z", "2025-03-31T00:00Z", "2025-06-30T00:00Z")]
    [InlineData("cron(0 0 1,15W,L * ? *)", "2025-02-01T00:00Z", "2025-02-14T00:00Z", "2025-02-28T00:00Z", "2025-03-01T00:00Z")]
    [InlineData("cron(0 0 29 2 ? 2025-2036)", "2025-01-01T00:00Z", "2028-02-29T00:00Z", "2032-02-29T00:00Z", "2036-02-29T00:00Z")]
    [InlineData("0 0 L * *", "2025-01-01T00:00Z", "2025-01-31T00:00Z", "2025-02-28T00:00Z")]
    public void AWS_days_and_years_are_understood(string schedule, string after, params string[] ticks) => AssertTicks(schedule, "UTC", after, ticks);

    [Fact]
    public void A_schedule_whose_years_are_over_has_no_next_tick()
    {
        var schedule = Schedule.Parse("cron(0 0 1 1 ? 2025)", DateTimeZone.Utc);

        Assert.Equal(Time("2025-01-01T00:00Z"), schedule.Next(Time("2024-06-01T00:00Z")));
        Assert.Null(schedule.Next(Time("2025-01-01T00:00Z")));
        Assert.Null(schedule.Next(Time("9000-01-01T00:00Z")));
    }

    [Theory]
    // The clocks go from 02:00 to 03:00 on 30 March 2025 and from 03:00 back to 02:00 on 26 October.
    [InlineData("Europe/Berlin", "30 2 * * *", "2025-03-29T12:00Z", "2025-03-30T01:00Z", "2025-03-31T00:30Z")]
    [InlineData("Europe/Berlin", "30 2 * * *", "2025-10-25T12:00Z", "2025-10-26T00:30Z", "2025-10-27T01:30Z")]
    [InlineData("Europe/Berlin", "0 8 * * *", "2025-03-29T00:00Z", "2025-03-29T07:00Z", "2025-03-30T06:00Z")]
    [InlineData("Europe/Berlin", "0,15,30,45 2,3 * * *", "2025-03-29T12:00Z", "2025-03-30T01:00Z", "2025-03-30T01:15Z")]
    [InlineData("Europe/Berlin", "15,30 2 * * *", "2025-10-26T00:15Z", "2025-10-26T00:30Z", "2025-10-27T01:15Z")]
    // On 9 March 2025 from 02:00 to 03:00, on 2 November from 02:00 back to 01:00.
    [InlineData("America/New_York", "cron(30 2 * * ? *)", "2025-03-08T12:00Z", "2025-03-09T07:00Z", "2025-03-10T06:30Z")]
    [InlineData("America/New_York", "cron(30 1 * * ? *)", "2025-11-01T12:00Z", "2025-11-02T05:30Z", "2025-11-03T06:30Z")]
    // Until 2019 at midnight: to 01:00 on 4 November 2018, back to 23:00 at the end of 16 February 2019.
    [InlineData("America/Sao_Paulo", "0 0 * * *", "2018-11-03T12:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z")]
    [InlineData("America/Sao_Paulo", "30 23 * * *", "2019-02-16T12:00Z", "2019-02-17T01:30Z", "2019-02-18T02:30Z")]
    [InlineData("America/Sao_Paulo", "0 3 * * *", "2025-06-01T00:00Z", "2025-06-01T06:00Z", "2025-06-02T06:00Z")]
    // By half an hour: on 5 October 2025 from 02:00 to 02:30, on 6 April from 02:00 back to 01:30.
    [InlineData("Australia/Lord_Howe", "15 2 * * *", "2025-10-04T00:00Z", "2025-10-04T15:30Z", "2025-10-05T15:15Z")]
    [InlineData("Australia/Lord_Howe", "45 1 * * *", "2025-04-05T00:00Z", "2025-04-05T14:45Z", "2025-04-06T15:15Z")]
    // Behind in Ramadan, whose offset is the one with a saving: on 23 February 2025 from 03:00 back to 02:00, on 6 April from 02:00 to 03:00.
    [InlineData("Africa/Casablanca", "30 2 * * *", "2025-02-22T12:00Z", "2025-02-23T01:30Z", "2025-02-24T02:30Z")]
    [InlineData("Africa/Casablanca", "30 2 * * *", "2025-04-05T12:00Z", "2025-04-06T02:00Z", "2025-04-07T01:30Z")]
    // Samoa had no 30 December 2011.
    [InlineData("Pacific/Apia", "0 12 * * *", "2011-12-29T12:00Z", "2011-12-29T22:00Z", "2011-12-30T10:00Z", "2011-12-30T22:00Z")]
    public void A_fixed_time_that_the_clock_skips_or_repeats_is_one_tick(string zone, string schedule, string after, params string[] ticks) =>
        AssertTicks(schedule, zone, after, ticks);

    [Theory]
    [InlineData("Europe/Berlin", "*/30 * * * *", "2025-03-30T00:00Z", "2025-03-30T00:30Z", "2025-03-30T01:00Z", "2025-03-30T01:30Z")]
    [InlineData("Europe/Berlin", "*/30 * * * *", "2025-10-26T00:00Z", "2025-10-26T00:30Z", "2025-10-26T01:00Z", "2025-10-26T01:30Z", "2025-10-26T02:00Z")]
    [InlineData("Europe/Berlin", "30 * * * *", "2025-03-30T00:00Z", "2025-03-30T00:30Z", "2025-03-30T01:30Z")]
    [InlineData("Europe/Berlin", "cron(30 0/1 * * ? *)", "2025-10-26T00:00Z", "2025-10-26T00:30Z", "2025-10-26T01:30Z", "2025-10-26T02:30Z")]
    [InlineData("America/New_York", "0 * * * *", "2025-11-02T04:30Z", "2025-11-02T05:00Z", "2025-11-02T06:00Z", "2025-11-02T07:00Z")]
    [InlineData("Australia/Lord_Howe", "*/15 * * * *", "2025-04-05T14:30Z", "2025-04-05T14:45Z", "2025-04-05T15:00Z", "2025-04-05T15:15Z", "2025-04-05T15:30Z")]
    [InlineData("Australia/Lord_Howe", "0 * * * *", "2025-10-04T14:00Z", "2025-10-04T14:30Z", "2025-10-04T16:00Z")]
    [InlineData("Europe/Berlin", "rate(30 minutes)", "2025-10-26T00:00Z", "2025-10-26T00:30Z", "2025-10-26T01:00Z", "2025-10-26T01:30Z")]
    public void An_interval_goes_on_by_the_time_that_passes(string zone, string schedule, string after, params string[] ticks) =>
        AssertTicks(schedule, zone, after, ticks);

    [Theory]
    [InlineData("20 * * *", "write five fields (minute hour day month weekday), six with the seconds first, or cron(")]
    [InlineData("", "write five fields")]
    [InlineData("every hour", "write five fields")]
    [InlineData("cron(20 * * *)", "write five fields")]
    [InlineData("60 * * * *", "'60' is no minute: write 0 to 59, ranges (a-b), steps (a/n), or a list of them")]
    [InlineData("0 24 * * *", "'24' is no hour: write 0 to 23")]
    [InlineData("0 0 0 * *", "'0' is no day of the month: write 1 to 31")]
    [InlineData("0 0 * 13 *", "'13' is no month: write 1 to 12 or JAN to DEC")]
    [InlineData("0 0 * * 8", "'8' is no day of the week: write 0 to 7 or SUN to SAT")]
    [InlineData("cron(0 0 ? * 0 *)", "'0' is no day of the week: write 1 to 7 or SUN to SAT")]
    [InlineData("cron(0 0 ? * 2#6 *)", "'2#6' is no day of the week")]
    [InlineData("cron(0 0 32W * ? *)", "'32' is no day of the month")]
    [InlineData("cron(0 0 L-31 * ? *)", "'L-31' is no day of the month")]
    [InlineData("cron(0 0 1 * MON *)", "cron(…) takes days of the month or days of the week: write ? for the other")]
    [InlineData("cron(0 0 * * ? 1969)", "'1969' is no year: write 1970 to 2199")]
    [InlineData("*/0 * * * *", "'*/0' is no minute")]
    [InlineData("1, * * * *", "'' is no minute")]
    [InlineData("0 0 30 2 *", "it names no day there is")]
    [InlineData("rate(0 minutes)", "write rate(n minutes), rate(n hours) or rate(n days)")]
    [InlineData("rate(1 week)", "write rate(n minutes)")]
    [InlineData("rate(9999999999 days)", "write rate(n minutes)")]
    [InlineData("rate(2147483647 days)", "write rate(n minutes)")]
    [InlineData("rate(5minutes)", "write rate(n minutes)")]
    [InlineData("5/2147483647 * * * *", "'5/2147483647' is no minute")]
    public void What_is_not_understood_is_refused_with_what_would_be_right(string schedule, string says) =>
        Assert.StartsWith(says, Assert.Throws<CronException>(() => Schedule.Parse(schedule, DateTimeZone.Utc)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("*/5 * * * *", "2025-01-01T00:01Z", "2025-01-01T00:04Z", null)]
    [InlineData("*/5 * * * *", "2025-01-01T00:00Z", "2025-01-01T00:00Z", "2025-01-01T00:00Z")]
    [InlineData("*/5 * * * *", "2020-01-01T00:00Z", "2025-01-01T00:09Z", "2025-01-01T00:05Z")]
    [InlineData("0 0 29 2 *", "2001-01-01T00:00Z", "2027-01-01T00:09Z", "2024-02-29T00:00Z")]
    public void The_last_tick_of_a_span_is_found(string text, string from, string to, string? last) =>
        Assert.Equal(last is null ? null : Time(last), Schedule.Parse(text, DateTimeZone.Utc).Last(Time(from), Time(to)));

    private static void AssertTicks(string text, string zone, string after, string[] ticks)
    {
        var schedule = Schedule.Parse(text, Schedule.FindZone(zone)!);

        Assert.Equal(ticks.Select(Time), schedule.After(Time(after)).Take(ticks.Length));
    }

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
