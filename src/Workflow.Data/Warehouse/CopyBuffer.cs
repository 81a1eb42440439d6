using System.Buffers.Binary;

namespace Workflow.Data.Warehouse;

/// <summary>Rows in PostgreSQL's binary COPY format, as they are built. Numbers are big-endian; a field is its length, then its bytes.</summary>
internal sealed class CopyBuffer
{
    private byte[] _bytes;

    public CopyBuffer(int capacity) => _bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Drops what was written after <paramref name="length"/>.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>The signature, no flags, no extension.</summary>
    public void WriteHeader() => WriteRaw([.. "PGCOPY\n"u8, 0xFF, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, 0]);

    /// <summary>Begins a row; -1 ends the copy.</summary>
    public void WriteFieldCount(short count) => BinaryPrimitives.WriteInt16BigEndian(Take(sizeof(short)), count);

    public void WriteNull() => WriteLength(-1);

    public void Write(bool value)
    {
        var field = Take(sizeof(int) + 1);
        BinaryPrimitives.WriteInt32BigEndian(field, 1);
        field[sizeof(int)] = value ? (byte)1 : (byte)0;
    }

    public void Write(short value)
    {
        var field = Take(sizeof(int) + sizeof(short));
        BinaryPrimitives.WriteInt32BigEndian(field, sizeof(short));
        BinaryPrimitives.WriteInt16BigEndian(field[sizeof(int)..], value);
    }

    public void Write(int value)
    {
        var field = Take(sizeof(int) + sizeof(int));
        BinaryPrimitives.WriteInt32BigEndian(field, sizeof(int));
        BinaryPrimitives.WriteInt32BigEndian(field[sizeof(int)..], value);
    }

    public void Write(long value)
    {
        var field = Take(sizeof(int) + sizeof(long));
        BinaryPrimitives.WriteInt32BigEndian(field, sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(field[sizeof(int)..], value);
    }

    public void Write(float value) => Write(BitConverter.SingleToInt32Bits(value));

    public void Write(double value) => Write(BitConverter.DoubleToInt64Bits(value));

    public void Write(ReadOnlySpan<byte> bytes)
    {
        var field = Take(sizeof(int) + bytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(field, bytes.Length);
        bytes.CopyTo(field[sizeof(int)..]);
    }

    /// <summary>Room for a field of a length known beforehand.</summary>
    public Span<byte> WriteField(int length)
    {
        WriteLength(length);
        return Take(length);
    }

    private void WriteLength(int length) => BinaryPrimitives.WriteInt32BigEndian(Take(sizeof(int)), length);

    private void WriteRaw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    private Span<byte> Take(int count)
    {
        if (_bytes.Length - Length < count)
        {
            Array.Resize(ref _bytes, Math.Max(checked(_bytes.Length * 2), checked(Length + count)));
        }

        var span = _bytes.AsSpan(Length, count);
        Length += count;
        return span;
    }
}
