namespace Workflow.Data.Clustering;

/// <summary>
/// Greedy k-means++ (Arthur and Vassilvitskii 2007): each next centroid is a row drawn by its squared distance to those there are, the
/// best of a few draws.
/// </summary>
internal static class Seeding
{
    /// <returns>Centroids one after the other.</returns>
    public static double[] Choose(FeatureMatrix data, int clusters, SplitMix64 random, CancellationToken cancellation)
    {
        if (data.Rows < clusters)
        {
            throw TooFew(data, clusters);
        }

        var draws = 2 + (int)Math.Log(clusters);
        var centroids = new double[clusters * data.Width];
        var distances = new double[data.Rows];
        Array.Fill(distances, double.PositiveInfinity);
        var chosen = random.NextInt(data.Rows);
        for (var cluster = 0; ; cluster++)
        {
            data.Row(chosen).CopyTo(centroids.AsSpan(cluster * data.Width));
            RowBlocks.Sum(data.Rows, row => distances[row] = Math.Min(distances[row], Distances.Squared(data.Row(row), data.Row(chosen))), cancellation);
            if (cluster + 1 == clusters)
            {
                return centroids;
            }

            var left = distances.Sum();
            var least = double.PositiveInfinity;
            for (var draw = 0; draw < draws; draw++)
            {
                var candidate = Draw(distances, left * random.NextDouble()) ?? throw TooFew(data, clusters);
                var after = RowBlocks.Sum(data.Rows, row => Math.Min(distances[row], Distances.Squared(data.Row(row), data.Row(candidate))), cancellation);
                if (after < least)
                {
                    (chosen, least) = (candidate, after);
                }
            }
        }
    }

    /// <summary>The row at which the sum of the distances passes a point; null where all are 0.</summary>
    private static int? Draw(double[] distances, double point)
    {
        int? last = null;
        for (var row = 0; row < distances.Length; row++)
        {
            point -= distances[row];
            last = distances[row] > 0 ? row : last;
            if (point < 0 && last is not null)
            {
                break;
            }
        }

        return last;
    }

    private static BadInputException TooFew(FeatureMatrix data, int clusters) =>
        new($"There are fewer different rows than the {clusters} clusters they should form ({data.Rows} rows in all). Ask for fewer clusters or bring more data.");
}
