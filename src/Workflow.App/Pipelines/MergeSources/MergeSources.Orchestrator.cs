using Workflow.Durable;

namespace Workflow.App.Pipelines.MergeSources;

/// <summary>
/// Completes a JSON file's objects from a database table and writes them as a CSV file; says what was written, what the file did not
/// have, and what went wrong.
/// </summary>
internal sealed class MergeSources : TaskOrchestrator<MergeSourcesInput, MergeSourcesResult>
{
    public override Task<MergeSourcesResult> RunAsync(TaskOrchestrationContext context, MergeSourcesInput input) =>
        context.ReportAsync(input, input.Output, async report =>
        {
            var merged = await report.StateAsync("merge", () => context.CallActivityAsync<MergeSourcesResult>(nameof(MergeIntoCsv), input, Steps.Retry(input.Attempts)));
            if (merged.DatabaseOnly > 0)
            {
                await report.NotifyAsync(new($"{context.Name}: rows not in the file", $"{context.Name}: {merged.DescribeDatabaseOnly(input)}"));
            }

            return merged;
        });
}
