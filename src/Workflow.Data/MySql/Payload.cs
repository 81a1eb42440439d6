using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Workflow.Data.MySql;

/// <summary>Reads the protocol's data types off a payload.</summary>
internal ref struct PayloadReader(ReadOnlySpan<byte> payload)
{
    private const byte Null = 0xFB;
    private const byte TwoBytes = 0xFC;
    private const byte ThreeBytes = 0xFD;
    private const byte EightBytes = 0xFE;

    private ReadOnlySpan<byte> _rest = payload;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    public byte Byte() => Bytes(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if ((uint)count > (uint)_rest.Length)
        {
            throw new MySqlException($"A packet of the server ends {count - _rest.Length} bytes too early.");
        }

        var bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }

    /// <summary>Up to a NUL, or to the end.</summary>
    public ReadOnlySpan<byte> ToNul()
    {
        var nul = _rest.IndexOf((byte)0);
        var bytes = Bytes(nul < 0 ? _rest.Length : nul);
        _rest = nul < 0 ? _rest : _rest[1..];
        return bytes;
    }

    public long LengthEncodedInteger() => Byte() switch
    {
        TwoBytes => UInt16(),
        ThreeBytes => UInt16() | Byte() << 16,
        EightBytes => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8)),
        var small => small,
    };

    /// <summary>A text or bytes with their length in front.</summary>
    /// <returns>False for null.</returns>
    public bool TryField(out ReadOnlySpan<byte> value)
    {
        if (!_rest.IsEmpty && _rest[0] == Null)
        {
            _rest = _rest[1..];
            value = default;
            return false;
        }

        value = Bytes(checked((int)LengthEncodedInteger()));
        return true;
    }

    public string? Text() => TryField(out var value) ? Encoding.UTF8.GetString(value) : null;
}

/// <summary>Writes the protocol's data types into a payload.</summary>
internal sealed class PayloadWriter
{
    private readonly ArrayBufferWriter<byte> _payload = new();

    public ReadOnlyMemory<byte> Payload => _payload.WrittenMemory;

    public PayloadWriter Byte(byte value) => Bytes([value]);

    public PayloadWriter UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_payload.GetSpan(4), value);
        _payload.Advance(4);
        return this;
    }

    public PayloadWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        _payload.Write(bytes);
        return this;
    }

    public PayloadWriter Text(string text) => Bytes(Encoding.UTF8.GetBytes(text));

    public PayloadWriter TextToNul(string text) => Text(text).Byte(0);
}
