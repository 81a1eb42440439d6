using System.Text;
using Workflow.Data.Csv;

namespace Workflow.Data.FixedWidth;

/// <summary>Writes lines that were refused to a CSV file of <c>rule,reason,source,line,raw</c>, made when there is the first.</summary>
public sealed class RefusedLines(string path) : IDisposable
{
    private StreamWriter? _writer;

    public string Path { get; } = path;

    public long Count { get; private set; }

    public void Write(LineRefusal refusal, string source, long line, ReadOnlySpan<byte> raw)
    {
        if (_writer is null)
        {
            _writer = new(Path, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
            _writer.WriteLine("rule,reason,source,line,raw");
        }

        _writer.WriteLine($"{refusal.Rule},{CsvText.Field(refusal.Reason)},{CsvText.Field(source)},{line},{CsvText.Field(QuarantineFile.Readable(raw))}");
        Count++;
    }

    public void Dispose() => _writer?.Dispose();
}
