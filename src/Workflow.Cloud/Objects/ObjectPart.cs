using System.Buffers;

namespace Workflow.Cloud.Objects;

/// <summary>A piece of an object in memory, so that it can be sent again, or put in its place.</summary>
internal sealed class ObjectPart : IDisposable
{
    private byte[]? _buffer;

    private ObjectPart(byte[] buffer, int size, bool isLast)
    {
        _buffer = buffer;
        Size = size;
        IsLast = isLast;
    }

    public int Size { get; }

    /// <summary>The content ended with it.</summary>
    public bool IsLast { get; }

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, Size);

    public static async Task<ObjectPart> ReadAsync(Stream content, int size, CancellationToken cancellation)
    {
        // One byte more than the part, to know now whether another one follows, would have to be carried over:
        // a full part counts as not the last, and the one after it may be empty.
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var read = await content.ReadAtLeastAsync(buffer.AsMemory(0, size), size, throwOnEndOfStream: false, cancellation);
            return new(buffer, read, isLast: read < size);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    public Stream AsStream() => new MemoryStream(_buffer!, 0, Size, writable: false);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
