using System.Text.Json;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>Events as each source writes them.</summary>
internal static class Envelopes
{
    public const string TestEvent = """{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2025-01-31T10:00:00.000Z","Bucket":"landing","RequestId":"0","HostId":"0"}""";

    private const string Account = "/subscriptions/0/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/landingacct";

    /// <param name="key">As it is; it is encoded here.</param>
    public static string S3(string bucket, string key, string etag = "d41d8cd98f00b204e9800998ecf8427e", string sequencer = "0055AED6DCD90281E5", string name = "ObjectCreated:Put", string? version = null) =>
        S3Encoded(bucket, Uri.EscapeDataString(key).Replace("%20", "+", StringComparison.Ordinal).Replace("%2F", "/", StringComparison.Ordinal), etag, sequencer, name, version);

    public static string S3Encoded(string bucket, string key, string etag = "d41d8cd98f00b204e9800998ecf8427e", string sequencer = "0055AED6DCD90281E5", string name = "ObjectCreated:Put", string? version = null, string source = "aws:s3") => JsonSerializer.Serialize(new
    {
        Records = new[]
        {
            new
            {
                eventVersion = "2.1", eventSource = source, awsRegion = "eu-central-1", eventTime = "2025-01-31T10:00:00.000Z", eventName = name,
                s3 = new { s3SchemaVersion = "1.0", bucket = new { name = bucket, arn = $"arn:aws:s3:::{bucket}" }, @object = new { key, size = 1024, eTag = etag, versionId = version, sequencer } },
            },
        },
    });

    public static string EventBridge(string bucket, string key, string etag = "d41d8cd98f00b204e9800998ecf8427e", string sequencer = "0055AED6DCD90281E5", string type = "Object Created", string source = "aws.s3") => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["version"] = "0", ["id"] = "17793124-05d4-b198-2fde-7ededc63b103", ["detail-type"] = type, ["source"] = source, ["account"] = "000000000000", ["time"] = "2025-01-31T10:00:00Z",
        ["region"] = "eu-central-1", ["resources"] = new[] { $"arn:aws:s3:::{bucket}" },
        ["detail"] = new { version = "0", bucket = new { name = bucket }, @object = new { key, size = 5, etag, sequencer }, reason = "PutObject" },
    });

    public static string Schedule(string rule, string time, object? detail = null) => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["version"] = "0", ["id"] = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", ["detail-type"] = "Scheduled Event", ["source"] = "aws.events", ["account"] = "000000000000", ["time"] = time,
        ["region"] = "eu-central-1", ["resources"] = new[] { $"arn:aws:events:eu-central-1:000000000000:rule/{rule}" }, ["detail"] = detail ?? new { },
    });

    public static string InSns(string message) => JsonSerializer.Serialize(new { Type = "Notification", MessageId = "1", TopicArn = "arn:aws:sns:eu-central-1:000000000000:landing", Subject = "Amazon S3 Notification", Message = message, Timestamp = "2025-01-31T10:00:00.000Z" });

    public static string InLambdaSqs(params string[] bodies) => JsonSerializer.Serialize(new
    {
        Records = bodies.Select((body, index) => new { messageId = $"m{index}", receiptHandle = "h", body, attributes = new { ApproximateReceiveCount = "1" }, eventSource = "aws:sqs", eventSourceARN = "arn:aws:sqs:eu-central-1:000000000000:landing" }),
    });

    public static string InLambdaSns(string message) => JsonSerializer.Serialize(new
    {
        Records = new[] { new { EventSource = "aws:sns", EventVersion = "1.0", Sns = new { Type = "Notification", MessageId = "1", TopicArn = "arn:aws:sns:eu-central-1:000000000000:landing", Message = message } } },
    });

    public static string EventGrid(string container, string blob, string type = "Microsoft.Storage.BlobCreated", string topic = Account, string api = "PutBlockList", string sequencer = "00000000000004420000000000028963") => JsonSerializer.Serialize(new[]
    {
        new { topic, subject = $"/blobServices/default/containers/{container}/blobs/{blob}", eventType = type, eventTime = "2025-01-31T10:00:00Z", id = "831e1650-001e-001b-66ab-eeb76e069631", data = Blob(api, sequencer), dataVersion = "", metadataVersion = "1" },
    });

    public static string CloudEvent(string container, string blob, string type = "Microsoft.Storage.BlobCreated", string sequencer = "00000000000004420000000000028963") => JsonSerializer.Serialize(new
    {
        source = Account, subject = $"/blobServices/default/containers/{container}/blobs/{blob}", type, time = "2025-01-31T10:00:00Z", id = "831e1650-001e-001b-66ab-eeb76e069631", data = Blob("PutBlob", sequencer), specversion = "1.0",
    });

    private static object Blob(string api, string sequencer) => new { api, eTag = "\"0x8D4BCC2E4835CD0\"", contentType = "text/csv", contentLength = 10, blobType = "BlockBlob", url = "https://landingacct.blob.core.windows.net/elsewhere/other.csv", sequencer };
}
