using Workflow.Durable;

namespace Workflow.App.Notifications;

internal sealed record HadFailedBeforeInput(string Pipeline, string Instance);

/// <summary>Whether the run of the pipeline before this one, of those that have ended, failed.</summary>
internal sealed class HadFailedBefore(DurableTaskClient client, TimeProvider time) : TaskActivity<HadFailedBeforeInput, bool>
{
    private const int Looked = 20;

    // An engine that lists in no order tells the latest only after all of them: most pipelines have run lately.
    private static readonly TimeSpan?[] Back = [TimeSpan.FromDays(2), TimeSpan.FromDays(60), null];

    private static readonly OrchestrationRuntimeStatus[] Ended = [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Failed];

    public override async Task<bool> RunAsync(TaskActivityContext context, HadFailedBeforeInput input)
    {
        foreach (var back in Back)
        {
            var query = new OrchestrationQuery(CreatedFrom: time.GetUtcNow() - back, Name: input.Pipeline, Statuses: Ended, PageSize: Looked);
            var before = client.GetAllInstancesAsync(query, context.CancellationToken).Where(run => run.InstanceId != input.Instance && run.ParentInstanceId is null);
            if (await before.FirstOrDefaultAsync(context.CancellationToken) is { } latest)
            {
                return latest.RuntimeStatus == OrchestrationRuntimeStatus.Failed;
            }
        }

        return false;
    }
}
