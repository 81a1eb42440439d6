using Workflow.Data.DuckDb;

namespace Workflow.Data.Clustering;

/// <summary>What is clustered: a row of numbers for each thing, one after the other in memory.</summary>
public sealed class FeatureMatrix
{
    private readonly double[] _values;

    /// <param name="values">Row by row.</param>
    public FeatureMatrix(double[] values, int width)
    {
        if (width < 1 || values.Length % width != 0)
        {
            throw new ArgumentException($"{values.Length} numbers are no rows of {width}.");
        }

        _values = values;
        Width = width;
        Rows = values.Length / width;
    }

    public int Rows { get; }

    /// <summary>Numbers in a row.</summary>
    public int Width { get; }

    public ReadOnlySpan<double> Row(int row) => _values.AsSpan(row * Width, Width);

    /// <summary>Reads a query whose columns are all doubles without nulls, in the order of its rows.</summary>
    /// <exception cref="BadInputException">A value is missing, infinite or not a number.</exception>
    public static FeatureMatrix Read(DuckDbConnection connection, string query, CancellationToken cancellation, params ReadOnlySpan<object?> parameters)
    {
        using var result = connection.Query(query, cancellation, parameters);
        var width = result.Columns.Count;
        if (result.Columns.FirstOrDefault(column => column.Type.Id != DuckDbTypeId.Double) is { } other)
        {
            throw new BadInputException($"The feature '{other.Name}' is {other.Type.Id}, and features are doubles. Prepare the data again.");
        }

        var values = new double[1 << 10];
        var count = 0;
        while (result.NextChunk(cancellation) is { } chunk)
        {
            using (chunk)
            {
                var needed = count + (chunk.RowCount * width);
                if (needed > values.Length)
                {
                    Array.Resize(ref values, Math.Max(needed, (int)Math.Min(Array.MaxLength, 2L * values.Length)));
                }

                Copy(chunk, result.Columns, values.AsSpan(count));
                count = needed;
            }
        }

        Array.Resize(ref values, count);
        return new(values, width);
    }

    private static void Copy(DuckDbChunk chunk, IReadOnlyList<DuckDbField> columns, Span<double> to)
    {
        for (var column = 0; column < columns.Count; column++)
        {
            var vector = chunk.Column(column);
            var values = vector.Raw<double>();
            for (var row = 0; row < chunk.RowCount; row++)
            {
                to[(row * columns.Count) + column] = !vector.IsNull(row) && double.IsFinite(values[row])
                    ? values[row]
                    : throw new BadInputException($"The feature '{columns[column].Name}' has a value that is missing or not finite. Prepare the data again.");
            }
        }
    }
}
