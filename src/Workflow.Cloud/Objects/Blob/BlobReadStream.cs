using System.Security.Cryptography;
using Azure;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>
/// One forward read of an object, in pieces of which a few are always on their way. All of them are of the object as it was when
/// it was opened; each is checked before any of it is handed out, and the whole against its writer's checksum before its end is.
/// </summary>
internal sealed class BlobReadStream : Stream
{
    private const int ChunksInFlight = 4;

    private readonly BlobChunks _chunks;
    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<Task<BlobChunk>> _coming = [];
    private readonly IncrementalHash _hash = Md5.Begin();
    private readonly string _etag;
    private readonly string? _md5;
    private BlobChunk _chunk;
    private int _taken;
    private long _asked;
    private long _position;
    private int _disposed;

    private BlobReadStream(BlobChunks chunks, BlobChunk first)
    {
        _chunks = chunks;
        _etag = first.ETag;
        _md5 = first.Md5;
        _asked = first.Size;
        Length = first.Total;
        _chunk = first;
        CheckEnd(first);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length { get; }

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public static async Task<Stream> OpenAsync(BlobChunks chunks, CancellationToken cancellation)
    {
        try
        {
            return new BlobReadStream(chunks, await chunks.ReadAsync(0, etag: null, cancellation));
        }
        catch (RequestFailedException empty) when (empty is { Status: 416, ErrorCode: "InvalidRange" })
        {
            // Of nothing there is no first byte.
            return new MemoryStream([], writable: false);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (_taken == _chunk.Size && _position < Length && !buffer.IsEmpty)
        {
            await AdvanceAsync(cancellationToken);
        }

        var read = Math.Min(buffer.Length, _chunk.Size - _taken);
        _chunk.Buffer.AsMemory(_taken, read).CopyTo(buffer);
        _taken += read;
        _position += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException($"{_chunks.Address} comes over the network: read it asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _stop.CancelAsync();
            foreach (var coming in _coming)
            {
                // Its end matters to nobody any more, but its memory goes back.
                await coming.ContinueWith(ended => { if (ended.IsCompletedSuccessfully) { ended.Result.Dispose(); } }, TaskScheduler.Default);
            }

            _chunk.Dispose();
            _hash.Dispose();
            _stop.Dispose();
        }

        await base.DisposeAsync();
    }

    /// <summary>Only stops what is coming: whose memory it is cannot be waited for here, so that is left to the collector.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _stop.Cancel();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task AdvanceAsync(CancellationToken cancellation)
    {
        while (_coming.Count < ChunksInFlight && _asked < Length)
        {
            _coming.Enqueue(_chunks.ReadAsync(_asked, _etag, _stop.Token));
            _asked += _chunks.Size;
        }

        var next = await BlobObjectStore.TryAsync(_chunks.Address, "read", () => _coming.Peek().WaitAsync(cancellation));
        _ = _coming.Dequeue();
        _chunk.Dispose();
        (_chunk, _taken) = (next, 0);
        CheckEnd(next);
    }

    private void CheckEnd(BlobChunk chunk)
    {
        _hash.AppendData(chunk.Buffer.AsSpan(0, chunk.Size));
        if (_position + chunk.Size == Length && _md5 is not null && Md5.End(_hash) != _md5)
        {
            throw new ObjectStoreException($"{_chunks.Address} is damaged: its content does not have the checksum {_md5} that it was written with (Content-MD5). Write it again.");
        }
    }
}
