using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.Clustering;

namespace Workflow.Data.Tests.Clustering;

public sealed class SilhouetteTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void It_is_what_the_definition_says() => Prop.ForAll(
        (from width in Gen.Choose(1, 6)
         from rows in Gen.Choose(1, 60)
         from values in Gen.Choose(-5, 5).ArrayOf(rows * width)
         from labels in Gen.Choose(0, 3).ArrayOf(rows)
         select (new FeatureMatrix(Array.ConvertAll(values, value => (double)value), width), labels)).ToArbitrary(),
        sample =>
        {
            var (data, labels) = sample;

            var score = Silhouette.Measure(data, labels, 4, seed: 1, Cancellation);

            Assert.False(score.IsSampled);
            Assert.Equal(Naive(data, labels), score.Value ?? double.NaN, 1e-9);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void Of_many_rows_a_sample_is_measured_always_the_same_one()
    {
        var data = Blobs.Around(Blobs.Corners, 20_000, spread: 3);
        var labels = Enumerable.Range(0, data.Rows).Select(row => row % 5).ToArray();

        var score = Silhouette.Measure(data, labels, 5, seed: 3, Cancellation);

        Assert.Equal((Silhouette.MostRows, true), (score.Rows, score.IsSampled));
        Assert.Equal(score, Silhouette.Measure(data, labels, 5, seed: 3, Cancellation));
        Assert.InRange(score.Value!.Value, 0.6, 0.8);
    }

    [Fact]
    public void More_clusters_than_different_rows_are_not_tried()
    {
        var choice = ClusterSearch.Run(Blobs.Around(Blobs.Corners, 20, spread: 0), new(), fewest: 2, most: 8, Cancellation);

        Assert.Equal([2, 3, 4, 5], choice.Candidates.Select(candidate => candidate.Clusters));
    }

    [Fact]
    public void The_number_of_clusters_is_chosen_by_it()
    {
        var choice = ClusterSearch.Run(Blobs.Around(Blobs.Corners, 500, spread: 2), new(), fewest: 2, most: 8, Cancellation);

        Assert.Equal(5, choice.Fit.Centroids.Count);
        Assert.Equal([2, 3, 4, 5, 6, 7, 8], choice.Candidates.Select(candidate => candidate.Clusters));
        Assert.Equal(choice.Candidates.Max(candidate => candidate.Silhouette), choice.Silhouette.Value);
    }

    private static double Naive(FeatureMatrix data, int[] labels)
    {
        var rows = Enumerable.Range(0, data.Rows).ToList();
        if (labels.Distinct().Count() < 2)
        {
            return double.NaN;
        }

        return rows.Average(row =>
        {
            var own = rows.Where(other => other != row && labels[other] == labels[row]).ToList();
            if (own.Count == 0)
            {
                return 0;
            }

            var a = own.Average(other => Blobs.Distance(data, row, other));
            var b = rows.Where(other => labels[other] != labels[row]).GroupBy(other => labels[other]).Min(cluster => cluster.Average(other => Blobs.Distance(data, row, other)));
            return a == b ? 0 : (b - a) / Math.Max(a, b);
        });
    }
}
