using Workflow.App.Configuration;
using Workflow.Data.Primes;

namespace Workflow.App.Pipelines.QuadraticPrimes;

/// <summary>How to search; what is searched is always the same.</summary>
internal sealed record QuadraticPrimesInput : PipelineInput
{
    private const int MostActivities = 64;

    /// <summary>Over how many activities the search is spread.</summary>
    public int Activities { get; init; } = 4;

    /// <summary>All a there are, in as many ranges as there are activities; their widths differ by one at most.</summary>
    public IReadOnlyList<RangeOfA> Ranges()
    {
        const int first = -QuadraticSearch.LastA, count = 2 * QuadraticSearch.LastA + 1;
        return [.. Enumerable.Range(0, Activities).Select(index => new RangeOfA(first + count * index / Activities, first + count * (index + 1) / Activities - 1))];
    }

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckRange(nameof(Activities), Activities, MostActivities, key, errors);
    }
}

/// <summary>The a from one to the other, both included.</summary>
internal sealed record RangeOfA(int From, int To);

/// <summary>What one activity found.</summary>
internal sealed record RangeSearched(int From, int To, QuadraticFormula Best);

/// <summary>The formula n² + an + b that gives the most primes in a row from n = 0. There are no rows: nothing is loaded.</summary>
internal sealed record QuadraticPrimesResult : PipelineResult
{
    public required int A { get; init; }

    public required int B { get; init; }

    /// <summary>a·b.</summary>
    public required int Product { get; init; }

    /// <summary>Of n = 0, 1, 2 …: how many give primes before the first that does not.</summary>
    public required int Count { get; init; }

    public required IReadOnlyList<long> Primes { get; init; }

    /// <summary>Pairs of a and b among which this is the best.</summary>
    public required long Candidates { get; init; }

    /// <summary>Which activity searched what, and the best of each.</summary>
    public required IReadOnlyList<RangeSearched> FanOut { get; init; }

    public static QuadraticPrimesResult Reduce(IReadOnlyList<RangeSearched> ranges)
    {
        var best = ranges.Select(range => range.Best).Aggregate((one, other) => other.IsBetterThan(one) ? other : one);
        return new()
        {
            A = best.A,
            B = best.B,
            Product = best.A * best.B,
            Count = best.Count,
            Primes = [.. best.Primes()],
            Candidates = ranges.Sum(range => QuadraticSearch.Candidates(range.From, range.To)),
            FanOut = ranges,
        };
    }
}
