using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Workflow.Data.Clustering;

/// <summary>Euclidean distances. Always four sums in the same order, so that machines of every width come to the same bits.</summary>
internal static class Distances
{
    public static double Squared(ReadOnlySpan<double> one, ReadOnlySpan<double> other)
    {
        var sums = Vector256<double>.Zero;
        var wide = one.Length & ~3;
        for (var index = 0; index < wide; index += 4)
        {
            var difference = At(one, index) - At(other, index);
            sums += difference * difference;
        }

        var sum = sums[0] + sums[1] + (sums[2] + sums[3]);
        for (var index = wide; index < one.Length; index++)
        {
            var difference = one[index] - other[index];
            sum += difference * difference;
        }

        return sum;
    }

    /// <summary>The nearest of the centroids, the first of those that are equally near.</summary>
    /// <param name="centroids">One after the other.</param>
    public static (int Cluster, double Squared) Nearest(ReadOnlySpan<double> row, ReadOnlySpan<double> centroids)
    {
        var (nearest, least) = (0, double.PositiveInfinity);
        for (var cluster = 0; cluster * row.Length < centroids.Length; cluster++)
        {
            var squared = Squared(row, centroids.Slice(cluster * row.Length, row.Length));
            if (squared < least)
            {
                (nearest, least) = (cluster, squared);
            }
        }

        return (nearest, least);
    }

    private static Vector256<double> At(ReadOnlySpan<double> values, int index) =>
        Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(values), (nuint)index);
}
