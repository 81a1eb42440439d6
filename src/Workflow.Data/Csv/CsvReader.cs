using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Workflow.Data.Csv;

/// <summary>
/// Reads a CSV file record by record, as UTF-8, without an allocation per field, and knows of every record the physical line
/// it begins on. A record that is broken has a <see cref="Fault"/> and its raw text and costs only itself: after a wrong
/// quote, reading goes on at the next physical line.
/// </summary>
/// <remarks>
/// Lines end with LF, CRLF or CR; those inside quotes count too. Blank lines are counted as lines and are not records.
/// The file may begin with a byte order mark, be UTF-16 (with its mark) or gzip.
/// </remarks>
public sealed class CsvReader : IDisposable
{
    private const byte Quote = (byte)'"', Lf = (byte)'\n', Cr = (byte)'\r';
    private const int InitialBuffer = 1 << 18;

    private readonly string _path;
    private readonly Stream _input;
    private readonly int _maxRecord;
    private readonly byte _delimiter;
    private readonly SearchValues<byte> _stops;

    private byte[] _buffer = new byte[InitialBuffer];
    private int _start;
    private int _end;
    private bool _ended;
    private long _nextLine = 1;

    private Field[] _fields = new Field[64];
    private byte[] _unescaped = [];
    private int _unescapedLength;
    private int _recordLength;
    private int _rawLength;

    /// <summary>Opens the file and reads its header.</summary>
    /// <exception cref="BadInputException">The file is empty, its header names a column twice or not at all, or it is cut off.</exception>
    public CsvReader(string path, CsvOptions? options = null)
    {
        options ??= new();
        _path = path;
        _maxRecord = options.MaxRecordBytes;
        _input = Guard(() => InputFile.Open(path));
        try
        {
            SkipBlankLines();
            if (_start == _end)
            {
                throw Bad("is empty: it has no header line");
            }

            _delimiter = options.Delimiter is { } given ? (byte)given : SniffDelimiter();
            _stops = SearchValues.Create([_delimiter, Quote, Lf, Cr]);
            Header = ReadHeader();
        }
        catch
        {
            _input.Dispose();
            throw;
        }
    }

    /// <summary>The column names, trimmed of the blanks around them.</summary>
    public IReadOnlyList<string> Header { get; }

    public char Delimiter => (char)_delimiter;

    /// <summary>Number of the current record, from 1; the header is none.</summary>
    public long Row { get; private set; }

    /// <summary>The physical line the current record begins on, from 1; the header is on line 1 unless blank lines come before it.</summary>
    public long Line { get; private set; }

    /// <summary>Why the current record cannot be taken; null where it can.</summary>
    public string? Fault { get; private set; }

    public int FieldCount { get; private set; }

    /// <summary>The bytes of the current record as they lie in the file, without the line end. Gone at the next <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> Raw => _buffer.AsSpan(_start, _rawLength);

    /// <summary>A field of the current record, quotes taken off. Gone at the next <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)FieldCount);
            ref var field = ref _fields[index];
            if (field.HasEscapes)
            {
                Unescape(ref field);
            }

