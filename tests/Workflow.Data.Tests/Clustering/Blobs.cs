using Workflow.Data.Clustering;

namespace Workflow.Data.Tests.Clustering;

/// <summary>Made-up rows around known centres.</summary>
internal static class Blobs
{
    /// <returns>Row i lies around centre i modulo their number, at most <paramref name="spread"/> away in each feature.</returns>
    public static FeatureMatrix Around(double[][] centres, int rows, double spread, int seed = 1)
    {
        var random = new SplitMix64((ulong)seed);
        var width = centres[0].Length;
        var values = new double[rows * width];
        for (var index = 0; index < values.Length; index++)
        {
            values[index] = centres[index / width % centres.Length][index % width] + (spread * ((2 * random.NextDouble()) - 1));
        }

        return new(values, width);
    }

    public static double[][] Corners { get; } = [[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10], [10, 10, 10]];

    public static double Distance(FeatureMatrix data, int one, int other) => Math.Sqrt(Squared(data.Row(one), data.Row(other)));

    public static double Squared(ReadOnlySpan<double> one, ReadOnlySpan<double> other)
    {
        var sum = 0.0;
        for (var index = 0; index < one.Length; index++)
        {
            sum += (one[index] - other[index]) * (one[index] - other[index]);
        }

        return sum;
    }
}
