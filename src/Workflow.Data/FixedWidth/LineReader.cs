using System.Text;

namespace Workflow.Data.FixedWidth;

/// <summary>One line of a file.</summary>
/// <param name="Number">From 1; blank lines count, too.</param>
/// <param name="Text">Without its end and the blanks before that; null where the bytes are no UTF-8.</param>
public readonly record struct FixedWidthLine(long Number, string? Text, ReadOnlyMemory<byte> Raw);

/// <summary>The lines of a file, plain or gzip, of any encoding that has a mark, otherwise UTF-8. Blank lines are left out.</summary>
public static class LineReader
{
    private const int BufferSize = 1 << 16;
    private const int LongestLine = 1 << 20;
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="BadInputException">The file is cut off or damaged, or a line has no end in sight.</exception>
    public static IEnumerable<FixedWidthLine> Read(string path)
    {
        using var stream = InputFile.Guard(path, () => InputFile.Open(path));
        var buffer = new byte[BufferSize];
        var (start, end, number) = (0, 0, 0L);
        while (true)
        {
            var length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (length < 0)
            {
                var rest = end - start;
                if (rest > LongestLine)
                {
                    throw InputFile.Bad(path, $"has a line longer than {LongestLine} bytes after line {number}; it is not a file of records");
                }

                var room = rest == buffer.Length ? new byte[2 * rest] : buffer;
                buffer.AsSpan(start, rest).CopyTo(room);
                (buffer, start, end) = (room, 0, rest);
                var read = InputFile.Guard(path, () => stream.Read(buffer, end, buffer.Length - end));
                if (read > 0)
                {
                    end += read;
                    continue;
                }

                length = rest;
            }

            if (start == end)
            {
                yield break;
            }

            var line = Line(++number, buffer.AsMemory(start, length));
            start = Math.Min(end, start + length + 1);
            if (line.Text is not "")
            {
                yield return line;
            }
        }
    }

    private static FixedWidthLine Line(long number, ReadOnlyMemory<byte> raw)
    {
        var trimmed = raw[..(raw.Span.LastIndexOfAnyExcept((byte)' ', (byte)'\r') + 1)];
        try
        {
            return new(number, Strict.GetString(trimmed.Span), trimmed);
        }
        catch (DecoderFallbackException)
        {
            return new(number, null, trimmed);
        }
    }
}
