using System.Text;
using Workflow.Data.Csv;
using Workflow.Data.DuckDb;
using Workflow.Data.FixedWidth;

namespace Workflow.Data.Operations;

/// <summary>What became of the lines of a file.</summary>
public sealed record OperationFileCounts(long Lines, long Refused);

/// <summary>A file of operation records.</summary>
public static class OperationFile
{
    private static readonly LineRefusal NotText = new("bad-encoding", "the line is not UTF-8");

    /// <summary>Writes the records of a file to a Parquet file, in no order, and the lines that are none to a CSV file, which is only made for them.</summary>
    /// <param name="source">What to name as where the lines are from.</param>
    /// <param name="scratchFolder">Where records are spilled that outgrow the memory.</param>
    /// <exception cref="BadInputException">The file as a whole cannot be read.</exception>
    public static OperationFileCounts Parse(string file, string source, string parquet, string refused, string scratchFolder, CancellationToken cancellation) =>
        Parse(file, source, parquet, refused, new DuckDbSettings { TempDirectory = scratchFolder, PreserveInsertionOrder = false }, cancellation);

    /// <inheritdoc cref="Parse(string, string, string, string, string, CancellationToken)"/>
    internal static OperationFileCounts Parse(string file, string source, string parquet, string refused, DuckDbSettings settings, CancellationToken cancellation)
    {
        using var duckDb = DuckDbDatabase.Open(settings);
        using var connection = duckDb.Connect();
        connection.Execute(SqlText.Read("Operations/create_lines.sql"), cancellation);
        using var quarantine = new QuarantineFile(refused);
        var lines = 0L;
        using (var appender = connection.Append("lines"))
        {
            foreach (var line in LineReader.Read(file))
            {
                cancellation.ThrowIfCancellationRequested();
                lines++;
                if ((line.Text is null ? NotText : OperationLayout.Layout.Check(line.Text)) is { } refusal)
                {
                    quarantine.Write(refusal.Rule, refusal.Reason, source, line.Number, refusal.Field, line.Raw.Span);
                }
                else
                {
                    Append(appender, source, line.Number, line.Text!);
                }
            }

            appender.Complete();
        }

        connection.Execute(SqlText.Read("Operations/write_lines.sql", ("output", SqlText.Literal(parquet))), cancellation);
        return new(lines, quarantine.Rows);
    }

    /// <summary>Writes the records of a file as text, in their order: the header's fields and the body, separated by bars, without quotes or a header.</summary>
    public static void Archive(string file, Stream output, CancellationToken cancellation)
    {
        using var writer = new StreamWriter(output, new UTF8Encoding(false), leaveOpen: true) { NewLine = "\n" };
        foreach (var line in LineReader.Read(file))
        {
            cancellation.ThrowIfCancellationRequested();
            if (line.Text is { } text && OperationLayout.Layout.Check(text) is null)
            {
                writer.WriteLine(string.Join('|', [.. OperationLayout.Layout.Header.Select(field => field.Read(text)), OperationLayout.BodyOf(text)]));
            }
        }
    }

    private static void Append(DuckDbAppender appender, string source, long number, string line)
    {
        appender.Append(source);
        appender.Append(number);
        appender.Append(OperationLayout.Custody.Read(line));
        appender.Append(OperationLayout.Domain.Read(line));
        appender.Append(OperationLayout.Operation.Read(line));
        appender.Append(OperationLayout.Load.Read(line).TrimEnd());
        appender.Append(OperationLayout.BodyOf(line));
        appender.EndRow();
    }
}
