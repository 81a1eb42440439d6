using Workflow.Durable;

namespace Workflow.App.Pipelines.MergeSources;

/// <summary>
/// Completes a JSON file's objects from a database table and writes them as a CSV file; says what was written, what the file did not
/// have, and what went wrong.
/// </summary>
internal sealed class MergeSources : TaskOrchestrator<MergeSourcesInput, MergeSourcesResult>
{
    public override async Task<MergeSourcesResult> RunAsync(TaskOrchestrationContext context, MergeSourcesInput input)
    {
        try
        {
            var merged = await context.CallActivityAsync<MergeSourcesResult>(nameof(MergeIntoCsv), input, Steps.Retry(input.Attempts));
            if (merged.DatabaseOnly > 0)
            {
                await context.NotifyAsync(input.Slack, $"{context.Name}: {merged.DescribeDatabaseOnly(input)}");
            }

            await context.NotifyAsync(input.Slack, $"{context.Name}: {merged.Loaded} rows of {input.Object} written to {merged.Written}.");
            return merged;
        }
        catch (TaskFailedException failed)
        {
            await context.NotifyAsync(input.Slack, $"{context.Name} failed on {input.Object} (run {context.InstanceId}): {failed.FailureDetails.ErrorMessage}");
            throw;
        }
    }
}
