using Workflow.Cloud.Salesforce;
using Workflow.Data.ContactSync;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SyncSalesforce;

/// <summary>
/// Writes customers' segments to the contacts with their e-mail addresses, those that changed only, and keeps the rows that Salesforce
/// refused where a later run can try them again.
/// </summary>
internal sealed class SyncSalesforce : TaskOrchestrator<SyncSalesforceInput, SyncSalesforceResult>
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    public override Task<SyncSalesforceResult> RunAsync(TaskOrchestrationContext context, SyncSalesforceInput input) =>
        context.ReportAsync(input, target: $"Salesforce, {input.Field}", async report =>
        {
            // Two runs at a time would leave the segments of whichever job of theirs is done last.
            await report.StateAsync("turn", () => context.TakeTurnAsync(Overlap.Wait, input.PollEvery));
            var run = new SyncRun(input, context.NewGuid());
            var result = await SyncAsync(context, report, run, Steps.Retry(input.Attempts));

            // A run that failed keeps what it has: it may be rewound.
            await context.CleanUpAsync(nameof(RemoveWork), run, Steps.Retry(input.Attempts));
            return result;
        });

    private static async Task<SyncSalesforceResult> SyncAsync(TaskOrchestrationContext context, RunReport report, SyncRun run, TaskOptions retry)
    {
        var read = await report.StateAsync("read", () => context.CallActivityAsync<SegmentRows>(nameof(ReadSegments), run, retry));
        var changes = new SegmentChangeCounts();
        if (read.HasEmails())
        {
            var query = await report.StateAsync("query", () => QueryAsync(context, run));
            changes = await report.StateAsync("match", () => context.CallActivityAsync<SegmentChangeCounts>(nameof(MatchContacts), query, retry));
        }

        var sent = await report.StateAsync("send", () => context.ForEachAsync(
            [.. Enumerable.Range(1, changes.Parts)], run.Input.AtOnce, number => SendAsync(context, new(run, number))));
        return await report.StateAsync("collect", () => CollectAsync(context, new(run, read, changes, [.. sent.Select(SyncPartEnd.Of)])));
    }

    private static async Task<SyncJob> QueryAsync(TaskOrchestrationContext context, SyncRun run)
    {
        var job = await context.CallActivityAsync<SyncJob>(nameof(QueryContacts), run, Steps.Retry(run.Input.Attempts));
        var ended = await WaitAsync(context, nameof(LookAtQuery), job);
        return ended.State == SalesforceJob.JobComplete ? job : throw new RunFailedException(SyncPartEnd.Describe(ended));
    }

    private static async Task<SalesforceJob> SendAsync(TaskOrchestrationContext context, SyncPart part)
    {
        var job = await context.CallActivityAsync<SyncJob>(nameof(SendPart), part, Steps.Retry(part.Run.Input.Attempts));
        return await WaitAsync(context, nameof(LookAtUpdate), job);
    }

    /// <summary>Accounts for every row, whatever failed; only then does the run fail.</summary>
    private static async Task<SyncSalesforceResult> CollectAsync(TaskOrchestrationContext context, SyncOutcomes outcomes)
    {
        var result = await context.CallActivityAsync<SyncSalesforceResult>(nameof(CollectResults), outcomes, Steps.Retry(outcomes.Run.Input.Attempts));
        return outcomes.Parts.Select(part => part.Problem()).OfType<string>().FirstOrDefault() is { } problem
            ? throw new RunFailedException($"{problem} {result.Loaded} rows were updated; those that were not are in {result.QuarantineObject}, to be run again.")
            : result;
    }

    /// <summary>Looks at a job, ever more rarely, until it has ended or may take no longer.</summary>
    private static async Task<SalesforceJob> WaitAsync(TaskOrchestrationContext context, string look, SyncJob job)
    {
        var input = job.Run.Input;
        var deadline = context.CurrentUtcDateTime + input.JobDeadline;
        for (var pause = input.PollEvery; ; pause = pause * 2 < LongestPause ? pause * 2 : pause)
        {
            var seen = await context.CallActivityAsync<SalesforceJob>(look, job, Steps.Retry(input.Attempts));
            if (seen.HasEnded() || context.CurrentUtcDateTime >= deadline)
            {
                return seen;
            }

            await context.CreateTimer(pause, CancellationToken.None);
        }
    }
}
