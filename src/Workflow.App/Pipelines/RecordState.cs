using Workflow.Cloud.DynamoDb;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <param name="Table">The status table.</param>
internal sealed record RecordStateInput(string Table, StateRecord State)
{
    /// <summary>States before it that could not be recorded when they ended.</summary>
    public IReadOnlyList<StateRecord> Missed { get; init; } = [];
}

/// <summary>
/// Records a state of a run, and those before it that were missed. That it could not be recorded is an outcome, not a failure: a run never
/// fails for want of its status, nor waits long for it. The run says it again with its next state.
/// </summary>
internal sealed class RecordState(StatusTable status, TimeProvider time, ILogger<RecordState> logger) : TaskActivity<RecordStateInput, bool>
{
    // Time enough for the local stand-in to start and the table to be created.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    public override async Task<bool> RunAsync(TaskActivityContext context, RecordStateInput input)
    {
        using var late = new CancellationTokenSource(Longest, time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(late.Token, context.CancellationToken);
        try
        {
            foreach (var state in input.Missed.Append(input.State))
            {
                await status.RecordAsync(input.Table, state, enough.Token);
            }

            return true;
        }
        catch (Exception unwritten) when (!context.CancellationToken.IsCancellationRequested)
        {
            logger.LogWarning(unwritten, "Run {Instance} could not record its state {State} in table {Table}.", context.InstanceId, input.State.State, input.Table);
            return false;
        }
    }
}
