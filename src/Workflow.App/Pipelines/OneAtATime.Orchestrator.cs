using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>Lets the runs of a pipeline work one at a time, whatever started them. It is replayed with its orchestrator.</summary>
internal static class Turns
{
    /// <summary>The custom status of a run whose turn it is.</summary>
    public const string AtWork = "at work";

    // A run that was started before this one is in sight by then, also from another host.
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1);

    /// <summary>Returns when it is this run's turn, or at once where it is not and <paramref name="overlap"/> is to skip.</summary>
    /// <param name="lookEvery">Between two looks at the runs before.</param>
    /// <returns>Null when it is this run's turn; else the run that has it.</returns>
    public static async Task<string?> TakeTurnAsync(this TaskOrchestrationContext context, Overlap overlap, TimeSpan lookEvery)
    {
        await context.CreateTimer(Settled, CancellationToken.None);
        while (await context.CallActivityAsync<string?>(nameof(FindRunBefore), new FindRunBeforeInput(context.Name, context.InstanceId), Steps.Retry(5)) is { } before)
        {
            context.SetCustomStatus($"waits for run {before}");
            if (overlap == Overlap.Skip)
            {
                return before;
            }

            await context.CreateTimer(lookEvery, CancellationToken.None);
        }

        context.SetCustomStatus(AtWork);
        return null;
    }
}
