using Workflow.Data.Primes;
using Workflow.Durable;

namespace Workflow.App.Pipelines.QuadraticPrimes;

/// <summary>Searches all b for the a of a range; arithmetic alone, so doing it again gives the same.</summary>
internal sealed class SearchRange : TaskActivity<RangeOfA, RangeSearched>
{
    public override Task<RangeSearched> RunAsync(TaskActivityContext context, RangeOfA input) =>
        Task.FromResult(new RangeSearched(input.From, input.To, QuadraticSearch.Find(input.From, input.To, context.CancellationToken)));
}
