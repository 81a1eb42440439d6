using Npgsql;
using Workflow.App.Notifications;
using Workflow.Cloud.Notifications;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>A message to people and programs about a run.</summary>
/// <param name="Slack">
/// Where to: the name of a secret whose field <c>url</c> is an incoming webhook, or <c>local:channel</c> for the stand-in; null for nowhere.
/// </param>
/// <param name="Topic">Where else to: the ARN of an SNS topic; null for nowhere. The stand-in has each topic that a configured pipeline names.</param>
/// <param name="Key">The same for each attempt to send this message.</param>
internal sealed record NotifyInput(string? Slack, string? Topic, RunMessage Message, string Key)
{
    /// <summary>Where else to: the name of a secret with the fields <c>url</c> and <c>key</c>, or <c>local:name</c> for the stand-in; null for nowhere.</summary>
    public string? Webhook { get; init; }

    /// <summary>What the webhook is sent, as JSON.</summary>
    public string? Payload { get; init; }

    public string Pipeline { get; init; } = "";

    /// <summary>What the message is about.</summary>
    public string Event { get; init; } = "Message";

    /// <summary>Of the pipeline's messages to one target, how many are let through in <see cref="Per"/>; null for all.</summary>
    public int? AtMost { get; init; }

    public TimeSpan Per { get; init; }
}

/// <summary>What became of a message on each way it was to take; null for one it was not to.</summary>
internal sealed record NotifyResult(NotificationOutcome? Slack, NotificationOutcome? Topic)
{
    public NotificationOutcome? Webhook { get; init; }
}

/// <summary>Sends a message, once on each way. That it could not be sent is an outcome, not a failure: a run never fails for want of a message.</summary>
internal sealed class Notify(NotificationDelivery delivery, NotificationLog log, KnownSecrets known, ILogger<Notify> logger) : TaskActivity<NotifyInput, NotifyResult>
{
    public override async Task<NotifyResult> RunAsync(TaskActivityContext context, NotifyInput input)
    {
        return new(await SendAsync(NotificationChannel.Slack, input.Slack), await SendAsync(NotificationChannel.Topic, input.Topic))
        {
            Webhook = await SendAsync(NotificationChannel.Webhook, input.Webhook),
        };

        Task<NotificationOutcome?> SendAsync(NotificationChannel channel, string? target) => target is null
            ? Task.FromResult<NotificationOutcome?>(null)
            : SendOnceAsync(input, new(input.Key, channel, target, input.Pipeline, context.InstanceId, input.Event, input.Message.Subject, input.Message.Text), context.CancellationToken);
    }

    private async Task<NotificationOutcome?> SendOnceAsync(NotifyInput input, OutgoingNotification message, CancellationToken cancellation)
    {
        var turn = await BeginAsync(input, message, cancellation);
        if (turn is { WasDelivered: true })
        {
            return new(true, 0, null);
        }

        if (turn is { IsLeftOut: true })
        {
            return new(false, 0, $"More than {input.AtMost} in {input.Per}; the next message says how many were left out.");
        }

        var outcome = await delivery.SendAsync(message, input, turn?.LeftOutBefore ?? 0, cancellation);
        outcome = outcome with { Failure = outcome.Failure is { } failure ? known.Hide(failure) : null };
        if (!outcome.Delivered)
        {
            logger.LogWarning("Run {Instance} could not say \"{Text}\": {Reason}", message.Instance, message.Text, outcome.Failure);
        }

        await (turn is null ? Task.CompletedTask : EndAsync(message, outcome, cancellation));
        return outcome;
    }

    /// <returns>Null where the log cannot be reached: then the message goes out all the same, and its receiver has the key to tell it by.</returns>
    private async Task<NotificationTurn?> BeginAsync(NotifyInput input, OutgoingNotification message, CancellationToken cancellation)
    {
        try
        {
            return await log.BeginAsync(message, input.AtMost, input.Per, cancellation);
        }
        catch (NpgsqlException away) when (away.IsTransient)
        {
            logger.LogWarning("The message \"{Text}\" of run {Instance} is not written down: {Reason}", message.Text, message.Instance, away.Message);
            return null;
        }
    }

    /// <summary>What was sent was sent, also where that cannot be written down.</summary>
    private async Task EndAsync(OutgoingNotification message, NotificationOutcome outcome, CancellationToken cancellation)
    {
        try
        {
            await log.EndAsync(message, outcome.Failure, cancellation);
        }
        catch (NpgsqlException away) when (away.IsTransient)
        {
            logger.LogWarning("What became of the message \"{Text}\" of run {Instance} is not written down: {Reason}", message.Text, message.Instance, away.Message);
        }
    }
}
