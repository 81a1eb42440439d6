using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;

namespace Workflow.Cloud.Objects.S3;

/// <summary>What a store says that an object's bytes add up to.</summary>
/// <param name="Parts">0 where it is the sum of all bytes; otherwise it is the sum of the sums of so many parts.</param>
internal sealed record S3Checksum(S3Algorithm Algorithm, byte[] Value, int Parts)
{
    /// <summary>As in the headers <c>x-amz-checksum-…</c>: base64, with <c>-3</c> at the end for one of three parts.</summary>
    public static S3Checksum? Parse(S3Algorithm algorithm, string? text)
    {
        var (sum, parts) = Split(text);
        var value = new byte[64];
        return sum.Length > 0 && Convert.TryFromBase64String(sum, value, out var length) ? new(algorithm, value[..length], parts) : null;
    }

    /// <summary>An ETag is the MD5 of the content, except where the store encrypts with a key of KMS, and in directory buckets.</summary>
    public static S3Checksum? OfETag(string? etag, string bucket, string? encryption)
    {
        var (sum, parts) = Split(etag?.Trim('"'));
        return sum.Length == 32 && sum.All(char.IsAsciiHexDigit) && encryption?.StartsWith("aws:kms", StringComparison.Ordinal) != true && !bucket.EndsWith("--x-s3", StringComparison.Ordinal)
            ? new(S3Algorithm.MD5, Convert.FromHexString(sum), parts)
            : null;
    }

    /// <exception cref="S3CorruptedException">The store says that it keeps something else than the part that was sent.</exception>
    [SuppressMessage("Security", "CA5351", Justification = "An ETag is an MD5; against accidents, not against forgery.")]
    public static void RequireStored(ObjectPart part, string? etag, ObjectAddress address, string? encryption)
    {
        if (OfETag(etag, address.Bucket, encryption) is { } stored && !stored.Value.AsSpan().SequenceEqual(MD5.HashData(part.Bytes.Span)))
        {
            throw new S3CorruptedException($"{address} did not arrive as it was sent: the store has {etag} for {part.Size} bytes that are {Convert.ToHexStringLower(MD5.HashData(part.Bytes.Span))}.");
        }
    }

    private static (string Sum, int Parts) Split(string? text) =>
        text?.Split('-') is [var sum, var parts] && int.TryParse(parts, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? (sum, count) : (text ?? "", 0);
}

/// <summary>Adds up an object's bytes, from the first to the last, as the store did.</summary>
internal sealed class S3Digest : IDisposable
{
    private readonly S3Checksum _expected;
    private readonly S3PartSizes? _parts;
    private readonly S3Hash _hash;
    private readonly S3Hash _ofParts;
    private int _number = 1;
    private long _left;

    private S3Digest(S3Checksum expected, S3PartSizes? parts)
    {
        _expected = expected;
        _parts = parts;
        _hash = S3Hash.Create(expected.Algorithm);
        _ofParts = S3Hash.Create(expected.Algorithm);
        _left = SizeOf(1);
    }

    /// <returns>Null where the store says nothing of the object that can be computed.</returns>
    public static S3Digest? Of(S3Object content) => content.Checksum is { } expected ? new(expected, content.Parts) : null;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var now = bytes[..(int)Math.Min(bytes.Length, _left)];
            _hash.Append(now);
            _left -= now.Length;
            bytes = bytes[now.Length..];
            if (_left == 0)
            {
                EndPart();
            }
        }
    }

    /// <summary>Once all bytes are in.</summary>
    public bool Matches()
    {
        if (_expected.Parts == 0)
        {
            return _hash.Finish().AsSpan().SequenceEqual(_expected.Value);
        }

        if (_left < SizeOf(_number))
        {
            EndPart();
        }

        return _ofParts.Finish().AsSpan().SequenceEqual(_expected.Value);
    }

    public void Dispose()
    {
        _hash.Dispose();
        _ofParts.Dispose();
    }

    private long SizeOf(int number) => _expected.Parts == 0 ? long.MaxValue : _parts![number];

    private void EndPart()
    {
        _ofParts.Append(_hash.Finish());
        _left = SizeOf(++_number);
    }
}
