namespace Workflow.Data.Clustering;

/// <summary>How well rows lie in their clusters.</summary>
/// <param name="Value">
/// The mean over the rows of (b - a) / max(a, b), where a is the mean distance to the rows of the own cluster and b that to the nearest
/// other one (Rousseeuw 1987): near 1 for clusters well apart, near 0 for none. Null where there are fewer than two clusters.
/// </param>
/// <param name="Rows">The rows it was measured on.</param>
/// <param name="IsSampled">Whether these are a part of all rows, drawn by the seed.</param>
public sealed record SilhouetteScore(double? Value, int Rows, bool IsSampled);

public static class Silhouette
{
    /// <summary>Up to here it is exact. The work grows with the square of the rows, so of more rows this many are drawn.</summary>
    public const int MostRows = 5_000;

    public static SilhouetteScore Measure(FeatureMatrix data, IReadOnlyList<int> labels, int clusters, int seed, CancellationToken cancellation)
    {
        var rows = Draw(data.Rows, seed);
        var sizes = new int[clusters];
        foreach (var row in rows)
        {
            sizes[labels[row]]++;
        }

        if (sizes.Count(size => size > 0) < 2)
        {
            return new(null, rows.Length, rows.Length < data.Rows);
        }

        var values = new double[rows.Length];
        Parallel.For(0, rows.Length, new ParallelOptions { CancellationToken = cancellation }, index => values[index] = Of(index, data, labels, rows, sizes));
        return new(values.Average(), rows.Length, rows.Length < data.Rows);
    }

    private static double Of(int index, FeatureMatrix data, IReadOnlyList<int> labels, int[] rows, int[] sizes)
    {
        var own = labels[rows[index]];
        if (sizes[own] == 1)
        {
            return 0;
        }

        Span<double> sums = sizes.Length <= 256 ? stackalloc double[sizes.Length] : new double[sizes.Length];
        sums.Clear();
        var values = data.Row(rows[index]);
        foreach (var row in rows)
        {
            sums[labels[row]] += Math.Sqrt(Distances.Squared(values, data.Row(row)));
        }

        var within = sums[own] / (sizes[own] - 1);
        var nearest = double.PositiveInfinity;
        for (var cluster = 0; cluster < sizes.Length; cluster++)
        {
            if (cluster != own && sizes[cluster] > 0)
            {
                nearest = Math.Min(nearest, sums[cluster] / sizes[cluster]);
            }
        }

        return within == nearest ? 0 : (nearest - within) / Math.Max(within, nearest);
    }

    /// <summary>Each row as likely as the next, in their order (Knuth's selection sampling).</summary>
    private static int[] Draw(int rows, int seed)
    {
        var wanted = Math.Min(rows, MostRows);
        var drawn = new int[wanted];
        var random = new SplitMix64(unchecked((ulong)seed));
        var count = 0;
        for (var row = 0; count < wanted; row++)
        {
            if ((rows - row) * random.NextDouble() < wanted - count)
            {
                drawn[count++] = row;
            }
        }

        return drawn;
    }
}
