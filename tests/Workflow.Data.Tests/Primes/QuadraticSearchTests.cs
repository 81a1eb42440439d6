using System.Diagnostics;
using Workflow.Data.Primes;

namespace Workflow.Data.Tests.Primes;

public sealed class QuadraticSearchTests
{
    private static readonly QuadraticFormula Best = new(-61, 971, 71);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void The_best_formula_gives_71_primes()
    {
        var found = Search(-QuadraticSearch.LastA, QuadraticSearch.LastA);

        Assert.Equal(Best, found);
        Assert.Equal(-59_231, found.A * found.B);
        Assert.Equal(71, found.Primes().Count());
        Assert.All(found.Primes(), value => Assert.True(IsPrime(value), $"{value} is no prime"));
        Assert.False(IsPrime(found.Value(71)));
        Assert.Equal(1999L * 2001, QuadraticSearch.Candidates(-QuadraticSearch.LastA, QuadraticSearch.LastA));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(500)]
    public void Ranges_of_a_one_by_one_find_the_same(int width)
    {
        QuadraticFormula? best = null;
        for (var from = -QuadraticSearch.LastA; from <= QuadraticSearch.LastA; from += width * 100)
        {
            var found = Search(from, Math.Min(from + width * 100 - 1, QuadraticSearch.LastA));
            best = found.IsBetterThan(best) ? found : best;
        }

        Assert.Equal(Best, best);
    }

    [Theory]
    [InlineData(-999, -990)]
    [InlineData(-3, 3)]
    [InlineData(1, 1)]
    public void A_range_agrees_with_trying_every_formula(int fromA, int toA)
    {
        QuadraticFormula? best = null;
        for (var a = fromA; a <= toA; a++)
        {
            for (var b = -QuadraticSearch.LastB; b <= QuadraticSearch.LastB; b++)
            {
                var count = 0;
                while (IsPrime(new QuadraticFormula(a, b, 0).Value(count)))
                {
                    count++;
                }

                var formula = new QuadraticFormula(a, b, count);
                best = formula.IsBetterThan(best) ? formula : best;
            }
        }

        Assert.Equal(best, Search(fromA, toA));
    }

    [Fact]
    public void The_whole_search_takes_little_of_the_processor()
    {
        // The search is one thread's work, so its time bounds its processor time; the least of a few, because others share the machine.
        var least = Enumerable.Range(0, 5).Min(_ => Measure());

        Assert.True(least < TimeSpan.FromMilliseconds(200), $"{least.TotalMilliseconds:N0} ms");

        static TimeSpan Measure()
        {
            var begin = Stopwatch.GetTimestamp();
            Search(-QuadraticSearch.LastA, QuadraticSearch.LastA);
            return Stopwatch.GetElapsedTime(begin);
        }
    }

    private static QuadraticFormula Search(int fromA, int toA) => QuadraticSearch.Find(fromA, toA, Cancellation);

    private static bool IsPrime(long value)
    {
        if (value < 2)
        {
            return false;
        }

        for (var divisor = 2L; divisor * divisor <= value; divisor++)
        {
            if (value % divisor == 0)
            {
                return false;
            }
        }

        return true;
    }
}
