using Workflow.Data.Csv;

namespace Workflow.Data.Schema;

/// <summary>Finds the types of a CSV file's columns by looking at every value of it.</summary>
/// <remarks>
/// The empty value is null, quoted or not. Only <c>true</c> and <c>false</c> are booleans, in any case. Numbers with leading zeros
/// (<c>007</c>), a plus sign or blanks stay text. Dates are ISO 8601. Dates and timestamps together are timestamps; timestamps with and
/// without a zone together are text, since the zone of the ones without is not known.
/// </remarks>
public static class SchemaInference
{
    private const int CancellationEvery = 1 << 14;

    /// <exception cref="BadInputException">The file is not CSV as a whole.</exception>
    public static Task<InferredSchema> InferAsync(string file, CsvOptions? options, CancellationToken cancellation) =>
        Task.Run(() => Infer(file, options, cancellation), cancellation);

    private static InferredSchema Infer(string file, CsvOptions? options, CancellationToken cancellation)
    {
        using var reader = new CsvReader(file, options);
        var columns = reader.Header.Select(name => new ColumnInference(name)).ToArray();
        long faults = 0;
        while (reader.Read())
        {
            if (reader.Row % CancellationEvery == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            if (reader.Fault is not null)
            {
                faults++;
                continue;
            }

            for (var index = 0; index < columns.Length; index++)
            {
                columns[index].Observe(reader[index], reader.Row, reader.Line);
            }
        }

        return new([.. columns.Select(column => column.Result())], reader.Row, faults);
    }
}
