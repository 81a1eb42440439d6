using System.Text;
using System.Text.Json;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>A message as SNS posts it: a notification, or the question whether one wants to be, or no longer is, subscribed.</summary>
/// <remarks>https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html</remarks>
internal sealed record SnsMessage(
    string? Type, string? MessageId, string? TopicArn, string? Message, string? Timestamp, string? SignatureVersion, string? Signature, string? SigningCertURL,
    string? Subject = null, string? Token = null, string? SubscribeURL = null)
{
    public const string Notification = "Notification";
    public const string SubscriptionConfirmation = "SubscriptionConfirmation";
    public const string UnsubscribeConfirmation = "UnsubscribeConfirmation";

    /// <exception cref="UntrustedException">It is none.</exception>
    public static SnsMessage Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<SnsMessage>(body) ?? throw new UntrustedException("it is no message of SNS");
        }
        catch (JsonException)
        {
            throw new UntrustedException("it is no message of SNS");
        }
    }

    /// <summary>What the signature is of: the fields that the type has, by name, each with its value on a line of its own.</summary>
    /// <exception cref="UntrustedException">There is no such type of message, or a field is missing.</exception>
    public byte[] SignedText()
    {
        (string Name, string? Value)[] fields = Type switch
        {
            Notification when Subject is null => [(nameof(Message), Message), (nameof(MessageId), MessageId), (nameof(Timestamp), Timestamp), (nameof(TopicArn), TopicArn), (nameof(Type), Type)],
            Notification => [(nameof(Message), Message), (nameof(MessageId), MessageId), (nameof(Subject), Subject), (nameof(Timestamp), Timestamp), (nameof(TopicArn), TopicArn), (nameof(Type), Type)],
            SubscriptionConfirmation or UnsubscribeConfirmation =>
                [(nameof(Message), Message), (nameof(MessageId), MessageId), (nameof(SubscribeURL), SubscribeURL), (nameof(Timestamp), Timestamp), (nameof(Token), Token), (nameof(TopicArn), TopicArn), (nameof(Type), Type)],
            _ => throw new UntrustedException($"there is no type of message '{Type}'"),
        };
        var text = new StringBuilder();
        foreach (var (name, value) in fields)
        {
            text.Append(name).Append('\n').Append(value ?? throw new UntrustedException($"it has no {name}")).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
