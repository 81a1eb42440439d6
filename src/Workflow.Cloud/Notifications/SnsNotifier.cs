using System.Text;
using Workflow.Cloud.Aws;

namespace Workflow.Cloud.Notifications;

/// <summary>A message for a topic.</summary>
/// <param name="Subject">Shown as far as SNS takes it: ASCII, one line, less than 100 characters.</param>
/// <param name="Text">Beyond 256 KiB it is cut.</param>
/// <param name="Key">
/// The same for every attempt to send the same message. A FIFO topic delivers it once; of others, the subscribers
/// find it in the attribute <see cref="SnsNotifier.KeyAttribute"/>.
/// </param>
public sealed record TopicMessage(string Subject, string Text, string Key);

/// <summary>Publishes to an SNS topic.</summary>
public sealed class SnsNotifier(SnsClient sns)
{
    public const string KeyAttribute = "idempotency-key";

    // All messages of a FIFO topic keep their order.
    private const string Group = "workflow";
    private const string FifoEnding = ".fifo";
    private const int LongestSubject = 99;
    private const int LargestText = 256 << 10;

    /// <param name="topic">Its ARN.</param>
    /// <param name="message">What to say.</param>
    /// <param name="cancellation">Ends the attempt with an <see cref="OperationCanceledException"/>, the only exception.</param>
    public async Task<NotificationOutcome> SendAsync(string topic, TopicMessage message, CancellationToken cancellation)
    {
        var published = new SnsMessage(topic, Subject(message.Subject), Text(message.Text), new Dictionary<string, string> { [KeyAttribute] = message.Key });
        if (topic.EndsWith(FifoEnding, StringComparison.Ordinal))
        {
            published = published with { DeduplicationId = message.Key, Group = Group };
        }

        try
        {
            await sns.PublishAsync(published, cancellation);
            return new(true, 1, null);
        }
        catch (AwsException failed)
        {
            return new(false, 1, failed.Message);
        }
    }

    private static string? Subject(string wanted)
    {
        var shown = new string([.. wanted.Trim().Select(letter => char.IsControl(letter) ? ' ' : char.IsAscii(letter) ? letter : '?').Take(LongestSubject)]).TrimEnd();
        return shown.Length > 0 ? shown : null;
    }

    private static string Text(string wanted)
    {
        if (wanted.Length <= LargestText / 3 || Encoding.UTF8.GetByteCount(wanted) <= LargestText)
        {
            return wanted;
        }

        var (cut, bytes) = (new StringBuilder(), "…"u8.Length);
        foreach (var rune in wanted.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > LargestText)
            {
                break;
            }

            cut.Append(rune.ToString());
        }

        return cut.Append('…').ToString();
    }
}
