using Workflow.Durable;

namespace Workflow.App.Notifications;

internal sealed record HadFailedBeforeInput(string Pipeline, string Instance);

/// <summary>Whether the run of the pipeline before this one, of those that have ended, failed.</summary>
internal sealed class HadFailedBefore(DurableTaskClient client) : TaskActivity<HadFailedBeforeInput, bool>
{
    private const int Looked = 20;

    private static readonly OrchestrationRuntimeStatus[] Ended = [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Failed];

    public override async Task<bool> RunAsync(TaskActivityContext context, HadFailedBeforeInput input)
    {
        var runs = client.GetAllInstancesAsync(new OrchestrationQuery(Name: input.Pipeline, Statuses: Ended, PageSize: Looked), context.CancellationToken);
        var before = await runs.FirstOrDefaultAsync(run => run.InstanceId != input.Instance && run.ParentInstanceId is null, context.CancellationToken);
        return before?.RuntimeStatus == OrchestrationRuntimeStatus.Failed;
    }
}
