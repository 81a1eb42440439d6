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
public sealed class S3ObjectStore : IObjectStore
{
    /// <summary>Smaller objects go up in one request.</summary>
    internal const int PartSize = 8 << 20;

    private readonly Lazy<IAmazonS3> _client;
    private readonly TimeProvider _time;

    public S3ObjectStore(IAmazonS3 client, TimeProvider time)
        : this(new Lazy<IAmazonS3>(client), time)
    {
    }

    private S3ObjectStore(Lazy<IAmazonS3> client, TimeProvider time)
    {
        _client = client;
        _time = time;
    }

    /// <summary>What S3 copies in one request; beyond, in parts.</summary>
    internal long CopyLimit { get; init; } = 5L << 30;

    internal long CopyPartSize { get; init; } = 1L << 30;

    public string Scheme => "s3";

    /// <summary>A store that makes its client (<see cref="CreateClient"/>) at the first use: a host without AWS settings can have it and not use it.</summary>
    public static S3ObjectStore FromEnvironment(TimeProvider time) => new(new Lazy<IAmazonS3>(CreateClient), time);

    /// <summary>
    /// A client as the standard AWS settings describe it: credentials, region, retries, and where to go instead of AWS
    /// (<c>AWS_ENDPOINT_URL_S3</c> or <c>AWS_ENDPOINT_URL</c>, where buckets are then addressed by path).
    /// </summary>
    public static IAmazonS3 CreateClient()
    {
        var elsewhere = Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_S3") ?? Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL");
        // Only AWS itself resolves a host name per bucket.
        return new AmazonS3Client(new AmazonS3Config { ForcePathStyle = !string.IsNullOrEmpty(elsewhere) });
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = prefix.Bucket, Prefix = prefix.Key };
        do
        {
            var page = await TryAsync(prefix, "listed", () => _client.Value.ListObjectsV2Async(request, cancellation));
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
            var found = await _client.Value.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = address.Bucket, Key = RequireKey(address) }, cancellation);
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
        return TryAsync<Stream>(address, "read", async () => await S3ReadStream.OpenAsync(_client.Value, address, _time, cancellation));
    }

    public async Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation)
    {
        RequireKey(address);
        using var first = await S3Part.ReadAsync(content, PartSize, cancellation);
        var (size, etag) = await TryAsync(address, "written", async () => first.IsLast
            ? (first.Size, await PutAsync(address, first, condition, cancellation))
            : await new S3Upload(_client.Value, address, condition).SendAsync(first, content, cancellation));
        return new(address, size, Unquote(etag), _time.GetUtcNow());
    }

    public async Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation)
    {
        RequireKey(to);
        var source = await FindAsync(from, cancellation) ?? throw new ObjectNotFoundException(from);
        var etag = await TryAsync(from, $"copied to {to}", () => source.Size <= CopyLimit
            ? CopyWholeAsync(source, to, cancellation)
            : new S3Upload(_client.Value, to, WriteCondition.Always).CopyAsync(source, CopyPartSize, cancellation));
        return new(to, source.Size, Unquote(etag), _time.GetUtcNow());
    }

    public Task DeleteAsync(ObjectAddress address, CancellationToken cancellation) => TryAsync(
        address, "deleted", () => _client.Value.DeleteObjectAsync(new DeleteObjectRequest { BucketName = address.Bucket, Key = RequireKey(address) }, cancellation));

    private async Task<string> PutAsync(ObjectAddress address, S3Part whole, WriteCondition condition, CancellationToken cancellation)
    {
        var request = new PutObjectRequest
        {
            BucketName = address.Bucket,
            Key = address.Key,
            InputStream = whole.AsStream(),
            IfNoneMatch = condition == WriteCondition.IfAbsent ? "*" : null,
        };
        return (await _client.Value.PutObjectAsync(request, cancellation)).ETag;
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
        return (await _client.Value.CopyObjectAsync(request, cancellation)).ETag;
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
        _ => new ObjectStoreException($"{address} cannot be {done}: {failed.Message} Check AWS_REGION, AWS_ENDPOINT_URL, the credentials and the network.", failed),
    };

    private static string RequireKey(ObjectAddress address) => address.Key switch
    {
        "" or [.., '/'] => throw new ObjectStoreException($"{address} is a prefix, not an object: an object's key does not end in a slash."),
        // The SDK drops that slash and would reach for another object.
        ['/', ..] => throw new ObjectStoreException($"{address} cannot be addressed: its key begins with a slash. Leave it out."),
        var key => key,
    };

    private static string Unquote(string etag) => etag.Trim('"');

    private static DateTimeOffset Utc(DateTime? time) => new(DateTime.SpecifyKind(time?.ToUniversalTime() ?? default, DateTimeKind.Utc));
}
