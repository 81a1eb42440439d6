using System.Globalization;
using System.Text.Json.Nodes;
using Workflow.App.Configuration;
using Workflow.App.Triggers;

namespace Workflow.App.Tests.Triggers;

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
    public void Ticks_are_what_was_written(string schedule, string after, params string[] ticks) => AssertTicks(schedule, "UTC", after, ticks);

    [Theory]
    // The clocks go from 02:00 to 03:00 on 30 March 2025 and from 03:00 back to 02:00 on 26 October.
    [InlineData("30 2 * * *", "2025-03-29T12:00Z", "2025-03-30T01:00Z", "2025-03-31T00:30Z")]
    [InlineData("30 2 * * *", "2025-10-25T12:00Z", "2025-10-26T00:30Z", "2025-10-27T01:30Z")]
    [InlineData("0 8 * * *", "2025-03-29T00:00Z", "2025-03-29T07:00Z", "2025-03-30T06:00Z")]
    public void A_time_that_the_clock_skips_or_repeats_is_one_tick(string schedule, string after, params string[] ticks) =>
        AssertTicks(schedule, "Europe/Berlin", after, ticks);

    [Theory]
    [InlineData("cron(20 * * * ? 2025)")]
    [InlineData("cron(0 0 L * ? *)")]
    [InlineData("cron(0 0 ? * 2#1 *)")]
    [InlineData("cron(20 * * *)")]
    [InlineData("0 0 30 2 *")]
    [InlineData("rate(0 minutes)")]
    [InlineData("rate(1 week)")]
    [InlineData("every hour")]
    [InlineData("")]
    public void What_is_not_understood_is_refused_with_what_would_be_right(string schedule)
    {
        var errors = new SettingErrors();

        Schedule.Read(new JsonObject { ["Schedule"] = schedule }, "Trigger", errors);

        Assert.StartsWith($"Trigger:Schedule is '{schedule}': write cron(20 * * * ? *)", Assert.Single(errors.All).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_time_zone_that_is_none_is_refused()
    {
        var errors = new SettingErrors();

        Schedule.Read(new JsonObject { ["Schedule"] = "0 8 * * *", ["TimeZone"] = "Mars/Olympus" }, "Trigger", errors);

        Assert.StartsWith("Trigger:TimeZone is 'Mars/Olympus'", Assert.Single(errors.All).ToString(), StringComparison.Ordinal);
    }

    private static void AssertTicks(string text, string zone, string after, string[] ticks)
    {
        var errors = new SettingErrors();
        var schedule = Schedule.Read(new JsonObject { ["Schedule"] = text, ["TimeZone"] = zone }, "Trigger", errors);
        Assert.Empty(errors.All);

        var tick = DateTimeOffset.Parse(after, CultureInfo.InvariantCulture);
        Assert.Equal(ticks, ticks.Select(_ => (tick = schedule!.Next(tick)).UtcDateTime.ToString("yyyy-MM-ddTHH:mmZ", CultureInfo.InvariantCulture)));
    }
}
