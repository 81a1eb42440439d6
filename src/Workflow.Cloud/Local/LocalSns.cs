using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

/// <summary>A message that a topic of the stand-in has received.</summary>
public sealed record LocalSnsMessage(
    DateTimeOffset Time, string MessageId, string Topic, string? Subject, string Text, IReadOnlyDictionary<string, string> Attributes, string? DeduplicationId);

/// <summary>
/// A stand-in for Amazon SNS: topics that receive. As at AWS, a topic that nobody has made is not there, and only a FIFO topic
/// leaves out what comes again. What was received is at <c>/local/aws/sns/messages</c>.
/// </summary>
public sealed class LocalSns(string dataFolder, IReadOnlySet<string> topics, TimeProvider time) : ILocalAwsService
{
    private const int LongestSubject = 100;
    private const int LargestText = 256 << 10;
    private const int KeptMessages = 1_000;
    private const string FifoEnding = ".fifo";

    private readonly LocalAwsState<State> _state = new(dataFolder, "sns", time);

    public string SigningName => "sns";

    public string? TargetPrefix => null;

    /// <summary>The ARN of a topic of the stand-in.</summary>
    public static string TopicArn(string name) => $"arn:aws:sns:{LocalAws.Region}:{LocalAws.Account}:{name}";

    /// <summary>What was received, oldest first.</summary>
    public Task<IReadOnlyList<LocalSnsMessage>> ReadAsync(CancellationToken cancellation) =>
        _state.ReadAsync(IReadOnlyList<LocalSnsMessage> (state) => state.Messages, cancellation);

    public void Map(IEndpointRouteBuilder local) => local.MapGet("/messages", ReadAsync);

    public async Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation)
    {
        if (operation != "Publish")
        {
            throw new LocalAwsException("InvalidAction", $"The stand-in does not do {operation}; it does Publish.");
        }

        var message = Read(input);
        var kept = await _state.UpdateAsync(state => state.Keep(message), cancellation);
        return new() { ["MessageId"] = kept.MessageId };
    }

    private LocalSnsMessage Read(JsonObject input)
    {
        var topic = Field(input, "TopicArn") ?? throw Invalid("TopicArn or TargetArn Reason: no value for required parameter");
        var isFifo = topic.EndsWith(FifoEnding, StringComparison.Ordinal);
        var (subject, text) = (Field(input, "Subject"), Field(input, "Message"));
        if (topic.Split(':') is not ["arn", _, "sns", _, _, { Length: > 0 }])
        {
            throw Invalid($"TopicArn Reason: An ARN must have at least 6 elements, not {topic.Split(':').Length}");
        }

        if (string.IsNullOrEmpty(text))
        {
            throw Invalid("Empty message");
        }

        if (Encoding.UTF8.GetByteCount(text) > LargestText)
        {
            throw Invalid("Message too long");
        }

        if (subject is not null && (subject.Length is 0 or > LongestSubject || !subject.All(letter => letter is >= ' ' and <= '~') || subject[0] == ' '))
        {
            throw Invalid("Subject");
        }

        if (isFifo && Field(input, "MessageGroupId") is null)
        {
            throw Invalid("The MessageGroupId parameter is required for FIFO topics");
        }

        return topics.Contains(topic)
            ? new(time.GetUtcNow(), Guid.NewGuid().ToString(), topic, subject, text, Attributes(input), isFifo ? Field(input, "MessageDeduplicationId") : null)
            : throw new LocalAwsException("NotFound", "Topic does not exist", 404);
    }

    private static Dictionary<string, string> Attributes(JsonObject input)
    {
        var attributes = new Dictionary<string, string>();
        for (var entry = 1; Field(input, $"MessageAttributes.entry.{entry}.Name") is { } name; entry++)
        {
            attributes[name] = Field(input, $"MessageAttributes.entry.{entry}.Value.StringValue")
                ?? throw new LocalAwsException("ParameterValueInvalid", $"The message attribute '{name}' must contain non-empty message attribute value for message attribute type 'String'.");
        }

        return attributes;
    }

    private static string? Field(JsonObject input, string name) => (string?)input[name];

    private static LocalAwsException Invalid(string what) => new("InvalidParameter", $"Invalid parameter: {what}");

    private sealed class State
    {
        public List<LocalSnsMessage> Messages { get; init; } = [];

        public LocalSnsMessage Keep(LocalSnsMessage message)
        {
            if (message.DeduplicationId is not null && Messages.Find(kept => kept.Topic == message.Topic && kept.DeduplicationId == message.DeduplicationId) is { } same)
            {
                return same;
            }

            Messages.Add(message);
            Messages.RemoveRange(0, Math.Max(0, Messages.Count - KeptMessages));
            return message;
        }
    }
}
