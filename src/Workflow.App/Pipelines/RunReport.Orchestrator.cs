using Workflow.App.Notifications;
using Workflow.Cloud.DynamoDb;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>What is told about a run while it goes, state by state, and at its end. It is replayed with its orchestrator.</summary>
/// <param name="target">What the run loads.</param>
internal sealed class RunReport(TaskOrchestrationContext context, PipelineInput input, string target)
{
    private readonly List<StateRecord> _missed = [];
    private int _recorded;
    private Exception? _toldOf;

    /// <summary>
    /// The run in the status table: begins with its start and is nobody else's, neither another run's of the same minute nor that of one
    /// that takes the instance id over later.
    /// </summary>
    public string IngestedId { get; } = $"{context.CurrentUtcDateTime:yyyyMMddHHmmssfff}-{context.InstanceId}";

    /// <summary>The state the run is in, or ended in.</summary>
    public string LatestState { get; private set; } = "start";

    /// <summary>A sentence to end the message with, such as where the object lies now.</summary>
    public string? Remark { get; set; }

    /// <summary>There was nothing to do, which is not worth a message.</summary>
    public bool IsIdle { get; set; }

    /// <summary>Goes through one state of the run, and records in the status table how it ended.</summary>
    public async Task<T> StateAsync<T>(string state, Func<Task<T>> step)
    {
        LatestState = state;
        T result;
        try
        {
            result = await step();
        }
        catch (Exception failed) when (IsFailure(failed))
        {
            LatestState = state;
            await FailAsync(failed);
            throw;
        }

        await RecordAsync(null);
        return result;
    }

    /// <summary>Records that the run failed in its latest state, unless that is recorded already.</summary>
    public async Task FailAsync(Exception failed)
    {
        if (failed != _toldOf)
        {
            _toldOf = failed;
            await RecordAsync(Reason(failed));
        }
    }

    /// <summary>All that ends a run, but that its code does not match its history: that one cannot ask for anything any more.</summary>
    public static bool IsFailure(Exception failed) => failed is not NonDeterministicOrchestrationException;

    public static string Reason(Exception failed) => (failed as TaskFailedException)?.FailureDetails.ErrorMessage ?? failed.Message;

    /// <summary>Sends a message about the run, to wherever its settings say; whatever becomes of it, the run goes on.</summary>
    public Task NotifyAsync(RunMessage message) => context.NotifyAsync(input, message);

    /// <summary>Whatever becomes of it, the run goes on; what could not be recorded is recorded with the next state.</summary>
    private async Task RecordAsync(string? reason)
    {
        if (string.IsNullOrEmpty(input.StatusTable))
        {
            return;
        }

        var record = new StateRecord(IngestedId, target, _recorded++, LatestState, reason, context.Name, context.InstanceId, context.CurrentUtcDateTime);
        var told = new RecordStateInput(input.StatusTable, record) { Missed = [.. _missed] };
        try
        {
            if (await context.CallActivityAsync<bool>(nameof(RecordState), told))
            {
                _missed.RemoveAll(told.Missed.Contains);
                return;
            }
        }
        catch (TaskFailedException unwritten)
        {
            context.CreateReplaySafeLogger(nameof(RecordState)).LogWarning(unwritten, "Run {Instance} could not record its state {State}.", context.InstanceId, record.State);
        }

        _missed.Add(record);
    }
}

/// <summary>How a run ended.</summary>
/// <param name="LatestState">The last state it was in: the one that failed, if one did.</param>
/// <param name="Result">Null where it failed.</param>
/// <param name="Reason">Why it failed; null where it did not.</param>
internal sealed record RunEnd<TResult>(string IngestedId, string LatestState, TResult? Result, string? Reason)
    where TResult : PipelineResult;

/// <summary>A message to people about a run.</summary>
/// <param name="Subject">For channels that have one.</param>
/// <param name="Json">Said instead of the text to channels that programs listen to; null for the text there, too.</param>
internal sealed record RunMessage(string Subject, string Text, string? Json = null);

/// <summary>A run cannot go on, for a reason that is not a step's failure.</summary>
internal class RunFailedException(string message) : Exception(message);

internal static class RunReports
{
    /// <summary>Runs a pipeline state by state and tells how it ended: success or failure, with the failed state and its reason.</summary>
    /// <param name="message">What to say at the end instead of the usual; null for the usual.</param>
    public static async Task<TResult> ReportAsync<TResult>(
        this TaskOrchestrationContext context, PipelineInput input, string target,
        Func<RunReport, Task<TResult>> run, Func<RunEnd<TResult>, RunMessage?>? message = null)
        where TResult : PipelineResult
    {
        var report = new RunReport(context, input, target);
        try
        {
            var result = await run(report);

            // Of many runs that are one to whoever asked for it, only that one tells of its success.
            if (context.Parent is null && !report.IsIdle)
            {
                await TellAsync(new(report.IngestedId, report.LatestState, result, null));
            }

            return result;
        }
        catch (Exception failed) when (RunReport.IsFailure(failed))
        {
            await report.FailAsync(failed);
            await TellAsync(new(report.IngestedId, report.LatestState, null, RunReport.Reason(failed)));
            throw;
        }

        async Task TellAsync(RunEnd<TResult> end)
        {
            var said = message?.Invoke(end) ?? Describe(context, input, target, end);
            said = report.Remark is null ? said : said with { Text = $"{said.Text} {report.Remark}" };
            await report.NotifyAsync(said);
            await context.NotifyByRulesAsync(input, target, end, said);
        }
    }

    private static RunMessage Describe<TResult>(TaskOrchestrationContext context, PipelineInput input, string target, RunEnd<TResult> end)
        where TResult : PipelineResult
    {
        var on = input.Object is null ? "" : $" on {input.Object}";
        if (end.Result is not { } result)
        {
            return new($"{context.Name} failed", $"{context.Name} failed at {end.LatestState}{on} (run {context.InstanceId}): {end.Reason}");
        }

        var refused = result.Quarantined == 0 ? "" : $", {result.Quarantined} quarantined{(result.QuarantineObject is null ? "" : $" in {result.QuarantineObject}")}";
        var skipped = result.Skipped == 0 ? "" : $", {result.Skipped} skipped";
        return new(
            $"{context.Name} completed",
            $"{context.Name} completed{on} (run {context.InstanceId}): {result.RowsIn} rows in, {result.Loaded} loaded into {result.Table ?? result.Written ?? target}{refused}{skipped}.");
    }
}
