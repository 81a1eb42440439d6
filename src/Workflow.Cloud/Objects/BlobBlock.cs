using System.Buffers;
using System.Security.Cryptography;
using Azure.Core;

namespace Workflow.Cloud.Objects;

/// <summary>A piece of an object in memory, so that it can be sent again.</summary>
internal sealed class BlobBlock : IDisposable
{
    private byte[]? _buffer;

    private BlobBlock(byte[] buffer, int size, bool isLast)
    {
        _buffer = buffer;
        Size = size;
        IsLast = isLast;
    }

    public int Size { get; }

    /// <summary>The content ended with it; a full one counts as not the last, and the one after it may be empty.</summary>
    public bool IsLast { get; }

    public ReadOnlyMemory<byte> Content => _buffer.AsMemory(0, Size);

    public static async Task<BlobBlock> ReadAsync(Stream content, int size, CancellationToken cancellation)
    {
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

    /// <summary>Puts it into a request, with the checksum by which the service refuses a body that was damaged on its way.</summary>
    public void PutInto(Request request)
    {
        request.Content = RequestContent.Create(Content);
        request.Headers.SetValue("Content-MD5", Md5.Of(Content.Span));
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>The checksum that the service checks and keeps, as it writes it.</summary>
internal static class Md5
{
#pragma warning disable CA5351 // against damage, not against forgery; it is the one the service knows everywhere
    public static string Of(ReadOnlySpan<byte> content) => Convert.ToBase64String(MD5.HashData(content));

    public static IncrementalHash Begin() => IncrementalHash.CreateHash(HashAlgorithmName.MD5);
#pragma warning restore CA5351

    public static string End(IncrementalHash hash) => Convert.ToBase64String(hash.GetHashAndReset());
}
