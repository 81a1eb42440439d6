using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using static Workflow.Durable.Tests.Hosting.Histories;

namespace Workflow.Durable.Tests;

/// <summary>Recorded histories against the replay engine: (past events, new events) → actions.</summary>
public sealed class ReplayTests
{
    private static async Task<int> TwoStepsAsync(TaskOrchestrationContext context, int input)
    {
        var first = await context.CallActivityAsync<int>("First", input);
        await context.CreateTimer(TimeSpan.FromMinutes(5), CancellationToken.None);
        var child = await context.CallSubOrchestratorAsync<int>("Child", first);
        context.SendEvent("other", "news", child);
        return first + child + await context.WaitForExternalEvent<int>("go");
    }

    private static readonly HistoryEvent[] s_history =
    [
        Turn(), Started(1), Scheduled(0, "First"),
        Turn(1), Completed(0, 2), TimerCreated(1, 6),
        Turn(6), TimerFired(1, 6), ChildCreated(2, "Child"),
        Turn(7), new() { SubOrchestrationInstanceCompleted = new() { TaskScheduledId = 2, Result = "3" } }, EventSent(3, "other", "news"),
    ];

    [Fact]
    public void A_replayed_history_asks_for_nothing_and_goes_on_where_it_ended()
    {
        var execution = Execution<int, int>(TwoStepsAsync);

        execution.Replay(s_history);
        var nothing = execution.Turn([Turn(8)]);
        var end = execution.Turn([Turn(9), Raised("go", 4)]).End()!;

        Assert.Empty(nothing.Actions);
        Assert.Equal((OrchestrationStatus.Completed, "9"), (end.OrchestrationStatus, end.Result));
    }

    [Fact]
    public void Every_prefix_of_a_history_asks_for_exactly_what_comes_next()
    {
        for (var turns = 0; turns < 4; turns++)
        {
            var execution = Execution<int, int>(TwoStepsAsync);
            var begins = s_history.Select((happened, index) => (happened, index)).Where(line => line.happened.OrchestratorStarted is not null).Select(line => line.index).Append(s_history.Length).ToArray();

            execution.Replay(s_history[..begins[turns]]);
            var turn = s_history[begins[turns]..begins[turns + 1]];
            var result = execution.Turn(turn.Where(happened => happened.EventId < 0 || happened.SubOrchestrationInstanceCompleted is not null || happened.OrchestratorStarted is not null));

            Assert.Equal(turns, Assert.Single(result.Actions).Id);
        }
    }

    [Fact]
    public void Time_and_identifiers_come_from_history()
    {
        var seen = new List<(DateTime, Guid, bool)>();
        var execution = Execution<int, int>(async (context, _) =>
        {
            seen.Add((context.CurrentUtcDateTime, context.NewGuid(), context.IsReplaying));
            await context.CallActivityAsync<int>("One");
            seen.Add((context.CurrentUtcDateTime, context.NewGuid(), context.IsReplaying));
            await context.CallActivityAsync<int>("Two");
            seen.Add((context.CurrentUtcDateTime, context.NewGuid(), context.IsReplaying));
            return 0;
        });

        execution.Replay([Turn(), Started(), Scheduled(0, "One"), Turn(10), Completed(0, 1), Scheduled(1, "Two")]);
        execution.Turn([Turn(20), Completed(1, 1)]);

        var midnight = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Assert.Equal([(midnight, true), (midnight.AddMinutes(10), true), (midnight.AddMinutes(20), false)], seen.Select(line => (line.Item1, line.Item3)));
        Assert.Equal(3, seen.Select(line => line.Item2).Distinct().Count());
        Assert.All(seen, line => Assert.Equal(8, line.Item2.Version));
    }

    [Fact]
    public void A_result_that_comes_twice_or_for_a_step_nobody_asked_for_is_ignored()
    {
        var execution = Execution<int, int>(async (context, _) =>
            await context.CallActivityAsync<int>("One") + await context.CallActivityAsync<int>("Two"));
        execution.Turn([Turn(), Started()]);

        execution.Turn([Turn(1), Completed(7, 100), Completed(0, 1), Completed(0, 50)]);
        var end = execution.Turn([Turn(2), Completed(0, 50), Completed(1, 2)]).End()!;

        Assert.Equal("3", end.Result);
    }

    [Fact]
    public void A_deep_chain_of_finished_steps_does_not_overflow_the_stack()
    {
        const int Events = 100_000;
        var execution = Execution<int, long>(async (context, _) =>
        {
            var sum = 0L;
            for (var i = 0; i < Events; i++)
            {
                sum += await context.WaitForExternalEvent<int>("number");
            }

            return sum;
        });

        var end = execution.Turn([Turn(), .. Enumerable.Range(0, Events).Select(i => Raised("number", i)), Started()]).End()!;

        Assert.Equal($"{(long)Events * (Events - 1) / 2}", end.Result);
    }

    [Fact]
    public void Children_of_one_instance_never_share_a_derived_id()
    {
        const int Children = 300_000;  // with 8 digits a dozen of them would
        var execution = Execution<int, int[]>((context, _) =>
            Task.WhenAll(Enumerable.Range(0, Children).Select(_ => context.CallSubOrchestratorAsync<int>("Child"))));

        var ids = execution.Turn([Turn(), Started()]).Actions.Select(action => action.CreateSubOrchestration.InstanceId).ToHashSet();

        Assert.Equal(Children, ids.Count);
    }

