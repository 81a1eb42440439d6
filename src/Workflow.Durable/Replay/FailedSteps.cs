using System.Globalization;
using Google.Protobuf.Collections;
using Workflow.Durable.Protocol;
using Kind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.Durable.Replay;

/// <summary>Which failures of an execution's steps a rewind takes back.</summary>
internal static class FailedSteps
{
    /// <summary>
    /// Where the execution failed with a step's failure: that one, all that failed since it was first asked for, and those before it that
    /// the code had not done anything about; each with the attempts before it. The others the code got over. Where the code failed by
    /// itself, for whatever reason: all of them.
    /// </summary>
    /// <param name="heard">The failures that the code had done something about.</param>
    public static IReadOnlySet<int> Of(IReadOnlyCollection<HistoryEvent> past, IReadOnlySet<int> heard)
    {
        var failures = past.Select(FailureOf).OfType<int>().ToHashSet();
        var end = past.LastOrDefault(happened => happened.EventTypeCase == Kind.ExecutionCompleted);
        if (Failures.FailedStep(end?.ExecutionCompleted.FailureDetails) is not { } cause)
        {
            return failures;
        }

        var attempts = new Attempts(past);
        var begun = attempts.FirstOf(cause);
        var since = past.SkipWhile(happened => happened.EventId != begun || !Attempts.IsCall(happened)).Select(FailureOf).OfType<int>().ToHashSet();
        var ended = failures.Where(failed => since.Contains(failed) || !heard.Contains(failed)).Select(attempts.FirstOf).ToHashSet();
        return failures.Where(failed => ended.Contains(attempts.FirstOf(failed))).ToHashSet();
    }

    /// <summary>The step whose failure an event tells of; null for any other event.</summary>
    public static int? FailureOf(HistoryEvent happened) => happened.EventTypeCase switch
    {
        Kind.TaskFailed => happened.TaskFailed.TaskScheduledId,
        Kind.SubOrchestrationInstanceFailed => happened.SubOrchestrationInstanceFailed.TaskScheduledId,
        _ => null,
    };
}

/// <summary>Which of an execution's steps are retries of which.</summary>
internal sealed class Attempts(IEnumerable<HistoryEvent> past)
{
    private readonly Dictionary<int, int> _firsts = past
        .Where(happened => IsCall(happened) && Tags(happened).ContainsKey(OrchestrationExecution.FirstTaskIdTag))
        .ToDictionary(retry => retry.EventId, retry => int.Parse(Tags(retry)[OrchestrationExecution.FirstTaskIdTag], CultureInfo.InvariantCulture));

    /// <summary>The step that this one is a retry of; itself where it is none.</summary>
    public int FirstOf(int taskId) => _firsts.GetValueOrDefault(taskId, taskId);

    public static bool IsCall(HistoryEvent happened) => happened.EventTypeCase is Kind.TaskScheduled or Kind.SubOrchestrationInstanceCreated;

    private static MapField<string, string> Tags(HistoryEvent call) => call.TaskScheduled?.Tags ?? call.SubOrchestrationInstanceCreated.Tags;
}
