using FsCheck;
using FsCheck.Fluent;
using NodaTime;
using Workflow.App.Triggers.Schedules;

namespace Workflow.App.Tests.Triggers.Schedules;

public sealed class ScheduleTurnTests
{
    private static readonly DateTimeOffset Midnight = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly Schedule Hourly = Schedule.Parse("0 * * * *", DateTimeZone.Utc);

    [Theory]
    [InlineData("Skip", false, "1", "")]
    [InlineData("Skip", true, "", "1")]
    [InlineData("QueueOne", true, "", "")]
    [InlineData("Allow", true, "1", "")]
    public void A_tick_whose_run_before_has_not_ended_is_left_out_queued_or_run(string policy, bool isBusy, string started, string leftOut)
    {
        var overlap = Enum.Parse<OverlapPolicy>(policy);
        var turn = Take(Row(1, overlap), isBusy, At(1));

        Assert.Equal(Hours(started), turn.Start);
        Assert.Equal(Hours(leftOut).Cast<DateTimeOffset?>().LastOrDefault(), turn.Row.LeftOutTick);
        Assert.Equal(overlap == OverlapPolicy.QueueOne ? At(1) : null, turn.Row.QueuedTick);
        Assert.Equal(At(2), turn.Row.NextTick);
    }

    [Fact]
    public void A_queued_tick_runs_when_the_run_before_has_ended_and_while_it_waits_others_are_left_out()
    {
        var queued = Take(Row(1, OverlapPolicy.QueueOne), isBusy: true, At(1)).Row;
        var crowded = Take(queued, isBusy: true, At(2));
        Assert.Empty(crowded.Start);
        Assert.Equal((At(1), At(2)), (crowded.Row.QueuedTick, crowded.Row.LeftOutTick));

        var freed = Take(crowded.Row, isBusy: false, At(2.5));

        Assert.Equal([At(1)], freed.Start);
        Assert.Null(freed.Row.QueuedTick);
        Assert.Equal(At(3), freed.Row.NextTick);
    }

    [Theory]
    [InlineData("None", "", 1)]
    [InlineData("Last", "5", 1)]
    [InlineData("All", "1,2,3,4,5", null)]
    public void Missed_ticks_are_left_out_or_run_once_or_all_run(string policy, string started, int? leftOut)
    {
        var turn = Take(Row(1, OverlapPolicy.Allow, Enum.Parse<CatchUpPolicy>(policy)), isBusy: false, At(5.5));

        Assert.Equal(Hours(started), turn.Start);
        Assert.Equal(leftOut is { } hour ? At(hour) : null, turn.Row.LeftOutTick);
        Assert.Equal(At(6), turn.Row.NextTick);
    }

    [Theory]
    [InlineData("None")]
    [InlineData("Last")]
    public void A_tick_that_is_less_than_a_minute_late_stands_for_those_before_it(string policy)
    {
        var turn = Take(Row(1, OverlapPolicy.Allow, Enum.Parse<CatchUpPolicy>(policy)), isBusy: false, At(5).AddSeconds(59));

        Assert.Equal([At(5)], turn.Start);
    }

    [Fact]
    public void Only_the_window_is_caught_up()
    {
        var turn = Take(Row(1, OverlapPolicy.Allow, CatchUpPolicy.All) with { CatchUpWindow = TimeSpan.FromHours(2) }, isBusy: false, At(9.5));

        Assert.Equal([At(8), At(9)], turn.Start);
        Assert.Equal(At(1), turn.Row.LeftOutTick);
    }

    [Theory]
    [InlineData("Skip")]
    [InlineData("QueueOne")]
    public void Where_runs_may_not_overlap_missed_ticks_are_caught_up_one_after_the_other(string policy)
    {
        var row = Row(1, Enum.Parse<OverlapPolicy>(policy), CatchUpPolicy.All);
        var started = new List<DateTimeOffset>();
        for (var isBusy = false; started.Count < 4; isBusy = !isBusy)
        {
            var turn = Take(row, isBusy, At(4.5));
            Assert.Equal(isBusy ? 0 : 1, turn.Start.Count);
            Assert.True(ScheduleTurn.IsDue(turn.Row, At(4.5)) || started.Count == 3);
            started.AddRange(turn.Start);
            row = turn.Row;
        }

        Assert.Equal([At(1), At(2), At(3), At(4)], started);
        Assert.Null(row.LeftOutTick);
    }

    [Fact]
    public void A_turn_takes_so_many_ticks_and_leaves_the_rest_to_the_next()
    {
        var row = Row(1, OverlapPolicy.Allow, CatchUpPolicy.All) with { CatchUpWindow = TimeSpan.FromDays(300) };

        var turn = Take(row, isBusy: false, At(250.5));

        Assert.Equal(ScheduleTurn.MostAtOnce, turn.Start.Count);
        Assert.Equal(At(ScheduleTurn.MostAtOnce + 1), turn.Row.NextTick);
        Assert.True(ScheduleTurn.IsDue(turn.Row, At(250.5)));
    }

