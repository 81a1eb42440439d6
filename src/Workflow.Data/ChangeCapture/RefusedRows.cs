using System.Text;
using Workflow.Data.Csv;

namespace Workflow.Data.ChangeCapture;

/// <summary>Writes refused rows to a CSV file of <c>rule,reason,source,line,column,raw</c>.</summary>
internal sealed class RefusedRows(string path) : IDisposable
{
    private StreamWriter? _writer;

    public string Path => path;

    public long Count { get; private set; }

    public void Write(Refusal refusal, string source, long line, ReadOnlySpan<byte> raw)
    {
        if (_writer is null)
        {
            _writer = new(path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
            _writer.WriteLine("rule,reason,source,line,column,raw");
        }

        // A NUL, which a broken row may hold, is no text.
        var text = Encoding.UTF8.GetString(raw).Replace("\0", "\\0");
        _writer.WriteLine($"{refusal.Rule},{CsvText.Field(refusal.Reason)},{CsvText.Field(source)},{line},{CsvText.Field(refusal.Column ?? "")},{CsvText.Field(text)}");
        Count++;
    }

    public void Dispose() => _writer?.Dispose();
}
