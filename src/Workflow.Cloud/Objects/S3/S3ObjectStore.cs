using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Amazon.S3;
using Amazon.S3.Model;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Objects.S3;

/// <summary>
/// Objects in Amazon S3 or a service that speaks its protocol: <c>s3://bucket/key</c>.
/// </summary>
/// <remarks>
/// Listing follows the service's order; S3's is that of the keys' UTF-8 bytes. Keys that end in a slash, which consoles make to
/// show folders, are not listed. Content is checked both ways: against the ETag that the store answers a write with, and against the ETag
/// or checksum it has of an object that is read. Of what others uploaded in parts, nobody says how large those were: that is checked where
/// the store keeps a checksum of the whole, as S3 does by itself.
/// </remarks>
public sealed class S3ObjectStore : IObjectStore
{
    // The SDK's own limit for S3 is 24 days. Enough for the largest part over a slow line, and for a copy within S3.
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMinutes(5);
    private const int Retries = 5;
    private const int Downloads = 3;

    private readonly TimeProvider _time;
    private readonly S3Requests _requests;

    public S3ObjectStore(IAmazonS3 client, TimeProvider time)
        : this(new Lazy<IAmazonS3>(client), time)
    {
    }

    private S3ObjectStore(Lazy<IAmazonS3> client, TimeProvider time)
    {
        _time = time;
        _requests = new(client, time);
    }

    /// <summary>What S3 copies in one request; beyond, in parts.</summary>
    internal long CopyLimit { get; init; } = 5L << 30;

    internal long CopyPartSize { get; init; } = 1L << 30;

    internal TimeSpan StallLimit
    {
        init => _requests.StallLimit = value;
    }

    public string Scheme => "s3";

    /// <summary>A store that makes its client (<see cref="CreateClient"/>) at the first use: a host without AWS settings can have it and not use it.</summary>
    /// <param name="guard">Has a look at where the settings lead.</param>
    /// <param name="identity">Asked then for credentials and region; null for those of the standard chain.</param>
    public static S3ObjectStore FromEnvironment(TimeProvider time, OutboundGuard guard, Func<AwsCredentials?>? identity = null) =>
        new(new Lazy<IAmazonS3>(() => CreateClient(guard, identity?.Invoke())), time);