    [Fact]
    public void An_event_of_a_later_version_fails_the_instance_and_says_why()
    {
        var execution = Execution<int, int>(TwoStepsAsync);

        execution.Replay([.. s_history, new HistoryEvent { EventId = -1 }]);
        var end = execution.Turn([Turn(9), Raised("go", 4)]).End()!;

        Assert.Equal(OrchestrationStatus.Failed, end.OrchestrationStatus);
        Assert.Contains("which this version does not know", end.FailureDetails.ErrorMessage, StringComparison.Ordinal);
    }

    // ---- Determinism -------------------------------------------------------------------------------------------------

    private static TaskFailureDetails FailureOf(Func<TaskOrchestrationContext, int, Task<int>> changed, params HistoryEvent[] history)
    {
        var execution = Execution(changed);
        execution.Replay(history);
        var actions = execution.Turn([Turn(100)]).Actions;
        var end = Assert.Single(actions).CompleteOrchestration;  // and nothing else is asked for
        Assert.Equal(OrchestrationStatus.Failed, end.OrchestrationStatus);
        var failure = end.FailureDetails.ToDetails();
        Assert.True(failure.IsCausedBy<NonDeterministicOrchestrationException>(), failure.ToString());
        Assert.Contains("Orchestrator 'Recorded' (instance 'recorded') does not match its history", failure.ErrorMessage, StringComparison.Ordinal);
        return failure;
    }

    [Fact]
    public void Another_activity_is_named_with_the_recorded_one() => Assert.Contains(
        "step 0 is activity 'First' in history, but the code now asks for activity 'Second'",
        FailureOf(async (context, _) => await context.CallActivityAsync<int>("Second"), Turn(), Started(), Scheduled(0, "First")).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public void Another_kind_of_step_is_named_too()
    {
        Assert.Contains(
            "step 0 is a timer in history, but the code now asks for sub-orchestration 'Child'",
            FailureOf((context, _) => context.CallSubOrchestratorAsync<int>("Child"), Turn(), Started(), TimerCreated(0, 5)).ErrorMessage,
            StringComparison.Ordinal);
        Assert.Contains(
            "step 0 is event 'news' to 'other' in history, but the code now asks for event 'news' to 'another'",
            FailureOf(
                async (context, _) =>
                {
                    context.SendEvent("another", "news");
                    return await context.WaitForExternalEvent<int>("go");
                },
                Turn(), Started(), EventSent(0, "other", "news")).ErrorMessage,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Two_steps_that_changed_places_are_caught_at_the_first() => Assert.Contains(
        "step 0 is activity 'A' in history, but the code now asks for activity 'B'",
        FailureOf(
            async (context, _) => (await Task.WhenAll(context.CallActivityAsync<int>("B"), context.CallActivityAsync<int>("A")))[0],
            Turn(), Started(), Scheduled(0, "A"), Scheduled(1, "B")).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public void A_step_that_was_inserted_is_named() => Assert.Contains(
        "step 1 is activity 'New' in the code, but history holds no step there",
        FailureOf(
            async (context, _) => (await Task.WhenAll(context.CallActivityAsync<int>("A"), context.CallActivityAsync<int>("New"), context.CallActivityAsync<int>("Newer")))[0],
            Turn(), Started(), Scheduled(0, "A")).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public void A_step_inserted_in_an_earlier_turn_is_caught_before_the_later_ones_run() => Assert.Contains(
        "step 1 is activity 'New' in the code",
        FailureOf(
            async (context, _) =>
            {
                await Task.WhenAll(context.CallActivityAsync<int>("A"), context.CallActivityAsync<int>("New"));
                return await context.CallActivityAsync<int>("B");
            },
            Turn(), Started(), Scheduled(0, "A"), Turn(1), Completed(0, 1), Scheduled(1, "B")).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public void A_step_that_is_missing_while_the_code_waits_for_something_else_is_named() => Assert.Contains(
        "step 1 is activity 'B' in history, but the code no longer asks for a step there",
        FailureOf(
            async (context, _) => await context.CallActivityAsync<int>("A") + await context.WaitForExternalEvent<int>("go"),
            Turn(), Started(), Scheduled(0, "A"), Turn(1), Completed(0, 1), Scheduled(1, "B")).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public void A_last_step_that_is_missing_is_named_although_the_code_has_ended() => Assert.Contains(
        "step 1 is activity 'B' in history, but the code no longer asks for a step there",
        FailureOf(
            async (context, _) => await context.CallActivityAsync<int>("A"),
            Turn(), Started(), Scheduled(0, "A"), Turn(1), Completed(0, 1), Scheduled(1, "B")).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public void Code_that_ends_where_history_went_on_is_caught() => Assert.Contains(
        "the code ends after step 0, but in history it went on waiting",
        FailureOf(
            async (context, _) => await context.CallActivityAsync<int>("A"),
            Turn(), Started(), Scheduled(0, "A"), Turn(1), Completed(0, 1)).ErrorMessage,
        StringComparison.Ordinal);

    [Fact]
    public void Code_that_fails_where_history_went_on_is_caught_and_its_own_failure_is_told() => Assert.Contains(
        "the code ends after step 0 (System.IO.IOException: new check), but in history it went on waiting",
        FailureOf(
            async (context, _) => await context.CallActivityAsync<int>("A") > 0 ? throw new IOException("new check") : 0,
            Turn(), Started(), Scheduled(0, "A"), Turn(1), Completed(0, 1)).ErrorMessage,
        StringComparison.Ordinal);
}
