using System.Text;

namespace Workflow.Data.Csv;

/// <summary>
/// Writes the rows that were refused to a CSV file of <c>rule,reason,source,line,column,raw</c>, which is made when there is the first. The
/// raw text is the row as it lay in the input; bytes that are no UTF-8 and NULs are shown as <c>\xNN</c>.
/// </summary>
public sealed class QuarantineFile(string path) : IDisposable
{
    private StreamWriter? _writer;

    public string Path => path;

    public long Rows { get; private set; }

    /// <param name="rule">What the row breaks, in a word.</param>
    /// <param name="source">Where the row comes from.</param>
    /// <param name="column">The column at fault; null where it is the whole row.</param>
    public void Write(string rule, string reason, string source, long line, string? column, ReadOnlySpan<byte> raw)
    {
        if (_writer is null)
        {
            _writer = new(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
            _writer.WriteLine("rule,reason,source,line,column,raw");
        }

        _writer.WriteLine($"{rule},{CsvText.Field(reason)},{CsvText.Field(source)},{line},{CsvText.Field(column ?? "")},{CsvText.Field(Readable(raw))}");
        Rows++;
    }

    /// <summary>The file is whole from here on.</summary>
    public void Dispose() => _writer?.Dispose();


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
