using System.Text;
using Workflow.Data.Csv;
using Workflow.Data.DuckDb;

namespace Workflow.Data.CheckIns;

/// <summary>Turns a CSV file of check-ins into a Parquet file of typed rows: all of its records in their order, each with its line.</summary>
/// <remarks>
/// Nothing is refused here but a file that is none of check-ins: a value that cannot be read is null beside its text, a record that is
/// broken has a fault beside its raw text. Blanks around values are taken off, and a value that is all blank is null.
/// </remarks>
public static class CheckInFile
{
    private static readonly string[] Columns = ["user", "timestamp", "hours", "project"];

    /// <param name="scratch">A folder for what does not fit the memory.</param>
    /// <returns>Records in the file.</returns>
    /// <exception cref="BadInputException">The file is empty or cut off, or its columns are not those of check-ins.</exception>
    public static long WriteParquet(string csvFile, string parquetFile, string scratch, CancellationToken cancellation)
    {
        using var reader = new CsvReader(csvFile);
        var order = FindColumns(csvFile, reader.Header);
        using var duckDb = DuckDbDatabase.Open(new() { TempDirectory = scratch, Threads = 1 });
        using var connection = duckDb.Connect();
        connection.Execute(SqlText.Read("CheckIns/create_staging.sql"), cancellation);
        using (var rows = connection.Append("check_ins"))
        {
            while (reader.Read())
            {
                cancellation.ThrowIfCancellationRequested();
                Append(rows, reader, order);
            }

            rows.Complete();
        }

        return connection.ExportParquet("from check_ins order by line", parquetFile, cancellation);
    }

    /// <returns>Where each of <see cref="Columns"/> is in the file.</returns>
    private static int[] FindColumns(string file, IReadOnlyList<string> header)
    {
        var names = header.Select(name => name.ToLowerInvariant()).ToList();
        return names.Order(StringComparer.Ordinal).SequenceEqual(Columns.Order(StringComparer.Ordinal))
            ? Array.ConvertAll(Columns, names.IndexOf)
            : throw InputFile.Bad(file, $"has the columns {string.Join(", ", header)}. A file of check-ins has {string.Join(", ", Columns)}, in any order");
    }

    private static void Append(DuckDbAppender rows, CsvReader reader, int[] order)
    {
        rows.Append(reader.Line);
        if (reader.Fault is { } fault)
        {
            AppendValues(rows, [], [], [], []);
            rows.Append(fault);
            rows.Append(QuarantineFile.Readable(reader.Raw));
        }
        else
        {
            AppendValues(rows, Trim(reader[order[0]]), Trim(reader[order[1]]), Trim(reader[order[2]]), Trim(reader[order[3]]));
            rows.AppendNull();
            rows.AppendNull();
        }

        rows.EndRow();
    }

    private static void AppendValues(
        DuckDbAppender rows, ReadOnlySpan<byte> user, ReadOnlySpan<byte> timestamp, ReadOnlySpan<byte> hours, ReadOnlySpan<byte> project)
    {
        AppendText(rows, user);
        if (CheckInTimestamp.TryRead(timestamp, out var micros))
        {
            rows.AppendTimestampTz(micros);
        }
        else
        {
            rows.AppendNull();
        }

        if (CheckInHours.TryRead(hours, out var hundredths))
        {
            rows.AppendUnscaled(hundredths);
        }
        else
        {
            rows.AppendNull();
        }

        AppendText(rows, project);
        AppendText(rows, timestamp);
        AppendText(rows, hours);
    }

    private static void AppendText(DuckDbAppender rows, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty)
        {
            rows.AppendNull();
        }
        else
        {
            rows.Append(value);
        }
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> value) => value.Trim(" \t"u8);
}
