using System.Buffers;
using System.Globalization;
using Azure;
using Azure.Core;

namespace Workflow.Cloud.Objects.Blob;

/// <summary>A piece of an object as it was read, complete and compared with the checksum that the service made of it.</summary>
/// <param name="Buffer">Of the shared pool.</param>
/// <param name="Total">The size of the whole object.</param>
/// <param name="Md5">The checksum of the whole object, where whoever wrote it left one.</param>
internal sealed record BlobChunk(byte[] Buffer, int Size, long Total, string ETag, string? Md5) : IDisposable
{
    public void Dispose() => ArrayPool<byte>.Shared.Return(Buffer);
}

/// <summary>The pieces of one object. What comes cut or damaged is asked for again.</summary>
/// <param name="size">Of a piece; at most what the service makes a checksum of.</param>
internal sealed class BlobChunks(BlobAccount account, ObjectAddress address, int size, TimeProvider time)
{
    private const int Attempts = 5;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    public ObjectAddress Address => address;

    public int Size => size;

    /// <summary>The piece that begins at <paramref name="from"/>.</summary>
    /// <param name="etag">What the object must still be; null at the first read.</param>
    /// <exception cref="ObjectStoreException">It never comes whole, or has been replaced.</exception>
    public async Task<BlobChunk> ReadAsync(long from, string? etag, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryReadAsync(from, etag, cancellation);
            }
            catch (Exception cut) when (cut is IOException or HttpRequestException || cut is OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                if (attempt == Attempts)
                {
                    throw new ObjectStoreException($"{address} breaks off or comes damaged, again and again, after {from} bytes: {cut.Message}", cut);
                }
            }
            catch (RequestFailedException changed) when (changed.Status == 412)
            {
                throw new ObjectStoreException($"{address} was replaced while it was read: read it again from the start.", changed);
            }

            await Task.Delay(FirstPause * (1 << (attempt - 1)), time, cancellation);
        }
    }

    private async Task<BlobChunk> TryReadAsync(long from, string? etag, CancellationToken cancellation)
    {
        using var message = account.Ask(RequestMethod.Get, address);
        message.BufferResponse = false;
        message.Request.Headers.SetValue("Range", $"bytes={from}-{from + size - 1}");
        message.Request.Headers.SetValue("x-ms-range-get-content-md5", "true");
        if (etag is not null)
        {
            message.Request.Headers.SetValue("If-Match", etag);
        }

        var response = await account.SendAsync(message, cancellation);
        var total = TotalOf(response);
        var expected = (int)Math.Min(size, total - from);
        var buffer = ArrayPool<byte>.Shared.Rent(expected);
        try
        {
            var read = await response.ContentStream!.ReadAtLeastAsync(buffer.AsMemory(0, expected), expected, throwOnEndOfStream: false, cancellation);
            Check(response, buffer.AsSpan(0, read), expected);
            return new(buffer, read, total, Header(response, "ETag")!, Header(response, "x-ms-blob-content-md5"));
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private static void Check(Response response, ReadOnlySpan<byte> content, int expected)
    {
        if (content.Length < expected)
        {
            throw new IOException($"{content.Length} of {expected} bytes came.");
        }

        if (Header(response, "Content-MD5") is { } sent && sent != Md5.Of(content))
        {
            throw new IOException("What came is not what the service sent, by its checksum.");
        }
    }

    /// <summary>Content-Range says <c>bytes 0-99/1234</c>.</summary>
    private static long TotalOf(Response response) =>
        Header(response, "Content-Range") is { } range && long.TryParse(range[(range.LastIndexOf('/') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var total)
            ? total
            : throw new IOException("The answer does not say which part of the object it is.");

    private static string? Header(Response response, string name) => response.Headers.TryGetValue(name, out var value) ? value : null;
}
