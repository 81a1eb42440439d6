using Workflow.Data.DuckDb;

namespace Workflow.Data.Clustering;

/// <summary>Tells the segment of rows by the centroids of a model.</summary>
public sealed class SegmentPredictor
{
    private readonly double[] _centroids;
    private readonly int _width;

    public SegmentPredictor(IReadOnlyList<IReadOnlyList<double>> centroids)
    {
        _centroids = [.. centroids.SelectMany(centroid => centroid)];
        _width = centroids[0].Count;
    }

    /// <returns>The segment, from 1, and the distance to its middle.</returns>
    public (int Segment, double Distance) Predict(ReadOnlySpan<double> row)
    {
        var (cluster, squared) = Distances.Nearest(row, _centroids);
        return (cluster + 1, Math.Sqrt(squared));
    }

    /// <summary>Predicts row by row, in their order; memory does not grow with them.</summary>
    /// <param name="query">Its first column is the row's id, a text; the others are the features.</param>
    /// <param name="to">Takes id, segment (integer) and distance (double); on another connection than the query's.</param>
    public void Predict(DuckDbConnection connection, string query, DuckDbAppender to, CancellationToken cancellation, params ReadOnlySpan<object?> parameters)
    {
        using var rows = connection.Query(query, cancellation, parameters);
        if (rows.Columns.Count != _width + 1)
        {
            throw new BadInputException($"The model tells rows of {_width} features, and these have {rows.Columns.Count - 1}. Prepare them by the model's feature rules.");
        }

        var features = new double[_width];
        while (rows.NextChunk(cancellation) is { } chunk)
        {
            using (chunk)
            {
                var ids = chunk.Column(0);
                for (var row = 0; row < chunk.RowCount; row++)
                {
                    for (var feature = 0; feature < features.Length; feature++)
                    {
                        features[feature] = chunk.Column(feature + 1).Raw<double>()[row];
                    }

                    var (segment, distance) = Predict(features);
                    to.Append(ids.Bytes(row));
                    to.Append((long)segment);
                    to.Append(distance);
                    to.EndRow();
                }
            }
        }
    }
}
