using Workflow.Cloud.Aws;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;
using Workflow.Data;
using Workflow.Data.Warehouse;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>What orchestrators have in common. It is replayed with them.</summary>
internal static class Steps
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);

    /// <summary>Tries again what may pass by itself, a database or a store that is away; not what is wrong with the data.</summary>
    public static TaskOptions Retry(int attempts) => Retry(new RetryPolicy(attempts, FirstRetry, backoffCoefficient: 2, LongestRetry));

    /// <summary>As <see cref="Retry(int)"/>, but always after the same time.</summary>
    public static TaskOptions RetryEvery(TimeSpan interval, int attempts) => Retry(new RetryPolicy(attempts, interval, backoffCoefficient: 1, interval));

    private static TaskOptions Retry(RetryPolicy policy) => new(policy with
    {
        NonRetryableErrors = [typeof(BadInputException), typeof(WarehouseException), typeof(ObjectNotFoundException), typeof(SecretException), typeof(AwsRefusedException), typeof(OutboundRefusedException)],
    });

    /// <summary>Sends a message, where the pipeline says where to; whatever becomes of it, the run goes on.</summary>
    public static Task NotifyAsync(this TaskOrchestrationContext context, PipelineInput input, RunMessage message) =>
        input.Slack is null && input.Topic is null
            ? Task.CompletedTask
            : context.NotifyAsync(new NotifyInput(input.Slack, input.Topic, message, context.NewGuid().ToString("N")) { Pipeline = context.Name });

    /// <inheritdoc cref="NotifyAsync(TaskOrchestrationContext, PipelineInput, RunMessage)"/>
    public static async Task NotifyAsync(this TaskOrchestrationContext context, NotifyInput message)
    {
        try
        {
            await context.CallActivityAsync(nameof(Notify), message);
        }
        catch (TaskFailedException unsent)
        {
            context.CreateReplaySafeLogger(nameof(Notify)).LogWarning(unsent, "Run {Instance} could not say \"{Text}\".", context.InstanceId, message.Message.Text);
        }
    }

    /// <summary>Removes what a run leaves behind, however it ended; it does not end otherwise for that.</summary>
    public static async Task CleanUpAsync(this TaskOrchestrationContext context, string activity, object input, TaskOptions retry)
    {
        try
        {
            await context.CallActivityAsync(activity, input, retry);
        }
        catch (TaskFailedException left)
        {
            context.CreateReplaySafeLogger(nameof(Steps)).LogWarning(left, "Run {Instance} has left behind what {Activity} was to remove.", context.InstanceId, activity);
        }
    }

    /// <summary>Runs a step for each item, so many at a time, and waits for all of them, failed ones too.</summary>
    /// <returns>In the order of the items.</returns>
    public static async Task<IReadOnlyList<Outcome<TResult>>> ForEachAsync<TItem, TResult>(
        this TaskOrchestrationContext context, IReadOnlyList<TItem> items, int atOnce, Func<TItem, Task<TResult>> step)
    {
        var outcomes = new Outcome<TResult>[items.Count];
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(atOnce, items.Count)).Select(_ => LaneAsync()));
        return outcomes;

        async Task LaneAsync()
        {
            while (next < items.Count)
            {
                var index = next++;
                try
                {
                    outcomes[index] = new(await step(items[index]), null);
                }
                catch (TaskFailedException failed)
                {
                    outcomes[index] = new(default, failed);
                }
            }
        }
    }
}

/// <summary>What came of one of many steps: a result or a failure.</summary>
internal readonly record struct Outcome<TResult>(TResult? Result, TaskFailedException? Failure)
{
    /// <summary>A sub-orchestration was refused because its id is that of one that has not ended.</summary>
    public bool IsUnderWay() => Failure?.FailureDetails.IsCausedBy<OrchestrationAlreadyExistsException>() == true;
}
