using System.Text;

namespace Workflow.Data.Csv;

/// <summary>
/// Writes the rows that were refused to a CSV file of <c>line,reason,column,raw</c>. The raw text is the row as it lay in the
/// input; bytes that are no UTF-8 and NULs are shown as <c>\xNN</c>.
/// </summary>
public sealed class QuarantineFile : IDisposable
{
    private readonly StreamWriter _writer;

    public QuarantineFile(string path)
    {
        Path = path;
        _writer = new(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        _writer.WriteLine("line,reason,column,raw");
    }

    public string Path { get; }

    public long Rows { get; private set; }

    /// <param name="column">The column at fault; null where it is the whole row.</param>
    public void Write(long line, string reason, string? column, ReadOnlySpan<byte> raw)
    {
        _writer.WriteLine($"{line},{CsvText.Field(reason)},{CsvText.Field(column ?? "")},{CsvText.Field(Readable(raw))}");
        Rows++;
    }

    public void Dispose() => _writer.Dispose();

    internal static string Readable(ReadOnlySpan<byte> raw)
    {
        var text = new StringBuilder(raw.Length);
        while (!raw.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(raw, out var rune, out var length) == System.Buffers.OperationStatus.Done && rune.Value != 0;
            if (valid)
            {
                text.Append(rune);
            }
            else
            {
                foreach (var value in raw[..length])
                {
                    text.Append($"\\x{value:X2}");
                }
            }

            raw = raw[length..];
        }

        return text.ToString();
    }
}
