using Workflow.App.Configuration;
using Workflow.Cloud.Aws;

namespace Workflow.App.Triggers.Events;

/// <summary>One queue of SQS as it is configured.</summary>
internal sealed class EventQueue(SqsClient sqs, EventSettings.QueueSettings settings)
{
    // The longest that SQS holds a request open; an empty queue costs the least so.
    private static readonly TimeSpan LongPoll = TimeSpan.FromSeconds(20);

    // SQS takes more, but what is longer is not read.
    private const int LongestReason = 1000;

    public string Name => settings.Name;

    public int MaxReceives => settings.MaxReceives;

    public TimeSpan Visibility => settings.Visibility;

    public bool HasDeadLetter => settings.DeadLetter is not null;

    public Task<IReadOnlyList<SqsMessage>> ReceiveAsync(int most, CancellationToken cancellation) => sqs.ReceiveAsync(settings.Url!, most, LongPoll, Visibility, cancellation);

    public Task<IReadOnlyList<SqsMessage>> DeleteAsync(IReadOnlyList<SqsMessage> messages, CancellationToken cancellation) => sqs.DeleteAsync(settings.Url!, messages, cancellation);

    public Task HideAsync(IReadOnlyList<SqsMessage> messages, TimeSpan during, CancellationToken cancellation) => sqs.ChangeVisibilityAsync(settings.Url!, messages, during, cancellation);

    /// <summary>Sends a message on to the dead-letter queue, with the reason.</summary>
    public Task PutAsideAsync(SqsMessage message, string reason, CancellationToken cancellation) => sqs.SendAsync(
        settings.DeadLetter!,
        message.Body,
        new Dictionary<string, string>
        {
            ["Reason"] = reason.Length > LongestReason ? reason[..LongestReason] : reason,
            ["Queue"] = settings.Url!,
            ["MessageId"] = message.Id,
            ["Receives"] = $"{message.Receives}",
        },
        cancellation);
}
