using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.Clustering;

namespace Workflow.Data.Tests.Clustering;

public sealed class KMeansTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(100);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static Arbitrary<(FeatureMatrix Data, int Clusters, int Seed)> Cases() => (
        from width in Gen.Choose(1, 9)
        from rows in Gen.Choose(1, 120)
        from values in Gen.Choose(-6, 6).ArrayOf(rows * width)
        from clusters in Gen.Choose(1, 8)
        from seed in Gen.Choose(0, 1_000)
        select (new FeatureMatrix(Array.ConvertAll(values, value => value / 2.0), width), clusters, seed)).ToArbitrary();

    [Fact]
    public void Known_clusters_are_found()
    {
        var data = Blobs.Around(Blobs.Corners, 2_000, spread: 2);

        var fit = KMeans.Fit(data, new() { Clusters = 5 }, Cancellation);

        Assert.True(fit.Converged);
        var clusterOfCentre = Enumerable.Range(0, 5).Select(centre => fit.Labels[centre]).ToArray();
        Assert.Equal(5, clusterOfCentre.Distinct().Count());
        Assert.All(Enumerable.Range(0, data.Rows), row => Assert.Equal(clusterOfCentre[row % 5], fit.Labels[row]));
        Assert.All(Enumerable.Range(0, 5), centre => Assert.True(Blobs.Squared([.. fit.Centroids[clusterOfCentre[centre]]], Blobs.Corners[centre]) < 0.1));
    }

    [Fact]
    public void The_same_rows_and_seed_give_the_same_bits()
    {
        var data = Blobs.Around(Blobs.Corners, 20_000, spread: 9);

        var (one, other) = (KMeans.Fit(data, new() { Seed = 7 }, Cancellation), KMeans.Fit(data, new() { Seed = 7 }, Cancellation));

        Assert.Equal(one.Centroids, other.Centroids);
        Assert.Equal(one.Labels, other.Labels);
        Assert.Equal(one.Inertia, other.Inertia);
    }

    [Fact]
    public void Clusters_are_numbered_in_the_order_of_a_feature()
    {
        var fit = KMeans.Fit(Blobs.Around([[5, 1], [0, 2], [9, 0]], 300, spread: 0.5), new() { Clusters = 3 }, Cancellation).OrderedBy(1);

        Assert.Equal([0, 1, 2], fit.Centroids.Select(centroid => (int)Math.Round(centroid[1])));
        Assert.Equal([1, 2, 0], fit.Labels.Take(3));
    }

    [Fact]
    public void Each_row_is_in_the_cluster_of_its_nearest_centroid_and_the_inertia_is_its_sum() => Prop.ForAll(Cases(), sample =>
    {
        var (data, clusters, seed) = sample;
        clusters = Math.Min(clusters, DifferentRows(data));

        var fit = KMeans.Fit(data, new() { Clusters = clusters, Seed = seed }, Cancellation);

        var inertia = 0.0;
        for (var row = 0; row < data.Rows; row++)
        {
            var values = data.Row(row).ToArray();
            var least = fit.Centroids.Min(centroid => Blobs.Squared([.. centroid], values));
            Assert.Equal(least, Blobs.Squared([.. fit.Centroids[fit.Labels[row]]], values), 1e-9);
            inertia += least;
        }

        Assert.Equal(inertia, fit.Inertia, 1e-6);
        Assert.Equal(clusters, fit.Labels.Distinct().Count());
    }).Check(Runs);

    [Fact]
    public void No_cluster_is_better_at_its_end_than_at_its_rows_mean() => Prop.ForAll(Cases(), sample =>
    {
        var (data, clusters, seed) = sample;
        clusters = Math.Min(clusters, DifferentRows(data));

        var fit = KMeans.Fit(data, new() { Clusters = clusters, Seed = seed, Tolerance = 0 }, Cancellation);

        foreach (var cluster in Enumerable.Range(0, clusters))
        {
            var rows = Enumerable.Range(0, data.Rows).Where(row => fit.Labels[row] == cluster).Select(row => data.Row(row).ToArray()).ToList();
            Assert.All(Enumerable.Range(0, data.Width), column => Assert.Equal(rows.Average(row => row[column]), fit.Centroids[cluster][column], 1e-9));
        }
    }).Check(Runs);

    [Fact]
    public void As_many_clusters_as_different_rows_leave_no_inertia()
    {
        var data = new FeatureMatrix([1, 1, 2, 3, 3, 3, 4], 1);

        var fit = KMeans.Fit(data, new() { Clusters = 4 }, Cancellation);

        Assert.Equal(0, fit.Inertia);
        Assert.Equal(4, fit.Labels.Distinct().Count());
    }

    [Theory]
    [InlineData(new double[] { 1, 1, 1 })]
    [InlineData(new double[] { 1 })]
    [InlineData(new double[] { })]
    public void Fewer_different_rows_than_clusters_are_refused(double[] values)
    {
        var refused = Assert.Throws<BadInputException>(() => KMeans.Fit(new(values, 1), new() { Clusters = 2 }, Cancellation));

        Assert.Contains("2 clusters", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cluster_that_lost_its_rows_begins_anew_at_the_farthest_one()
    {
        var data = new FeatureMatrix([0, 1, 10, 11, 100], 1);
        var lloyd = new Lloyd(data, [0, 0.5, 1_000]);

        lloyd.Assign(Cancellation);

        Assert.Equal([0, 0.5, 100], lloyd.Centroids().Select(centroid => centroid[0]));
        Assert.Equal(3, lloyd.Labels.Distinct().Count());
    }

    [Fact]
    public void Iterations_that_run_out_are_said()
    {
        var fit = KMeans.Fit(Blobs.Around(Blobs.Corners, 5_000, spread: 20), new() { MaxIterations = 1, Tolerance = 0, Starts = 1 }, Cancellation);

        Assert.False(fit.Converged);
        Assert.Equal(1, fit.Iterations);
    }

    private static int DifferentRows(FeatureMatrix data) => Enumerable.Range(0, data.Rows).Select(row => string.Join(' ', data.Row(row).ToArray())).Distinct().Count();
}
