using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Workflow.Cloud.Objects.S3;

/// <summary>
/// Requests to S3, made again where another try can help and the SDK makes none: it repeats what broke and what the service answers
/// with 5xx, not what arrived changed or came at the wrong moment.
/// </summary>
internal sealed class S3Requests(Lazy<IAmazonS3> client, TimeProvider time)
{
    public const int Attempts = 5;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);

    // The last one is a 400 without a word: radosgw refuses an upload without reading it, and takes its bytes for the connection's next request.
    private static readonly string[] MayPass =
    [
        "BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody", "ConditionalRequestConflict", "OperationAborted", "BadRequest",
    ];

    /// <summary>How long a read may bring nothing before its connection is given up.</summary>
    public TimeSpan StallLimit { get; set; } = TimeSpan.FromMinutes(1);

    public TimeProvider Time => time;

    /// <summary>Whether the SDK sends checksums by itself, and the service is to keep them.</summary>
    public bool SendsChecksums => client.Value.Config.RequestChecksumCalculation == RequestChecksumCalculation.WHEN_SUPPORTED;

    public Task<T> SendAsync<T>(Func<IAmazonS3, Task<T>> request, CancellationToken cancellation) => SendAsync(request, IsPassing, cancellation);

    /// <summary>For a request with content, where a signature that does not match may be a byte that changed on the way.</summary>
    public Task<T> SendContentAsync<T>(Func<IAmazonS3, Task<T>> request, CancellationToken cancellation) =>
        SendAsync(request, failed => IsPassing(failed) || failed is AmazonServiceException { ErrorCode: "SignatureDoesNotMatch" } or S3CorruptedException, cancellation);

    public async Task<GetObjectMetadataResponse> HeadAsync(ObjectAddress address, CancellationToken cancellation)
    {
        var request = new GetObjectMetadataRequest { BucketName = address.Bucket, Key = address.Key, ChecksumMode = ChecksumMode.ENABLED };
        var found = await SendAsync(client => client.GetObjectMetadataAsync(request, cancellation), cancellation);
        return found.ETag is not null ? found : throw new ObjectStoreException($"{address} has no ETag where it was looked up, so no S3 is there. Check AWS_ENDPOINT_URL.");
    }

    /// <returns>Null where there is no object.</returns>
    public async Task<GetObjectMetadataResponse?> FindAsync(ObjectAddress address, CancellationToken cancellation)
    {
        try
        {
            return await HeadAsync(address, cancellation);
        }
        catch (AmazonS3Exception absent) when (absent.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Before the attempt of that number, from the second on.</summary>
    public Task PauseAsync(int attempt, CancellationToken cancellation) => Task.Delay(FirstPause * (1 << (attempt - 2)), time, cancellation);

    private async Task<T> SendAsync<T>(Func<IAmazonS3, Task<T>> request, Func<Exception, bool> isPassing, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await request(client.Value);
            }
            catch (Exception failed) when (attempt < Attempts && isPassing(failed))
            {
                await PauseAsync(attempt + 1, cancellation);
            }
        }
    }

    private static bool IsPassing(Exception failed) =>
        failed is AmazonServiceException { StatusCode: HttpStatusCode.TooManyRequests } || (failed is AmazonServiceException answered && MayPass.Contains(answered.ErrorCode));
}
