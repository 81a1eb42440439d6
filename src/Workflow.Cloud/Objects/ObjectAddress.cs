using System.Diagnostics.CodeAnalysis;

namespace Workflow.Cloud.Objects;

/// <summary>
/// Where an object is: <c>scheme://bucket/key</c>. The key is taken as it stands: no escapes, any characters but NUL.
/// A key that ends in <c>/</c>, or is empty, is a prefix.
/// </summary>
public sealed record ObjectAddress(string Scheme, string Bucket, string Key)
{
    public static ObjectAddress Parse(string address) =>
        TryParse(address, out var parsed)
            ? parsed
            : throw new FormatException($"'{address}' is not an object address. Write scheme://bucket/key, for example local://landing/csv/orders.csv.");

    public static bool TryParse(string? address, [NotNullWhen(true)] out ObjectAddress? parsed)
    {
        parsed = null;
        if (address is null || address.Contains('\0'))
        {
            return false;
        }

        var scheme = address.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0)
        {
            return false;
        }

        var rest = address[(scheme + 3)..];
        var slash = rest.IndexOf('/');
        var bucket = slash < 0 ? rest : rest[..slash];
        if (bucket.Length == 0)
        {
            return false;
        }

        parsed = new(address[..scheme], bucket, slash < 0 ? "" : rest[(slash + 1)..]);
        return true;
    }

    /// <summary>The part of the key after the last <c>/</c>.</summary>
    public string Name => Key[(Key.LastIndexOf('/') + 1)..];

    public ObjectAddress WithKey(string key) => this with { Key = key };

    public override string ToString() => $"{Scheme}://{Bucket}/{Key}";
}

/// <summary>One object as its store describes it.</summary>
/// <param name="Size">In bytes.</param>
/// <param name="ETag">Changes whenever the content does; opaque, without quotes.</param>
public sealed record ObjectInfo(ObjectAddress Address, long Size, string ETag, DateTimeOffset LastModified);
