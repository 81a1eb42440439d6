using Workflow.Testing;

namespace Workflow.Durable.Tests.Hosting;

internal static class Clocks
{
    /// <summary>
    /// Moves the clock until something is so. A host that has just looked at the clock sets its alarm a moment later, so one leap may
    /// pass it by; the small steps after it wake it up.
    /// </summary>
    public static Task AdvanceUntilAsync(this FakeTimeProvider clock, TimeSpan step, Func<Task<bool>> reached) => Eventually.TrueAsync(
        async () =>
        {
            if (await reached())
            {
                return true;
            }

            clock.Advance(step);
            return false;
        },
        cancellation: TestContext.Current.CancellationToken);

    public static async Task<OrchestrationMetadata> AdvanceUntilEndAsync(this FakeTimeProvider clock, TimeSpan step, HubHost host, string id)
    {
        await clock.AdvanceUntilAsync(step, async () => (await host.Client.GetInstanceAsync(id))!.IsCompleted);
        return await host.EndAsync(id);
    }
}
