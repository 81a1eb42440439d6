using System.Text;

namespace Workflow.Data.Csv;

/// <summary>
/// Writes the rows that were refused to a CSV file of <c>rule,reason,source,line,column,raw</c>. The raw text is the row as it lay in the
/// input; bytes that are no UTF-8 and NULs are shown as <c>\xNN</c>.
/// </summary>
public sealed class QuarantineFile : IDisposable
{
    private readonly StreamWriter _writer;
    private readonly string _source;

    /// <param name="source">Where the rows come from.</param>
    public QuarantineFile(string path, string source)
    {
        _source = CsvText.Field(source);
        Path = path;
        _writer = new(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
        _writer.WriteLine("rule,reason,source,line,column,raw");
    }

    public string Path { get; }

    public long Rows { get; private set; }

    /// <param name="rule">What the row breaks, in a word.</param>
    /// <param name="column">The column at fault; null where it is the whole row.</param>
    public void Write(string rule, string reason, long line, string? column, ReadOnlySpan<byte> raw)
    {
        _writer.WriteLine($"{rule},{CsvText.Field(reason)},{_source},{line},{CsvText.Field(column ?? "")},{CsvText.Field(Readable(raw))}");
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
