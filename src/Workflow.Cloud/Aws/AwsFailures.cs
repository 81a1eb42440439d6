using System.Net;
using System.Xml;
using Amazon.Runtime;

namespace Workflow.Cloud.Aws;

/// <summary>What the SDK throws, told apart.</summary>
internal static class AwsFailures
{
    private static readonly string[] Passing =
    [
        "ConcurrentModificationException", "ConcurrentRunsExceededException", "OperationTimeoutException", "ResourceNotReadyException",
        "ExpiredTokenException", "ExpiredToken", "RequestExpired", "RequestTimeTooSkewed", "IDPCommunicationError",
    ];

    /// <summary>The service answered, and its answer came whole.</summary>
    public static bool IsAnswer(AmazonServiceException failed) => failed.StatusCode != 0 && failed is not AmazonUnmarshallingException;

    /// <summary>No answer came, not the whole of it, or somebody else's.</summary>
    public static bool IsOfTheWay(Exception failed) =>
        failed is AmazonClientException or AmazonServiceException or HttpRequestException or IOException or TimeoutException or XmlException;

    /// <summary>Why there is no answer: of a time that ran out, the SDK says no more than that something was canceled.</summary>
    public static string Reason(Exception failed) => failed is TimeoutException or OperationCanceledException ? "There was no answer in time." : failed.Message;

    /// <summary>The same call may be answered otherwise another time.</summary>
    public static bool MayPass(AmazonServiceException answered) =>
        answered.Retryable is not null
        || (int)answered.StatusCode >= 500
        || answered.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout
        || Passing.Contains(answered.ErrorCode)
        || answered.ErrorCode?.Contains("Throttl", StringComparison.OrdinalIgnoreCase) == true;
}
