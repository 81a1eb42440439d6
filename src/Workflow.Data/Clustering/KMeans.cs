namespace Workflow.Data.Clustering;

/// <summary>How rows are clustered.</summary>
public sealed record KMeansOptions
{
    public int Clusters { get; init; } = 5;

    /// <summary>The same seed and the same rows in the same order give the same clusters, bit for bit.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>How many seedings are tried; the one that ends with the least inertia wins.</summary>
    public int Starts { get; init; } = 3;

    public int MaxIterations { get; init; } = 300;

    /// <summary>Done when the centroids move less than this, squared and as a share of the mean variance of a feature.</summary>
    public double Tolerance { get; init; } = 1e-4;
}

/// <summary>Rows in clusters.</summary>
/// <param name="Centroids">One per cluster.</param>
/// <param name="Labels">The cluster of each row, that of its nearest centroid.</param>
/// <param name="Inertia">The sum of the squared distances of the rows to their centroids.</param>
/// <param name="Converged">False where the iterations ran out before the centroids came to rest.</param>
public sealed record KMeansFit(IReadOnlyList<IReadOnlyList<double>> Centroids, IReadOnlyList<int> Labels, double Inertia, int Iterations, bool Converged)
{
    /// <summary>The same clusters, numbered in the order of their centroids by one feature (ties by the features from the first on).</summary>
    public KMeansFit OrderedBy(int feature)
    {
        var order = Enumerable.Range(0, Centroids.Count).ToArray();
        Array.Sort(order, (one, other) => Compare(Centroids[one], Centroids[other]));
        var numbers = new int[order.Length];
        for (var number = 0; number < order.Length; number++)
        {
            numbers[order[number]] = number;
        }

        return this with { Centroids = [.. order.Select(cluster => Centroids[cluster])], Labels = [.. Labels.Select(cluster => numbers[cluster])] };

        int Compare(IReadOnlyList<double> one, IReadOnlyList<double> other) =>
            Enumerable.Range(0, one.Count).Prepend(feature).Select(column => one[column].CompareTo(other[column])).FirstOrDefault(sign => sign != 0);
    }
}

/// <summary>Lloyd's k-means from greedy k-means++ seeds.</summary>
public static class KMeans
{
    /// <exception cref="BadInputException">There are fewer different rows than clusters.</exception>
    public static KMeansFit Fit(FeatureMatrix data, KMeansOptions options, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Clusters, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Starts, 1);
        var stillness = options.Tolerance * MeanVariance(data);
        KMeansFit? best = null;
        for (var start = 0; start < options.Starts; start++)
        {
            var random = new SplitMix64(unchecked((ulong)options.Seed + ((ulong)start << 32)));
            var lloyd = new Lloyd(data, Seeding.Choose(data, options.Clusters, random, cancellation));
            var fit = Run(lloyd, options.MaxIterations, stillness, cancellation);
            best = best is null || fit.Inertia < best.Inertia ? fit : best;
        }

        return best!;
    }

    private static KMeansFit Run(Lloyd lloyd, int maxIterations, double stillness, CancellationToken cancellation)
    {
        var (iterations, converged) = (0, false);
        lloyd.Assign(cancellation);
        while (!converged && iterations < maxIterations)
        {
            iterations++;
            converged = lloyd.Move() <= stillness;
            lloyd.Assign(cancellation);
        }

        return new(lloyd.Centroids(), lloyd.Labels, lloyd.Inertia, iterations, converged);
    }

    private static double MeanVariance(FeatureMatrix data)
    {
        var (means, squares) = (new double[data.Width], new double[data.Width]);
        for (var row = 0; row < data.Rows; row++)
        {
            var values = data.Row(row);
            for (var column = 0; column < values.Length; column++)
            {
                var difference = values[column] - means[column];
                means[column] += difference / (row + 1);
                squares[column] += difference * (values[column] - means[column]);
            }
        }

        return data.Rows == 0 ? 0 : squares.Average() / data.Rows;
    }
}
