using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Workflow.Data.MySql;

/// <summary>
/// The packets of the client protocol on a stream: three bytes of length, one of sequence, the payload. A payload of 16 MB and more
/// is a chain of full packets and one that is not full.
/// </summary>
internal sealed class PacketStream(Stream stream)
{
    private const int HeaderLength = 4;
    private const int FullLength = 0xFFFFFF;
    private const int InitialBuffer = 1 << 17;
    private const byte ErrorPacket = 0xFF;

    private readonly ArrayBufferWriter<byte> _chain = new();
    private byte[] _buffer = new byte[InitialBuffer];
    private int _start;
    private int _end;
    private byte _sequence;

    public Stream Stream { get; private set; } = stream;

    /// <summary>Goes on in an encrypted stream on the first one; nothing that was read ahead may be left.</summary>
    public void Encrypt(Stream encrypted) => Stream = _start == _end
        ? encrypted
        : throw new MySqlException("The server sent something between its greeting and the encryption.");

    /// <summary>A new exchange: the client's command comes first.</summary>
    public void Begin() => _sequence = 0;

    /// <returns>A payload; its memory is the next call's.</returns>
    /// <exception cref="MySqlException">It is an error that the server reports, or the connection is lost.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellation)
    {
        try
        {
            var payload = await ReadAsync(cancellation);
            return payload.Span is [ErrorPacket, .. var error] ? throw ParseError(error) : payload;
        }
        catch (IOException broken)
        {
            throw Lost(broken);
        }
    }

    /// <exception cref="MySqlException">The connection is lost.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        try
        {
            await WriteAsync(payload, cancellation);
        }
        catch (IOException broken)
        {
            throw Lost(broken);
        }
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        var payload = await ReadOneAsync(cancellation);
        if (payload.Length < FullLength)
        {
            return payload;
        }

        _chain.ResetWrittenCount();
        _chain.Write(payload.Span);
        do
        {
            payload = await ReadOneAsync(cancellation);
            _chain.Write(payload.Span);
        }
        while (payload.Length == FullLength);
        return _chain.WrittenMemory;
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        int length;
        do
        {
            length = Math.Min(payload.Length, FullLength);
            var packet = new byte[HeaderLength + length];
            BinaryPrimitives.WriteInt32LittleEndian(packet, length | _sequence++ << 24);
            payload[..length].CopyTo(packet.AsMemory(HeaderLength));
            await Stream.WriteAsync(packet, cancellation);
            payload = payload[length..];
        }
        while (length == FullLength);
        await Stream.FlushAsync(cancellation);
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadOneAsync(CancellationToken cancellation)
    {
        await FillAsync(HeaderLength, cancellation);
        var header = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start));
        var length = (int)(header & FullLength);
        if (header >> 24 != _sequence)
        {
            throw new MySqlException($"The server sent packet {header >> 24} where {_sequence} was due: this is not the client protocol, or the connection is shared.");
        }

        _sequence++;
        await FillAsync(HeaderLength + length, cancellation);
        var payload = _buffer.AsMemory(_start + HeaderLength, length);
        _start += HeaderLength + length;
        return payload;
    }

    /// <summary>Sees to it that so many bytes are in the buffer.</summary>
    private async ValueTask FillAsync(int wanted, CancellationToken cancellation)
    {
        if (_end - _start >= wanted)
        {
            return;
        }

        var rest = _buffer.AsSpan(_start, _end - _start);
        if (wanted > _buffer.Length)
        {
            var larger = new byte[Math.Max(wanted, _buffer.Length * 2)];
            rest.CopyTo(larger);
            _buffer = larger;
        }
        else
        {
            rest.CopyTo(_buffer);
        }

        (_start, _end) = (0, _end - _start);
        while (_end < wanted)
        {
            var read = await Stream.ReadAsync(_buffer.AsMemory(_end), cancellation);
            _end += read > 0 ? read : throw new EndOfStreamException("The server closed the connection.");
        }
    }

    private static MySqlException Lost(IOException broken) => new($"The connection is lost: {broken.Message}", inner: broken);

    /// <summary>The number, a mark and five letters of the SQL state (not before the handshake is over), the text.</summary>
    private static MySqlException ParseError(ReadOnlySpan<byte> error)
    {
        var reader = new PayloadReader(error);
        var code = reader.UInt16();
        var state = reader.Rest is [(byte)'#', ..] ? Encoding.ASCII.GetString(reader.Bytes(6)[1..]) : null;
        return new(Encoding.UTF8.GetString(reader.Rest), code, state);
    }
}
