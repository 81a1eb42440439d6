using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Workflow.Cloud.Objects;

/// <summary>
/// Objects in Amazon S3 or a service that speaks its protocol: <c>s3://bucket/key</c>.
/// </summary>
/// <remarks>
/// Listing follows the service's order; S3's is that of the keys' UTF-8 bytes. Keys that end in a slash, which consoles make to
/// show folders, are not listed. A conditional write whose answer is lost and which is then repeated finds its own object.
/// </remarks>
public sealed class S3ObjectStore(IAmazonS3 client, TimeProvider time) : IObjectStore
{
    /// <summary>Smaller objects go up in one request.</summary>
    internal const int PartSize = 8 << 20;

    /// <summary>What S3 copies in one request; beyond, in parts.</summary>
    internal long CopyLimit { get; init; } = 5L << 30;

    internal long CopyPartSize { get; init; } = 1L << 30;

    public string Scheme => "s3";

    /// <summary>
    /// A client as the standard AWS settings describe it: credentials, region, retries, and where to go instead of AWS
    /// (<c>AWS_ENDPOINT_URL_S3</c> or <c>AWS_ENDPOINT_URL</c>, where buckets are then addressed by path).
    /// </summary>
    public static IAmazonS3 CreateClient()
    {
        var configured = new AmazonS3Config();
        // Only AWS itself resolves a host name per bucket.
        configured.ForcePathStyle = EndpointIsOverridden;
        return new AmazonS3Client(configured);
    }

    private static bool EndpointIsOverridden =>
        Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_S3") is { Length: > 0 } || Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL") is { Length: > 0 };

    public async IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = prefix.Bucket, Prefix = prefix.Key };
        do
        {
            var page = await TryAsync(prefix, "listed", () => client.ListObjectsV2Async(request, cancellation));
            foreach (var found in page.S3Objects ?? [])
            {
                if (!found.Key.EndsWith('/'))
                {
                    yield return new(prefix.WithKey(found.Key), found.Size ?? 0, Unquote(found.ETag), Utc(found.LastModified));
                }
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation) => TryAsync(address, "looked up", async () =>
    {
        try
        {
            var found = await client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = address.Bucket, Key = RequireKey(address) }, cancellation);
            return new ObjectInfo(address, found.ContentLength, Unquote(found.ETag), Utc(found.LastModified));
        }
        catch (AmazonS3Exception absent) when (absent.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    });

    public Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation)
    {
        RequireKey(address);
        return TryAsync<Stream>(address, "read", async () => await S3ReadStream.OpenAsync(client, address, time, cancellation));
    }

    public async Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation)
    {
        RequireKey(address);
        using var first = await S3Part.ReadAsync(content, PartSize, cancellation);
        var (size, etag) = await TryAsync(address, "written", async () => first.IsLast
            ? (first.Size, await PutAsync(address, first, condition, cancellation))
            : await new S3Upload(client, address, condition).SendAsync(first, content, cancellation));
        return new(address, size, Unquote(etag), time.GetUtcNow());
    }

    public async Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation)
    {
        RequireKey(to);
        var source = await FindAsync(from, cancellation) ?? throw new ObjectNotFoundException(from);
        var etag = await TryAsync(from, $"copied to {to}", () => source.Size <= CopyLimit
            ? CopyWholeAsync(source, to, cancellation)
            : new S3Upload(client, to, WriteCondition.Always).CopyAsync(source, CopyPartSize, cancellation));
        return new(to, source.Size, Unquote(etag), time.GetUtcNow());
    }

    public Task DeleteAsync(ObjectAddress address, CancellationToken cancellation) => TryAsync(
        address, "deleted", () => client.DeleteObjectAsync(new DeleteObjectRequest { BucketName = address.Bucket, Key = RequireKey(address) }, cancellation));

    private async Task<string> PutAsync(ObjectAddress address, S3Part whole, WriteCondition condition, CancellationToken cancellation)
    {
        var request = new PutObjectRequest
        {
            BucketName = address.Bucket,
            Key = address.Key,
            InputStream = whole.AsStream(),
            IfNoneMatch = condition == WriteCondition.IfAbsent ? "*" : null,
        };
        return (await client.PutObjectAsync(request, cancellation)).ETag;
    }

    private async Task<string> CopyWholeAsync(ObjectInfo source, ObjectAddress to, CancellationToken cancellation)
    {
        var request = new CopyObjectRequest
        {
            SourceBucket = source.Address.Bucket,
            SourceKey = source.Address.Key,
            DestinationBucket = to.Bucket,
            DestinationKey = to.Key,
        };
        return (await client.CopyObjectAsync(request, cancellation)).ETag;
    }

    private static async Task<T> TryAsync<T>(ObjectAddress address, string done, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception failed) when (failed is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw Explain(address, done, failed);
        }
    }

    private static ObjectStoreException Explain(ObjectAddress address, string done, Exception failed) => failed switch
    {
        AmazonS3Exception { ErrorCode: "NoSuchKey" } => new ObjectNotFoundException(address, failed),
        AmazonS3Exception { ErrorCode: "NoSuchBucket" } => new ObjectStoreException($"{address} cannot be {done}: there is no bucket '{address.Bucket}'.", failed),
        AmazonS3Exception { StatusCode: HttpStatusCode.PreconditionFailed } => new ObjectExistsException(address, failed),
        AmazonS3Exception { ErrorCode: "ConditionalRequestConflict" } => new ObjectStoreException($"{address} cannot be {done}: somebody else is writing it at this moment. Try again.", failed),
        AmazonS3Exception { StatusCode: HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized } refused => new ObjectStoreException(
            $"{address} cannot be {done}: {refused.ErrorCode}, {refused.Message} Check that the credentials in use are allowed to.", failed),
        AmazonServiceException { StatusCode: not 0 } refused => new ObjectStoreException(
            $"{address} cannot be {done}: {refused.ErrorCode}, {refused.Message} (HTTP {(int)refused.StatusCode})", failed),
        _ => new ObjectStoreException($"{address} cannot be {done}: {failed.Message} Check the network, AWS_ENDPOINT_URL, the region and the credentials.", failed),
    };

    /// <summary>A path in a URL loses its dot segments on the way, so such a key would name another object.</summary>
    private static string RequireKey(ObjectAddress address) =>
        address.Key.Length == 0 || address.Key.EndsWith('/')
            ? throw new ObjectStoreException($"{address} is a prefix, not an object: an object's key does not end in a slash.")
            : address.Key.Split('/').Any(segment => segment is "." or "..")
                ? throw new ObjectStoreException($"{address} cannot be addressed: leave '.' and '..' out of the key.")
                : address.Key;

    private static string Unquote(string etag) => etag.Trim('"');

    private static DateTimeOffset Utc(DateTime? time) => new(DateTime.SpecifyKind(time?.ToUniversalTime() ?? default, DateTimeKind.Utc));
}
