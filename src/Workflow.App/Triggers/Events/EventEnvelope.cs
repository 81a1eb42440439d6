using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers.Events;

/// <summary>
/// Takes events out of what they travel in: notifications of S3 as they are, in messages of SNS and SQS, events of EventBridge, and
/// those of Event Grid in its own schema and as CloudEvents; one in another, singly or many together.
/// </summary>
internal static partial class EventEnvelope
{
    // S3 in SNS in SQS in an invocation of Lambda are four; nobody sends more.
    private const int Deepest = 6;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static IEnumerable<ToldEvent> Open(JsonElement body) => Open(body, 0);

    /// <summary>A key as notifications of S3 write it: form-encoded UTF-8 (Ceph writes it as it is). Null where it is not.</summary>
    public static string? DecodeKey(string encoded)
    {
        if (StrayPercent().IsMatch(encoded))
        {
            return null;
        }

        try
        {
            var bytes = StrictUtf8.GetBytes(encoded);
            return StrictUtf8.GetString(WebUtility.UrlDecodeToBytes(bytes, 0, bytes.Length));
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static IEnumerable<ToldEvent> Open(JsonElement body, int depth) => body.ValueKind switch
    {
        _ when depth > Deepest => [new ToldEvent.Malformed($"there are more than {Deepest} envelopes in one another")],
        JsonValueKind.Array => body.EnumerateArray().SelectMany(item => Open(item, depth + 1)),
        JsonValueKind.Object when Property(body, "Records") is { ValueKind: JsonValueKind.Array } records => records.EnumerateArray().SelectMany(record => OpenRecord(record, depth)),
        JsonValueKind.Object when Text(body, "TopicArn") is not null => OpenSns(body, depth),
        JsonValueKind.Object when Text(body, "Event") == "s3:TestEvent" => [new ToldEvent.Ignored(IgnoredBecause.Test)],
        JsonValueKind.Object when Text(body, "detail-type") is { } type && Text(body, "source") is { } source => [OpenEventBridge(body, source, type)],
        JsonValueKind.Object when Text(body, "specversion") is not null && Text(body, "type") is { } type => [OpenEventGrid(body, type, Text(body, "source"))],
        JsonValueKind.Object when Text(body, "eventType") is { } type && Property(body, "data") is not null => [OpenEventGrid(body, type, Text(body, "topic"))],
        _ => [new ToldEvent.Malformed("it is no notification of S3, no message of SNS, and no event of EventBridge or Event Grid")],
    };

    private static IEnumerable<ToldEvent> OpenText(string? text, int depth)
    {
        try
        {
            using var document = JsonDocument.Parse(text ?? "");
            return [.. Open(document.RootElement, depth + 1)];
        }
        catch (JsonException)
        {
            return [new ToldEvent.Malformed("what is in the envelope is not JSON")];
        }
    }

    /// <summary>What AWS sends many at once: of S3, and of SQS and SNS to Lambda.</summary>
    private static IEnumerable<ToldEvent> OpenRecord(JsonElement record, int depth) => (Text(record, "eventSource") ?? Text(record, "EventSource")) switch
    {
        "aws:sqs" => OpenText(Text(record, "body"), depth),
        "aws:sns" when Property(record, "Sns") is { } message => OpenSns(message, depth),
        _ when Property(record, "s3") is { } s3 => [OpenS3(record, s3)],
        { } => [new ToldEvent.Ignored(IgnoredBecause.Foreign)],
        null => [new ToldEvent.Malformed("a record names no source")],
    };

    private static IEnumerable<ToldEvent> OpenSns(JsonElement message, int depth) =>
        Text(message, "Type") is null or "Notification" ? OpenText(Text(message, "Message"), depth) : [new ToldEvent.Ignored(IgnoredBecause.Test)];

    private static ToldEvent OpenS3(JsonElement record, JsonElement s3)
    {
        // Ceph and MinIO write s3:ObjectCreated:Put, S3 leaves the first word out.
        var name = Text(record, "eventName") ?? "";
        name = name.StartsWith("s3:", StringComparison.Ordinal) ? name[3..] : name;
        if (!name.StartsWith("ObjectCreated:", StringComparison.Ordinal))
        {
            return name.Length == 0 ? new ToldEvent.Malformed("a record of S3 has no eventName") : new ToldEvent.Ignored(name == "TestEvent" ? IgnoredBecause.Test : IgnoredBecause.NotCreation);
        }

        var isCeph = Text(record, "eventSource") == "ceph:s3";
        if (Property(s3, "object") is not { } written || Text(written, "key") is not { } key || (isCeph ? key : DecodeKey(key)) is not { } decoded)
        {
            return new ToldEvent.Malformed("a record of S3 has no key that is URL-encoded UTF-8");
        }

        var sequencer = Text(written, "sequencer");
        return Created("s3", Bucket(s3), decoded, null, Text(written, "eTag"), Text(written, "versionId"), isCeph ? InOrder(sequencer) : sequencer);
    }

    /// <summary>Ceph's sequencer is a time, its seconds and then its nanoseconds, each with the lowest byte first: as text it is in no order.</summary>
    private static string? InOrder(string? sequencer)
    {
        var bytes = new byte[2 * sizeof(uint)];
        if (sequencer?.Length != 2 * bytes.Length || Convert.FromHexString(sequencer, bytes, out _, out _) != OperationStatus.Done)
        {
            return sequencer;
        }

        Array.Reverse(bytes, 0, sizeof(uint));
        Array.Reverse(bytes, sizeof(uint), sizeof(uint));
        return Convert.ToHexString(bytes);
    }

    private static ToldEvent OpenEventBridge(JsonElement body, string source, string type)
    {
        var detail = Property(body, "detail") ?? default;
        return (source, type) switch
        {
            // Here the key stands as it is.
            ("aws.s3", "Object Created") when Property(detail, "object") is { } written =>
                Created("s3", Bucket(detail), Text(written, "key"), null, Text(written, "etag"), Text(written, "version-id"), Text(written, "sequencer")),
            ("aws.s3", "Object Created") => new ToldEvent.Malformed("an event of EventBridge names no object"),
            ("aws.s3", _) => new ToldEvent.Ignored(IgnoredBecause.NotCreation),
            ("aws.events" or "aws.scheduler", "Scheduled Event") => OpenSchedule(body, detail),
            _ => new ToldEvent.Ignored(IgnoredBecause.Foreign),
        };
    }

    private static ToldEvent OpenSchedule(JsonElement body, JsonElement detail)
    {
        var rule = Property(body, "resources") is { ValueKind: JsonValueKind.Array } resources ? resources.EnumerateArray().Select(resource => resource.ToString()).FirstOrDefault() : null;
        return (Text(detail, "pipeline") ?? rule?.Split('/')[^1]) is { Length: > 0 } pipeline && Text(body, "time") is { } time
            ? new ToldEvent.Scheduled(pipeline, $"{rule}\n{time}")
            : new ToldEvent.Malformed("a scheduled event names neither a pipeline in its detail nor a rule, or has no time");
    }

    private static ToldEvent OpenEventGrid(JsonElement body, string type, string? source)
    {
        var data = Property(body, "data") ?? default;
        if (type != "Microsoft.Storage.BlobCreated")
        {
            return new ToldEvent.Ignored(type switch
            {
                "Microsoft.EventGrid.SubscriptionValidationEvent" => IgnoredBecause.Test,
                _ when type.StartsWith("Microsoft.Storage.", StringComparison.Ordinal) => IgnoredBecause.NotCreation,
                _ => IgnoredBecause.Foreign,
            });
        }

        // A data lake says that a file is there before anything is in it; that it has been closed is another event.
        if (Text(data, "api") is "CreateFile" or "SftpCreate")
        {
            return new ToldEvent.Ignored(IgnoredBecause.NotCreation);
        }

        return BlobSubject().Match(Text(body, "subject") ?? "") is { Success: true } subject
            ? Created("az", subject.Groups["container"].Value, subject.Groups["blob"].Value, source, Text(data, "eTag"), null, Text(data, "sequencer"))
            : new ToldEvent.Malformed("an event of Event Grid has no subject that names a container and a blob");
    }

    private static ToldEvent Created(string scheme, string? bucket, string? key, string? source, string? tag, string? version, string? sequencer) =>
        string.IsNullOrEmpty(bucket) || string.IsNullOrEmpty(key) || !ObjectAddress.TryParse($"{scheme}://{bucket}/{key}", out var address) || address.Bucket != bucket
            ? new ToldEvent.Malformed("an event names no bucket, or no key that an object can have")
            : new ToldEvent.Created(address, source, Given(tag?.Trim('"')), Given(version == "null" ? null : version), Given(sequencer));

    private static string? Bucket(JsonElement holder) => Property(holder, "bucket") is { } bucket ? Text(bucket, "name") : null;

    private static string? Given(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static JsonElement? Property(JsonElement holder, string name) =>
        holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty(name, out var found) && found.ValueKind != JsonValueKind.Null ? found : null;

    private static string? Text(JsonElement holder, string name) => Property(holder, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    [GeneratedRegex("%(?![0-9A-Fa-f]{2})")]
    private static partial Regex StrayPercent();

    [GeneratedRegex("^/blobServices/default/containers/(?<container>[^/]+)/blobs/(?<blob>.+)$", RegexOptions.Singleline)]
    private static partial Regex BlobSubject();
}