    [Fact]
    public void Nothing_is_due_of_a_schedule_that_is_paused_or_removed_or_over()
    {
        Assert.True(ScheduleTurn.IsDue(Row(1), At(1)));
        Assert.False(ScheduleTurn.IsDue(Row(1), At(0.9)));
        Assert.False(ScheduleTurn.IsDue(Row(1) with { PausedAt = At(0) }, At(1)));
        Assert.False(ScheduleTurn.IsDue(Row(1) with { RemovedAt = At(0) }, At(1)));
        Assert.False(ScheduleTurn.IsDue(Row(1) with { NextTick = null }, At(1)));
    }

    [Fact]
    public void Whenever_it_is_looked_at_each_tick_is_run_at_most_once_in_order_and_none_is_lost_that_the_policies_keep()
    {
        var looks = Gen.Choose(1, 400).NonEmptyListOf().Zip(Gen.Choose(0, 1).Select(busy => busy == 1).NonEmptyListOf());
        var policies = Gen.Elements(Enum.GetValues<OverlapPolicy>()).Zip(Gen.Elements(Enum.GetValues<CatchUpPolicy>()));
        Prop.ForAll(looks.Zip(policies).ToArbitrary(), given =>
        {
            var ((pauses, busy), (overlap, catchUp)) = given;
            var row = Row(1, overlap, catchUp) with { CatchUpWindow = TimeSpan.FromDays(30) };
            var (now, started) = (Midnight, new List<DateTimeOffset>());
            for (var look = 0; look < pauses.Count; look++)
            {
                now = now.AddMinutes(pauses[look]);
                var isBusy = busy[look % busy.Count] && started.Count > 0;
                var turn = Take(row, isBusy, now);
                Assert.True(overlap == OverlapPolicy.Allow || turn.Start.Count <= (isBusy ? 0 : 1));
                Assert.True(turn.Row.NextTick > row.NextTick || turn.Row.NextTick == row.NextTick);
                Assert.All(turn.Start, tick => Assert.True(tick <= now));
                started.AddRange(turn.Start);
                row = turn.Row;
            }

            Assert.Equal(started.Distinct().Order(), started);
            var all = Hourly.Between(Midnight.AddTicks(1), now).ToList();
            Assert.Subset(all.ToHashSet(), started.ToHashSet());
            if ((overlap, catchUp) == (OverlapPolicy.Allow, CatchUpPolicy.All))
            {
                Assert.Equal(all, started);
            }
            else if (overlap == OverlapPolicy.Allow && catchUp == CatchUpPolicy.Last && all.Count > 0)
            {
                Assert.Equal(all[^1], started[^1]);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void Settings_that_change_take_over_with_their_own_ticks_and_leave_the_rest_as_it_is()
    {
        var trigger = new ScheduleTrigger(Hourly, OverlapPolicy.Skip, CatchUpPolicy.Last, TimeSpan.FromDays(1));
        var row = ScheduleRow.Of("p", trigger, At(0)) with { PausedAt = At(0), PausedBy = "me", LastInstance = "p-1" };

        var same = row.With(trigger with { Overlap = OverlapPolicy.Allow }, At(7.5));
        Assert.Equal((At(1), OverlapPolicy.Allow), (same.NextTick, same.Overlap));

        var other = row.With(trigger with { Schedule = Schedule.Parse("30 * * * *", DateTimeZone.Utc) }, At(7.2));
        Assert.Equal((At(7.5), At(0), "me", "p-1"), (other.NextTick, other.PausedAt, other.PausedBy, other.LastInstance));

        var back = (row with { RemovedAt = At(3) }).With(trigger, At(7.5));
        Assert.Equal((At(8), null), (back.NextTick, back.RemovedAt));
    }

    private static ScheduleTurn Take(ScheduleRow row, bool isBusy, DateTimeOffset now) => ScheduleTurn.Take(row, Hourly, isBusy, now);

    private static ScheduleRow Row(int next, OverlapPolicy overlap = OverlapPolicy.Skip, CatchUpPolicy catchUp = CatchUpPolicy.Last) =>
        new("p", Hourly.Text, Hourly.TimeZone, overlap, catchUp, TimeSpan.FromDays(1), At(next));

    private static DateTimeOffset At(double hours) => Midnight.AddHours(hours);

    private static IEnumerable<DateTimeOffset> Hours(string hours) =>
        hours.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(hour => At(int.Parse(hour, System.Globalization.CultureInfo.InvariantCulture)));
}
