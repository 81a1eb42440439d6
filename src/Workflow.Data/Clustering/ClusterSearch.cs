namespace Workflow.Data.Clustering;

/// <summary>A number of clusters that was tried.</summary>
public sealed record ClusterCandidate(int Clusters, double Inertia, double? Silhouette);

/// <summary>The clusters that were found, how well they are apart, and what else was tried.</summary>
/// <param name="Candidates">In the order of their numbers; one where the number was given.</param>
public sealed record ClusterChoice(KMeansFit Fit, SilhouetteScore Silhouette, IReadOnlyList<ClusterCandidate> Candidates);

/// <summary>Clusters rows for each number of clusters asked for, and takes the one with the highest silhouette, the smallest of those that are equal.</summary>
public static class ClusterSearch
{
    /// <exception cref="BadInputException">There are fewer different rows than <paramref name="fewest"/>.</exception>
    public static ClusterChoice Run(FeatureMatrix data, KMeansOptions options, int fewest, int most, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(most, fewest);
        (KMeansFit Fit, SilhouetteScore Silhouette)? best = null;
        var candidates = new List<ClusterCandidate>();
        for (var clusters = fewest; clusters <= most; clusters++)
        {
            KMeansFit fit;
            try
            {
                fit = KMeans.Fit(data, options with { Clusters = clusters }, cancellation);
            }
            catch (BadInputException) when (best is not null)
            {
                break;  // there are fewer different rows than that: the choice is among those before
            }

            var silhouette = Silhouette.Measure(data, fit.Labels, clusters, options.Seed, cancellation);
            candidates.Add(new(clusters, fit.Inertia, silhouette.Value));
            if (best is null || (silhouette.Value ?? double.NegativeInfinity) > (best.Value.Silhouette.Value ?? double.NegativeInfinity))
            {
                best = (fit, silhouette);
            }
        }

        return new(best!.Value.Fit, best.Value.Silhouette, candidates);
    }
}
