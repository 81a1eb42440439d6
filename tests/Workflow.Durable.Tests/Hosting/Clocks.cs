using Workflow.Testing;

namespace Workflow.Durable.Tests.Hosting;

internal static class Clocks
{
    // A host looks by itself after five seconds at the latest.
    private static readonly TimeSpan s_nudge = TimeSpan.FromSeconds(6);

    /// <summary>
    /// Moves the clock, and on until something is so. A host that has just looked at the clock sets its alarm a moment later, so the
    /// one leap may pass it by; the small steps after it wake it up.
    /// </summary>
    public static async Task AdvanceAsync(this FakeTimeProvider clock, TimeSpan by, Func<Task<bool>> until)
    {
        clock.Advance(by);
        await Eventually.TrueAsync(
            async () =>
            {
                if (await until())
                {
                    return true;
                }

                clock.Advance(s_nudge);
                return false;
            },
            cancellation: TestContext.Current.CancellationToken);
    }

    public static async Task<OrchestrationMetadata> AdvanceToEndAsync(this FakeTimeProvider clock, TimeSpan by, HubHost host, string id)
    {
        await clock.AdvanceAsync(by, async () => (await host.Client.GetInstanceAsync(id))!.IsCompleted);
        return await host.EndAsync(id);
    }
}
