using System.Text.Json.Nodes;

namespace Workflow.App.Demo;

/// <summary>A search needs no data.</summary>
internal static class QuadraticPrimesSamples
{
    public static Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyList<SampleRun>>([new("quadratic-primes", new JsonObject())]);
}
