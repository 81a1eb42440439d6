using Workflow.Durable;

namespace Workflow.App.Pipelines.QuadraticPrimes;

/// <summary>Searches n² + an + b, |a| &lt; 1000 and |b| ≤ 1000, for the most consecutive primes: ranges of a side by side, then the best of their bests.</summary>
internal sealed class QuadraticPrimes : TaskOrchestrator<QuadraticPrimesInput, QuadraticPrimesResult>
{
    public override Task<QuadraticPrimesResult> RunAsync(TaskOrchestrationContext context, QuadraticPrimesInput input) =>
        context.ReportAsync(input, target: "quadratic_primes", async report =>
        {
            var retry = Steps.Retry(input.Attempts);
            var searched = await report.StateAsync("search", () => Task.WhenAll(
                input.Ranges().Select(range => context.CallActivityAsync<RangeSearched>(nameof(SearchRange), range, retry))));
            return QuadraticPrimesResult.Reduce(searched);
        }, end => Describe(context.Name, end));

    private static RunMessage Describe(string pipeline, RunEnd<QuadraticPrimesResult> end) => end.Result is { } best
        ? new($"{pipeline} completed", $"{pipeline} completed: n² + {best.A}n + {best.B} gives {best.Count} primes in a row; a·b is {best.Product}.")
        : new($"{pipeline} failed", $"{pipeline} failed at {end.LatestState}: {end.Reason}");
}
