using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Workflow.Cloud.Aws;

/// <summary>A message as a queue hands it out.</summary>
/// <param name="Receipt">Says which handing-out is meant, when the message is deleted or kept out of sight.</param>
/// <param name="Receives">How often it has been handed out, about; this time included.</param>
public sealed record SqsMessage(string Id, string Receipt, string Body, int Receives);

/// <summary>Amazon SQS, over its JSON protocol. A queue is named by its URL, which also says the region.</summary>
public sealed partial class SqsClient(AwsEndpoints endpoints)
{
    /// <summary>What one call takes or gives.</summary>
    public const int BatchSize = 10;

    private static readonly AwsService Service = new("SQS", "sqs") { Api = "AmazonSQS", JsonVersion = "1.0" };

    private readonly AwsJsonClient _client = new(Service, endpoints);

    /// <summary>Takes messages; where there are none, waits for some.</summary>
    /// <param name="most">From 1 to <see cref="BatchSize"/>.</param>
    /// <param name="wait">Up to 20 seconds.</param>
    /// <param name="visibility">For how long nobody else is handed them.</param>
    /// <exception cref="AwsException">The queue could not be asked.</exception>
    public async Task<IReadOnlyList<SqsMessage>> ReceiveAsync(string queue, int most, TimeSpan wait, TimeSpan visibility, CancellationToken cancellation)
    {
        var answer = await CallAsync(
            "ReceiveMessage",
            queue,
            new()
            {
                ["MaxNumberOfMessages"] = most,
                ["WaitTimeSeconds"] = Seconds(wait),
                ["VisibilityTimeout"] = Seconds(visibility),
                ["MessageSystemAttributeNames"] = new JsonArray("ApproximateReceiveCount"),
            },
            cancellation);
        return [.. (answer["Messages"] as JsonArray ?? []).OfType<JsonObject>().Select(Message)];
    }

    /// <summary>Deletes up to <see cref="BatchSize"/> messages that were taken.</summary>
    /// <returns>Those that could not be deleted, and will be handed out again.</returns>
    /// <exception cref="AwsException">None was, as far as is known.</exception>
    public Task<IReadOnlyList<SqsMessage>> DeleteAsync(string queue, IReadOnlyList<SqsMessage> messages, CancellationToken cancellation) =>
        CallBatchAsync("DeleteMessageBatch", queue, messages, static _ => { }, cancellation);

    /// <summary>Keeps up to <see cref="BatchSize"/> messages that were taken out of others' sight from now on for that long, or shows them.</summary>
    /// <returns>Those for which it is too late.</returns>
    /// <exception cref="AwsException">The queue could not be asked.</exception>
    public Task<IReadOnlyList<SqsMessage>> ChangeVisibilityAsync(string queue, IReadOnlyList<SqsMessage> messages, TimeSpan visibility, CancellationToken cancellation) =>
        CallBatchAsync("ChangeMessageVisibilityBatch", queue, messages, entry => entry["VisibilityTimeout"] = Seconds(visibility), cancellation);

    /// <param name="attributes">By name; text, none of it empty.</param>
    /// <returns>The message's id.</returns>
    /// <exception cref="AwsException">It could not be sent.</exception>
    public async Task<string> SendAsync(string queue, string body, IReadOnlyDictionary<string, string> attributes, CancellationToken cancellation)
    {
        var given = new JsonObject();
        foreach (var (name, value) in attributes)
        {
            given[name] = new JsonObject { ["DataType"] = "String", ["StringValue"] = value };
        }

        var answer = await CallAsync("SendMessage", queue, new() { ["MessageBody"] = body, ["MessageAttributes"] = given }, cancellation);
        return Text(answer, "MessageId");
    }

    /// <summary>Whether a queue's URL and an ARN name the same queue. At an address that is not SQS's own the URL says no region, and account and name decide.</summary>
    public static bool IsSame(string queue, string arn) =>
        arn.Split(':') is ["arn", _, "sqs", var region, var account, var name]
        && Uri.TryCreate(queue, UriKind.Absolute, out var url) && url.AbsolutePath.Split('/') is [.., var urlAccount, var urlName]
        && (urlAccount, urlName) == (account, name) && (RegionOf(queue) ?? region) == region;

    private async Task<IReadOnlyList<SqsMessage>> CallBatchAsync(string operation, string queue, IReadOnlyList<SqsMessage> messages, Action<JsonObject> complete, CancellationToken cancellation)
    {
        var entries = new JsonArray();
        foreach (var (index, message) in messages.Index())
        {
            var entry = new JsonObject { ["Id"] = $"{index}", ["ReceiptHandle"] = message.Receipt };
            complete(entry);
            entries.Add(entry);
        }

        var answer = await CallAsync(operation, queue, new() { ["Entries"] = entries }, cancellation);
        return [.. (answer["Failed"] as JsonArray ?? []).OfType<JsonObject>().Select(failed => messages[int.Parse(Text(failed, "Id"), CultureInfo.InvariantCulture)])];
    }

    private Task<JsonObject> CallAsync(string operation, string queue, JsonObject input, CancellationToken cancellation)
    {
        input["QueueUrl"] = queue;
        return _client.CallAsync(operation, input, RegionOf(queue), cancellation);
    }

    private static SqsMessage Message(JsonObject message)
    {
        var receives = message["Attributes"]?["ApproximateReceiveCount"]?.ToString();
        return new(Text(message, "MessageId"), Text(message, "ReceiptHandle"), Text(message, "Body"), int.TryParse(receives, CultureInfo.InvariantCulture, out var count) ? count : 1);
    }

    private static string Text(JsonObject holder, string name) =>
        holder[name]?.ToString() ?? throw new AwsException(Service.Name, name, null, $"the answer has no {name}.", null);

    private static int Seconds(TimeSpan span) => (int)Math.Ceiling(span.TotalSeconds);

    private static string? RegionOf(string queue) => Uri.TryCreate(queue, UriKind.Absolute, out var url) && RegionalHost().Match(url.Host) is { Success: true } host ? host.Groups[1].Value : null;

    [GeneratedRegex(@"^sqs(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$")]
    private static partial Regex RegionalHost();
}
