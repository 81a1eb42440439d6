namespace Workflow.Data.Clustering;

/// <summary>The two steps of k-means, in turn: each row to its nearest centroid, each centroid to the middle of its rows.</summary>
internal sealed class Lloyd(FeatureMatrix data, double[] centroids)
{
    private readonly int _clusters = centroids.Length / data.Width;
    private readonly int[] _labels = new int[data.Rows];
    private readonly double[] _distances = new double[data.Rows];
    private readonly double[] _blockSums = new double[RowBlocks.Count(data.Rows) * centroids.Length];
    private readonly int[] _blockRows = new int[RowBlocks.Count(data.Rows) * (centroids.Length / data.Width)];
    private readonly double[] _sums = new double[centroids.Length];
    private readonly int[] _rows = new int[centroids.Length / data.Width];

    public IReadOnlyList<int> Labels => _labels;

    public double Inertia => _distances.Sum();

    public IReadOnlyList<IReadOnlyList<double>> Centroids() => [.. centroids.Chunk(data.Width)];

    /// <summary>Puts each row into the cluster of its nearest centroid; a cluster that is left without rows begins anew at the row farthest from its own.</summary>
    public void Assign(CancellationToken cancellation)
    {
        AssignOnce(cancellation);

        // As many times as there are clusters: rows that differ by a rounding only could empty each other for ever.
        for (var time = 0; time < _clusters && Array.IndexOf(_rows, 0) is >= 0 and var empty; time++)
        {
            data.Row(Array.IndexOf(_distances, _distances.Max())).CopyTo(centroids.AsSpan(empty * data.Width));
            AssignOnce(cancellation);
        }
    }

    /// <summary>Moves each centroid to the middle of its rows.</summary>
    /// <returns>How far they moved: the sum of the squared distances.</returns>
    public double Move()
    {
        var moved = 0.0;
        for (var cluster = 0; cluster < _clusters; cluster++)
        {
            for (var index = cluster * data.Width; _rows[cluster] > 0 && index < (cluster + 1) * data.Width; index++)
            {
                var middle = _sums[index] / _rows[cluster];
                moved += (middle - centroids[index]) * (middle - centroids[index]);
                centroids[index] = middle;
            }
        }

        return moved;
    }

    private void AssignOnce(CancellationToken cancellation)
    {
        Array.Clear(_blockSums);
        Array.Clear(_blockRows);
        RowBlocks.ForEach(data.Rows, AssignBlock, cancellation);
        Array.Clear(_sums);
        Array.Clear(_rows);
        for (var index = 0; index < _blockSums.Length; index++)
        {
            _sums[index % _sums.Length] += _blockSums[index];
        }

        for (var index = 0; index < _blockRows.Length; index++)
        {
            _rows[index % _clusters] += _blockRows[index];
        }
    }

    private void AssignBlock(int block, Range range)
    {
        var sums = _blockSums.AsSpan(block * centroids.Length, centroids.Length);
        var rows = _blockRows.AsSpan(block * _clusters, _clusters);
        for (var row = range.Start.Value; row < range.End.Value; row++)
        {
            var values = data.Row(row);
            (var cluster, _distances[row]) = Distances.Nearest(values, centroids);
            _labels[row] = cluster;
            rows[cluster]++;
            var sum = sums.Slice(cluster * values.Length, values.Length);
            for (var column = 0; column < values.Length; column++)
            {
                sum[column] += values[column];
            }
        }
    }
}
