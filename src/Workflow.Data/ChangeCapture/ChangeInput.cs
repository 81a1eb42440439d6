using System.Text;
using Workflow.Data.Csv;
using Workflow.Data.DuckDb;

namespace Workflow.Data.ChangeCapture;

/// <summary>A file of changes as CSV with a header, whatever it came as.</summary>
/// <param name="Types">DuckDB's types by column names, where the file says them.</param>
internal sealed record ChangeInput(CsvReader Reader, ChangeText Text, IReadOnlyDictionary<string, string> Types) : IDisposable
{
    private static readonly Dictionary<string, string> NoTypes = [];

    /// <exception cref="BadInputException">The file is broken as a whole.</exception>
    public static ChangeInput Open(ChangeSource source, ChangeBatch batch, CancellationToken cancellation)
    {
        var csv = new CsvOptions { Delimiter = batch.Options.Delimiter };
        if (source.File.IsParquet)
        {
            var made = ScratchFile(source, batch);
            var types = WriteParquetAsCsv(source, made, cancellation);
            return new(new(made, new() { Delimiter = ',' }), ChangeText.Made, types);
        }

        if (batch.Options.Columns.Count == 0)
        {
            return new(new(source.Path, csv), ChangeText.Own, NoTypes);
        }

        var headed = ScratchFile(source, batch);
        WriteWithHeader(source, headed, batch.Options);
        return new(new(headed, csv), ChangeText.Headed, NoTypes);
    }

    public void Dispose() => Reader.Dispose();

    private static string ScratchFile(ChangeSource source, ChangeBatch batch) => Path.Combine(batch.ScratchFolder, $"{Path.GetFileName(source.Path)}.as.csv");

    private static void WriteWithHeader(ChangeSource source, string to, ChangeOptions options)
    {
        var hasOp = !source.File.IsFullLoad || options.OpInFullLoad;
        IEnumerable<string> names = hasOp ? options.Columns.Prepend(ChangeLayout.Op) : options.Columns;
        using var output = File.Create(to);
        output.Write(Encoding.UTF8.GetBytes(string.Join(options.Delimiter, names.Select(name => $"\"{name.Replace("\"", "\"\"")}\"")) + "\n"));
        InputFile.Guard(source.Path, () =>
        {
            using var input = InputFile.Open(source.Path);
            input.CopyTo(output);
            return true;
        });
    }

    private static Dictionary<string, string> WriteParquetAsCsv(ChangeSource source, string to, CancellationToken cancellation)
    {
        using var database = DuckDbDatabase.Open(new() { Threads = 1 });
        using var connection = database.Connect();
        try
        {
            var from = $"read_parquet({SqlText.Literal(source.Path)})";
            var columns = new List<(string Name, string Type)>();
            using (var described = connection.Query($"describe select * from {from}", cancellation))
            {
                columns.AddRange(described.Rows(cancellation).Select(row => ((string)row[0]!, (string)row[1]!)));
            }

            var select = columns.Select(column => column.Type == "BLOB" ? $"hex({SqlText.Identifier(column.Name)}) as {SqlText.Identifier(column.Name)}" : SqlText.Identifier(column.Name));
            connection.Execute($"copy (select {string.Join(", ", select)} from {from}) to {SqlText.Literal(to)} (format csv, header)", cancellation);
            return columns.ToDictionary(column => Warehouse.TableName.Fold(column.Name), column => column.Type);
        }
        catch (DuckDbException broken)
        {
            throw new BadInputException($"{source.Address} cannot be read as Parquet: {broken.Message}", broken);
        }
    }
}