    /// <summary>
    /// A client as the standard AWS settings describe it, in the environment or in the profile that <c>AWS_PROFILE</c> names: region,
    /// retries (<c>AWS_MAX_ATTEMPTS</c>), checksums (<c>AWS_REQUEST_CHECKSUM_CALCULATION</c> and <c>AWS_RESPONSE_CHECKSUM_VALIDATION</c>, to be
    /// <c>WHEN_REQUIRED</c> for a server that does not know them), and where to go instead of AWS (<c>AWS_ENDPOINT_URL_S3</c> or
    /// <c>AWS_ENDPOINT_URL</c>), where buckets are then addressed by path.
    /// </summary>
    /// <param name="guard">Has a look at where the settings lead.</param>
    /// <param name="identity">Whose credentials and region; null for those of the standard chain.</param>
    public static IAmazonS3 CreateClient(OutboundGuard guard, AwsCredentials? identity)
    {
        var config = new AmazonS3Config { Timeout = AnswerWithin, HttpClientFactory = new AwsHttpClients(guard) };
        // Only AWS itself resolves a host name per bucket. A settings object that was asked for this address no longer goes there: another is asked.
        config.ForcePathStyle = !string.IsNullOrEmpty(new AmazonS3Config().ServiceURL);
        if (FallbackInternalConfigurationFactory.MaxAttempts is null)
        {
            config.MaxErrorRetry = Retries;
        }

        if (config.ForcePathStyle)
        {
            config.AuthenticationRegion = identity?.Region?.SystemName ?? config.AuthenticationRegion;
        }
        else
        {
            config.RegionEndpoint = identity?.Region ?? config.RegionEndpoint;
        }

        return identity?.Credentials is { } credentials ? new AmazonS3Client(credentials, config) : new AmazonS3Client(config);
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(ObjectAddress prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = prefix.Bucket, Prefix = prefix.Key };
        do
        {
            var page = await S3Errors.ExplainAsync(prefix, "listed", () => _requests.SendAsync(client => client.ListObjectsV2Async(request, cancellation), cancellation));
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

    public Task<ObjectInfo?> FindAsync(ObjectAddress address, CancellationToken cancellation)
    {
        RequireKey(address);
        return S3Errors.ExplainAsync(address, "looked up", async () => await _requests.FindAsync(address, cancellation) is { } found
            ? new ObjectInfo(address, found.ContentLength, Unquote(found.ETag), Utc(found.LastModified))
            : null);
    }

    public Task<Stream> OpenReadAsync(ObjectAddress address, CancellationToken cancellation)
    {
        RequireKey(address);
        return S3Errors.ExplainAsync<Stream>(address, "read", async () => await S3ReadStream.OpenAsync(_requests, address, cancellation));
    }

    public Task DownloadAsync(ObjectAddress from, string toFile, CancellationToken cancellation)
    {
        RequireKey(from);
        return S3Errors.ExplainAsync(from, "read", async () =>
        {
            for (var attempt = 1; ; attempt++)
            {
                var source = S3Object.Of(from, await _requests.FindAsync(from, cancellation) ?? throw new ObjectNotFoundException(from));
                try
                {
                    await using var file = new FileStream(toFile, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None, BufferSize = 0, Options = FileOptions.Asynchronous, PreallocationSize = source.Size });
                    await new S3Download(_requests, source).CopyToAsync(file, cancellation);
                    return source;
                }
                catch (ObjectStoreException again) when (attempt < Downloads && again is S3CorruptedException or S3ReplacedException)
                {
                    await _requests.PauseAsync(attempt + 1, cancellation);
                }
            }
        });
    }

    public async Task<ObjectInfo> WriteAsync(ObjectAddress address, Stream content, WriteCondition condition, CancellationToken cancellation)
    {
        RequireKey(address);
        var sizes = content.CanSeek ? S3PartSizes.Of(content.Length - content.Position) : S3PartSizes.OfUnknownLength;
        using var first = await ObjectPart.ReadAsync(content, checked((int)sizes[1]), cancellation);
        var writing = new S3Writing(condition);
        var (size, etag) = await S3Errors.ExplainAsync(address, "written", async () => first.IsLast
            ? (first.Size, await PutAsync(address, first, writing, cancellation))
            : await new S3Upload(_requests, address, writing).SendAsync(first, sizes, content, cancellation));
        return new(address, size, Unquote(etag), _time.GetUtcNow());
    }

    public async Task<ObjectInfo> CopyAsync(ObjectAddress from, ObjectAddress to, CancellationToken cancellation)
    {
        RequireKey(to);
        var source = await FindAsync(from, cancellation) ?? throw new ObjectNotFoundException(from);
        var etag = await S3Errors.ExplainAsync(from, $"copied to {to}", () => CopyAsync(source, to, cancellation));
        return new(to, source.Size, Unquote(etag), _time.GetUtcNow());
    }

    public Task DeleteAsync(ObjectAddress address, CancellationToken cancellation)
    {
        var request = new DeleteObjectRequest { BucketName = address.Bucket, Key = RequireKey(address) };
        return S3Errors.ExplainAsync(address, "deleted", () => _requests.SendAsync(client => client.DeleteObjectAsync(request, cancellation), cancellation));
    }

    private async Task<string> PutAsync(ObjectAddress address, ObjectPart whole, S3Writing writing, CancellationToken cancellation)
    {
        string? stored = null;
        try
        {
            return await _requests.SendContentAsync(
                async client =>
                {
                    var request = new PutObjectRequest { BucketName = address.Bucket, Key = address.Key, InputStream = whole.AsStream() };
                    writing.ApplyTo(request, stored);
                    var answer = await client.PutObjectAsync(request, cancellation);
                    stored = answer.ETag;
                    S3Checksum.RequireStored(whole, stored, address, answer.ServerSideEncryptionMethod?.Value);
                    return stored;
                },
                cancellation);
        }
        catch (AmazonS3Exception refused) when (refused.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            // It may have been done, and the answer lost.
            if (await writing.FindOwnAsync(_requests, address, cancellation) is { } own)
            {
                return own;
            }

            throw;
        }
    }

    private async Task<string> CopyAsync(ObjectInfo source, ObjectAddress to, CancellationToken cancellation)
    {
        try
        {
            return source.Size <= CopyLimit
                ? await CopyWholeAsync(source, to, cancellation)
                : await new S3Upload(_requests, to, new(WriteCondition.Always)).CopyAsync(source, CopyPartSize, cancellation);
        }
        catch (AmazonS3Exception changed) when (changed.StatusCode == HttpStatusCode.PreconditionFailed)
        {
            throw new S3ReplacedException(source.Address, changed);
        }
    }

    private async Task<string> CopyWholeAsync(ObjectInfo source, ObjectAddress to, CancellationToken cancellation)
    {
        var request = new CopyObjectRequest
        {
            SourceBucket = source.Address.Bucket,
            SourceKey = source.Address.Key,
            ETagToMatch = source.ETag,
            DestinationBucket = to.Bucket,
            DestinationKey = to.Key,
        };
        return (await _requests.SendAsync(client => client.CopyObjectAsync(request, cancellation), cancellation)).ETag;
    }

    private static string RequireKey(ObjectAddress address) => address.Key switch
    {
        "" or [.., '/'] => throw new ObjectStoreException($"{address} is a prefix, not an object: an object's key does not end in a slash."),
        // The SDK drops that slash and would reach for another object.
        ['/', ..] => throw new ObjectStoreException($"{address} cannot be addressed: its key begins with a slash. Leave it out."),
        var key => key,
    };

    private static string Unquote(string etag) => etag.Trim('"');

    /// <summary>In whole seconds: a listing may have more, but the header of the object itself has not, and both mean the same.</summary>
    private static DateTimeOffset Utc(DateTime? time)
    {
        var utc = time?.ToUniversalTime() ?? default;
        return new(utc.Ticks - utc.Ticks % TimeSpan.TicksPerSecond, TimeSpan.Zero);
    }
}