            return (field.IsUnescaped ? _unescaped.AsSpan() : _buffer.AsSpan(_start)).Slice(field.Offset, field.Length);
        }
    }

    /// <summary>Goes to the next record, good or broken.</summary>
    /// <returns>False at the end of the file.</returns>
    /// <exception cref="BadInputException">The file ends before it is whole (gzip).</exception>
    public bool Read()
    {
        _start += _recordLength;
        _recordLength = 0;
        _unescapedLength = 0;
        SkipBlankLines();
        if (_start == _end)
        {
            return false;
        }

        ReadRecord();
        Row++;
        Fault ??= FieldCount != Header.Count ? $"{FieldCount} fields where the header has {Header.Count}" : FaultInText(Raw);
        return true;
    }

    public void Dispose() => _input.Dispose();

    /// <summary>Finds the record at <see cref="_start"/>, taking in more of the file until it is whole.</summary>
    private void ReadRecord()
    {
        Line = _nextLine;
        while (true)
        {
            var outcome = Scan(_buffer.AsSpan(_start, _end - _start));
            if (outcome is null)
            {
                if (_end - _start <= _maxRecord)
                {
                    Fill();
                    continue;
                }

                outcome = $"no end within {_maxRecord} bytes: a quote that is never closed, or a record longer than is read";
            }

            Fault = outcome.Length == 0 ? null : outcome;
            if (Fault is not null)
            {
                TakeLine();
            }

            return;
        }
    }

    /// <summary>Divides a record into fields.</summary>
    /// <returns>Empty where it is well formed, the fault where it is not, null where the text ends before the record does.</returns>
    private string? Scan(ReadOnlySpan<byte> text)
    {
        var position = 0;
        var lineEnds = 0;
        FieldCount = 0;
        while (true)
        {
            var field = new Field { Offset = position };
            int stop;
            if (position < text.Length && text[position] == Quote)
            {
                if (CloseQuote(text, ref field, ref lineEnds) is not { } close)
                {
                    return _ended ? "a quote that is never closed" : null;
                }

                stop = close + 1;
                if (stop < text.Length && text[stop] != _delimiter && text[stop] != Lf && text[stop] != Cr)
                {
                    return "text after a closing quote";
                }
            }
            else
            {
                var length = text[position..].IndexOfAny(_stops);
                stop = length < 0 ? text.Length : position + length;
                field.Length = stop - position;
                if (stop < text.Length && text[stop] == Quote)
                {
                    return "a quote inside a field that does not begin with one";
                }
            }

            if (stop >= text.Length - 1 && !_ended)
            {
                return null;
            }

            Add(field);
            if (stop < text.Length && text[stop] == _delimiter)
            {
                position = stop + 1;
                continue;
            }

            _rawLength = stop;
            _recordLength = stop + LineEndLength(text[stop..]);
            _nextLine = Line + lineEnds + 1;
            return "";
        }
    }

    /// <summary>Where the quoted field ends: the index of its closing quote, or null where the text ends first.</summary>
    private static int? CloseQuote(ReadOnlySpan<byte> text, ref Field field, ref int lineEnds)
    {
        var begin = field.Offset + 1;
        var position = begin;
        while (true)
        {
            var length = text[position..].IndexOf(Quote);
            if (length < 0)
            {
                return null;
            }

            var quote = position + length;
            if (quote + 1 < text.Length && text[quote + 1] == Quote)
            {
                field.HasEscapes = true;
                position = quote + 2;
                continue;
            }

            field.Offset = begin;
            field.Length = quote - begin;
            lineEnds += CountLineEnds(text.Slice(begin, field.Length));
            return quote;
        }
    }

    private void Add(Field field)
    {
        if (FieldCount == _fields.Length)
        {
            Array.Resize(ref _fields, _fields.Length * 2);
        }

        _fields[FieldCount++] = field;
    }

    /// <summary>Takes the one physical line at <see cref="_start"/> for the record.</summary>
    private void TakeLine()
    {
        FieldCount = 0;
        int length;
        while ((length = _buffer.AsSpan(_start, _end - _start).IndexOfAny(Lf, Cr)) < 0 && !_ended && _end - _start <= _maxRecord)
        {
            Fill();
        }

        if (length < 0 && !_ended)
        {
            throw Bad($"has a line {Line} longer than {_maxRecord} bytes");
        }

        _rawLength = length < 0 ? _end - _start : length;
        if (_start + _rawLength == _end - 1 && !_ended)
        {
            Fill();
        }

        _recordLength = _rawLength + LineEndLength(_buffer.AsSpan(_start + _rawLength, _end - _start - _rawLength));
        _nextLine = Line + 1;
    }

    private void SkipBlankLines()
    {
        while (true)
        {
            if (_end - _start < 2 && !_ended)
            {
                Fill();
                continue;
            }

            var length = LineEndLength(_buffer.AsSpan(_start, _end - _start));
            if (length == 0)
            {
                return;
            }

            _start += length;
            _nextLine++;
        }
    }

    /// <summary>Reads on behind what is there; makes room first, by moving the rest to the front or by growing.</summary>
    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end > _buffer.Length / 2)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        // To the brim: a record that is not whole is looked at again from its beginning.
        var read = Guard(() => _input.ReadAtLeast(_buffer.AsSpan(_end), _buffer.Length - _end, throwOnEndOfStream: false));
        _end += read;
        _ended = _end < _buffer.Length;
    }

    private string[] ReadHeader()
    {
        ReadRecord();
        if ((Fault ?? FaultInText(Raw)) is { } fault)
        {
            throw Bad($"has a header (line {Line}) that cannot be read: {fault}");
        }

        var names = new string[FieldCount];
        for (var index = 0; index < names.Length; index++)
        {
            names[index] = Encoding.UTF8.GetString(this[index]).Trim();
        }

        var unnamed = Enumerable.Range(1, names.Length).Where(position => names[position - 1].Length == 0).ToList();
        if (unnamed.Count > 0)
        {
            throw Bad($"has no name in its header for column {string.Join(", ", unnamed)} of {names.Length}. Name every column");
        }

        var twice = names.Select((name, index) => (name, position: index + 1)).GroupBy(column => column.name).Where(group => group.Count() > 1).ToList();
        return twice.Count == 0 ? names : throw Bad(
            "names columns more than once in its header: " +
            string.Join("; ", twice.Select(group => $"'{group.Key}' (columns {string.Join(", ", group.Select(column => column.position))})")) + ". Name each differently");
    }

    private byte SniffDelimiter()
    {
        var line = FirstLine();
        var quoted = false;
        Span<int> counts = stackalloc int[128];
        foreach (var character in line)
        {
            quoted ^= character == Quote;
            if (!quoted && character < counts.Length)
            {
                counts[character]++;
            }
        }

        var best = (byte)',';
        foreach (var candidate in ";\t|"u8)
        {
            best = counts[candidate] > counts[best] ? candidate : best;
        }

        return best;
    }

    private ReadOnlySpan<byte> FirstLine()
    {
        while (true)
        {
            var text = _buffer.AsSpan(_start, _end - _start);
            var length = text.IndexOfAny(Lf, Cr);
            if (length >= 0 || _ended || text.Length > _maxRecord)
            {
                return length < 0 ? text : text[..length];
            }

            Fill();
        }
    }

    /// <summary>Copies a field aside with its doubled quotes made single; the raw text stays as it is.</summary>
    private void Unescape(ref Field field)
    {
        var quoted = _buffer.AsSpan(_start + field.Offset, field.Length);
        if (_unescaped.Length - _unescapedLength < quoted.Length)
        {
            // Not in place: spans given out before keep the old array.
            Array.Resize(ref _unescaped, Math.Max(_unescaped.Length * 2, _unescapedLength + quoted.Length));
        }

        field.Offset = _unescapedLength;
        for (int quote; (quote = quoted.IndexOf(Quote)) >= 0; quoted = quoted[(quote + 2)..])
        {
            quoted[..(quote + 1)].CopyTo(_unescaped.AsSpan(_unescapedLength));
            _unescapedLength += quote + 1;
        }

        quoted.CopyTo(_unescaped.AsSpan(_unescapedLength));
        _unescapedLength += quoted.Length;
        field.Length = _unescapedLength - field.Offset;
        (field.HasEscapes, field.IsUnescaped) = (false, true);
    }

    private static string? FaultInText(ReadOnlySpan<byte> text) =>
        text.Contains((byte)0) ? "a NUL character"
        : !Utf8.IsValid(text) ? "not UTF-8"
        : null;

    private static int LineEndLength(ReadOnlySpan<byte> text) => text switch
    {
        [Cr, Lf, ..] => 2,
        [Cr or Lf, ..] => 1,
        _ => 0,
    };

    private static int CountLineEnds(ReadOnlySpan<byte> text)
    {
        var count = 0;
        for (int stop; (stop = text.IndexOfAny(Lf, Cr)) >= 0; count++)
        {
            text = text[(stop + LineEndLength(text[stop..]))..];
        }

        return count;
    }

    private T Guard<T>(Func<T> read) => InputFile.Guard(_path, read);

    private BadInputException Bad(string what) => InputFile.Bad(_path, what);

    private struct Field
    {
        public int Offset;
        public int Length;
        public bool HasEscapes;
        public bool IsUnescaped;
    }
}
