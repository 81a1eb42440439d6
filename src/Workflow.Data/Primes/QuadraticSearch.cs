namespace Workflow.Data.Primes;

/// <summary>A formula n² + an + b and how many primes it gives in a row, from n = 0 on.</summary>
public sealed record QuadraticFormula(int A, int B, int Count)
{
    /// <summary>More primes are better; of equals the one with the smaller a, then b, so that every search ends the same.</summary>
    public bool IsBetterThan(QuadraticFormula? other) =>
        other is null || Count > other.Count || (Count == other.Count && (A, B).CompareTo((other.A, other.B)) < 0);

    public long Value(int n) => (long)n * n + (long)A * n + B;

    public IEnumerable<long> Primes() => Enumerable.Range(0, Count).Select(Value);
}

/// <summary>Searches formulas n² + an + b, |a| &lt; 1000 and |b| ≤ 1000, for the one that gives the most consecutive primes.</summary>
public static class QuadraticSearch
{
    public const int LastA = 999;
    public const int LastB = 1000;

    /// <summary>Formulas with an a of the range.</summary>
    public static long Candidates(int fromA, int toA) => (toA - fromA + 1L) * (2 * LastB + 1);

    /// <param name="toA">The last a; at least <paramref name="fromA"/>.</param>
    public static QuadraticFormula Find(int fromA, int toA, CancellationToken cancellation)
    {
        var isComposite = Sieve(LastB * (LastB + LastA + 1));
        QuadraticFormula? best = null;
        for (var a = fromA; a <= toA; a++)
        {
            cancellation.ThrowIfCancellationRequested();

            // At n = 0 the value is b, so only a prime b gives any; at n = b it is b(b + a + 1), so no run gets beyond that.
            for (var b = 2; b <= LastB; b++)
            {
                if (!isComposite[b] && CountPrimes(isComposite, a, b) is var count && count > (best?.Count ?? 0))
                {
                    best = new(a, b, count);
                }
            }
        }

        return best!;
    }

    private static int CountPrimes(bool[] isComposite, int a, int b)
    {
        var n = 0;
        for (int value; (value = (n + a) * n + b) >= 2 && !isComposite[value];)
        {
            n++;
        }

        return n;
    }

    private static bool[] Sieve(int last)
    {
        var isComposite = new bool[last + 1];
        for (var prime = 2; prime * prime <= last; prime++)
        {
            for (var multiple = prime * prime; !isComposite[prime] && multiple <= last; multiple += prime)
            {
                isComposite[multiple] = true;
            }
        }

        return isComposite;
    }
}
