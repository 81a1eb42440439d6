using System.Text.Json;
using System.Text.Unicode;

namespace Workflow.Data.Json;

/// <summary>
/// Reads the objects of a JSON file one by one: those of one array, or one after the other (newline-delimited). Values keep the
/// text they have in the file, so that numbers keep their form. The file may begin with a byte order mark, be UTF-16 or gzip.
/// </summary>
internal sealed class JsonRecordReader : IDisposable
{
    private const int InitialBuffer = 1 << 18;
    private const int MaxRecordBytes = 256 << 20;

    private static readonly JsonReaderOptions Options = new() { AllowMultipleValues = true };

    private readonly string _path;
    private readonly Stream _input;
    private byte[] _buffer = new byte[InitialBuffer];
    private int _start;
    private int _end;
    private bool _ended;
    private JsonReaderState _state = new(Options);
    private bool _inArray;
    private bool _begun;

    private Field[] _fields = new Field[16];
    private int _record;
    private byte[] _scratch = [];

    /// <exception cref="BadInputException">The file is cut off or in an encoding that is not read.</exception>
    public JsonRecordReader(string path)
    {
        _path = path;
        _input = Guard(() => InputFile.Open(path));
    }

    private enum Outcome
    {
        Record,
        NeedsMore,
        End,
    }

    /// <summary>Number of the current record, from 1.</summary>
    public long Row { get; private set; }

    public int FieldCount { get; private set; }

    /// <summary>Goes to the next object.</summary>
    /// <exception cref="BadInputException">The file is not JSON, or not of objects; the message names the line.</exception>
    public bool Read()
    {
        while (true)
        {
            switch (Parse())
            {
                case Outcome.Record:
                    Row++;
                    return true;
                case Outcome.End:
                    return false;
                default:
                    Fill();
                    break;
            }
        }
    }

    /// <summary>The name of a property, unescaped. Gone at the next call.</summary>
    public ReadOnlySpan<byte> Name(int field) => Text(_fields[field].Name, _fields[field].NameIsEscaped);

    /// <summary>Whether a property's value is null.</summary>
    public bool IsNull(int field) => _fields[field].Kind == JsonTokenType.Null;

    /// <summary>The text of a string, unescaped; the JSON of everything else, as it stands in the file. Gone at the next call.</summary>
    public ReadOnlySpan<byte> Value(int field) => Text(_fields[field].Value, _fields[field].ValueIsEscaped);

    /// <summary>The JSON of a value as it stands in the file, a string with its quotes and escapes. Gone at the next call.</summary>
    public ReadOnlySpan<byte> Json(int field)
    {
        var (value, isText) = (_fields[field].Value, _fields[field].Kind == JsonTokenType.String);
        if (isText && _fields[field].ValueIsEscaped)
        {
            // What is no text is found here, and not by whoever reads the JSON later.
            Text(value, isEscaped: true);
        }

        return isText ? _buffer.AsSpan(_record + value.Offset - 1, value.Length + 2) : _buffer.AsSpan(_record + value.Offset, value.Length);
    }

    public void Dispose() => _input.Dispose();

    private Outcome Parse()
    {
        var reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _ended, _state);
        try
        {
            var outcome = Parse(ref reader);
            if (outcome != Outcome.NeedsMore)
            {
                _record = _start;
                _start += (int)reader.BytesConsumed;
                _state = reader.CurrentState;
            }

            return outcome;
        }
        catch (JsonException wrong)
        {
            throw Bad($"is not JSON at line {wrong.LineNumber + 1}, byte {wrong.BytePositionInLine + 1}: {wrong.Message.Split(" LineNumber:")[0]}", wrong);
        }
    }

    private Outcome Parse(ref Utf8JsonReader reader)
    {
        if (!reader.Read())
        {
            return !_ended ? Outcome.NeedsMore
                : _begun ? Outcome.End
                : throw Bad("is empty: it is neither an array of objects nor objects, one to a line");
        }

        if (!_begun && reader.TokenType == JsonTokenType.StartArray)
        {
            (_begun, _inArray) = (true, true);
            _start += (int)reader.BytesConsumed;
            _state = reader.CurrentState;
            reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), _ended, _state);
            return Parse(ref reader);
        }

        _begun = true;
        if (_inArray && reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == 0)
        {
            return !reader.Read() ? (_ended ? Outcome.End : Outcome.NeedsMore) : throw Bad("goes on after the end of its array");
        }

        return reader.TokenType == JsonTokenType.StartObject
            ? ParseObject(ref reader)
            : throw Bad($"has a {reader.TokenType} where its object number {Row + 1} should be. Wrap every record in an object");
    }

    private Outcome ParseObject(ref Utf8JsonReader reader)
    {
        FieldCount = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var field = new Field { Name = Inside(reader), NameIsEscaped = reader.ValueIsEscaped };
            if (!reader.Read())
            {
                return Outcome.NeedsMore;
            }

            field.Kind = reader.TokenType;
            field.Value = reader.TokenType == JsonTokenType.String ? Inside(reader) : new((int)reader.TokenStartIndex, reader.ValueSpan.Length);
            field.ValueIsEscaped = reader.TokenType == JsonTokenType.String && reader.ValueIsEscaped;
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                if (!reader.TrySkip())
                {
                    return Outcome.NeedsMore;
                }

                field.Value = field.Value with { Length = (int)reader.BytesConsumed - field.Value.Offset };
            }

            if (FieldCount == _fields.Length)
            {
                Array.Resize(ref _fields, FieldCount * 2);
            }

            _fields[FieldCount++] = field;
        }

        if (reader.TokenType != JsonTokenType.EndObject)
        {
            return Outcome.NeedsMore;
        }

        return Utf8.IsValid(_buffer.AsSpan(_start, (int)reader.BytesConsumed))
            ? Outcome.Record
            : throw Bad($"has bytes that are not UTF-8 in its object number {Row + 1}");
    }

    private static Slice Inside(in Utf8JsonReader reader) => new((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);

    private ReadOnlySpan<byte> Text(Slice slice, bool isEscaped)
    {
        if (!isEscaped)
        {
            return _buffer.AsSpan(_record + slice.Offset, slice.Length);
        }

        if (_scratch.Length < slice.Length)
        {
            _scratch = new byte[slice.Length * 2];
        }

        // With its quotes the text is a JSON document of its own.
        var reader = new Utf8JsonReader(_buffer.AsSpan(_record + slice.Offset - 1, slice.Length + 2));
        reader.Read();
        try
        {
            return _scratch.AsSpan(0, reader.CopyString(_scratch));
        }
        catch (InvalidOperationException wrong)
        {
            throw Bad($"has half a surrogate pair (\\uD800 to \\uDFFF alone) in its object number {Row}", wrong);
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end > _buffer.Length / 2)
        {
            if (_buffer.Length > MaxRecordBytes)
            {
                throw Bad($"has an object, number {Row + 1}, longer than {MaxRecordBytes} bytes");
            }

            Array.Resize(ref _buffer, _buffer.Length * 2);
        }

        _end += Guard(() => _input.ReadAtLeast(_buffer.AsSpan(_end), _buffer.Length - _end, throwOnEndOfStream: false));
        _ended = _end < _buffer.Length;
    }

    private T Guard<T>(Func<T> read) => InputFile.Guard(_path, read);

    private BadInputException Bad(string what, Exception? inner = null) => InputFile.Bad(_path, what, inner);

    private readonly record struct Slice(int Offset, int Length);

    private struct Field
    {
        public Slice Name;
        public bool NameIsEscaped;
        public Slice Value;
        public bool ValueIsEscaped;
        public JsonTokenType Kind;
    }
}
