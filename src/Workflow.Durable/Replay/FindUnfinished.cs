namespace Workflow.Durable.Replay;

/// <summary>The status of an instance that has not ended; null where there is none of that id, or it has.</summary>
internal sealed class FindUnfinished(DurableTaskClient client) : TaskActivity<string, OrchestrationRuntimeStatus?>
{
    public const string Name = nameof(FindUnfinished);

    public override async Task<OrchestrationRuntimeStatus?> RunAsync(TaskActivityContext context, string input) =>
        await client.GetInstanceAsync(input, getInputsAndOutputs: false, context.CancellationToken) is { IsCompleted: false } under ? under.RuntimeStatus : null;
}
