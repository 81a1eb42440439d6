using System.Globalization;
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
    public void The_whole_search_takes_less_than_50_ms_of_the_processor()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux is asked what a thread had of the processor.");

        // The search is one thread's work. The first rounds are the compiler's; of the others the least counts, because a neighbour who
        // has the caches costs time of this thread, too.
        var least = Enumerable.Range(0, 20).Min(_ => Measure());

        Assert.True(least > TimeSpan.Zero && least < TimeSpan.FromMilliseconds(50), $"{least.TotalMilliseconds:N1} ms");

        static TimeSpan Measure()
        {
            var begin = ThreadTime();
            Search(-QuadraticSearch.LastA, QuadraticSearch.LastA);
            return ThreadTime() - begin;
        }
    }

    /// <summary>What the calling thread had of the processor: the time it waited for one does not count.</summary>
    private static TimeSpan ThreadTime()
    {
        var nanoseconds = long.Parse(File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
        return TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
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
