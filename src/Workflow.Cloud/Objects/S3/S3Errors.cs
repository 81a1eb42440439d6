using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;
using Amazon.S3;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Objects.S3;

/// <summary>What came is not what the store has, or what it has is not what was sent.</summary>
internal sealed class S3CorruptedException(string message) : ObjectStoreException(message);

/// <summary>The object became another while it was read.</summary>
internal sealed class S3ReplacedException(ObjectAddress address, Exception inner)
    : ObjectStoreException($"{address} was replaced while it was read: read it again from the start.", inner);

/// <summary>The SDK's errors in our words: the address, what was tried, what the store said, and the next move.</summary>
internal static class S3Errors
{
    public static async Task<T> ExplainAsync<T>(ObjectAddress address, string done, Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (Exception failed) when (IsOfS3(failed) || failed is OutboundRefusedException)
        {
            throw Explain(address, done, failed);
        }
    }

    /// <summary>What comes of a file or a stream at this end stays what it is.</summary>
    private static bool IsOfS3(Exception failed) =>
        failed is IOException ? failed is HttpIOException or { InnerException: SocketException } : AwsFailures.IsOfTheWay(failed);

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
        OutboundRefusedException => new ObjectStoreException($"{address} cannot be {done}: {failed.Message}", failed),
        _ => new ObjectStoreException($"{address} cannot be {done}: {AwsFailures.Reason(failed)} Check AWS_REGION, AWS_ENDPOINT_URL, the credentials and the network.", failed),
    };
}
