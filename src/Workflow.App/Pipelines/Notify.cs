using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Workflow.Cloud.Local;
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
    /// <summary>The stand-in's channel, where the address names one.</summary>
    public static string? LocalChannel(string? slack) =>
        slack is not null && slack.StartsWith("local:", StringComparison.Ordinal) ? slack["local:".Length..] : null;
}

/// <summary>What became of a message on each way it was to take; null for one it was not to.</summary>
internal sealed record NotifyResult(NotificationOutcome? Slack, NotificationOutcome? Topic);

/// <summary>Sends a message. That it could not be sent is an outcome, not a failure: a run never fails for want of a message.</summary>
internal sealed class Notify(SlackNotifier slack, SnsNotifier sns, Secrets secrets, IServer server, ILogger<Notify> logger) : TaskActivity<NotifyInput, NotifyResult>
{
    private const string WebhookField = "url";

    /// <summary>The channels that the stand-in for Slack is to have.</summary>
    public static IReadOnlySet<string> LocalChannels(IEnumerable<Pipeline> pipelines) =>
        pipelines.Select(pipeline => NotifyInput.LocalChannel(pipeline.Configured.Slack)).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>The topics that the stand-in for SNS is to have.</summary>
    public static IReadOnlySet<string> Topics(IEnumerable<Pipeline> pipelines) =>
        pipelines.Select(pipeline => pipeline.Configured.Topic).OfType<string>().ToHashSet(StringComparer.Ordinal);

    public override async Task<NotifyResult> RunAsync(TaskActivityContext context, NotifyInput input)
    {
        var message = input.Message;
        var toSlack = input.Slack is null ? null : await SendAsync(input.Slack, new(message.Text, input.Key), context.CancellationToken);
        var toTopic = input.Topic is null ? null : await sns.SendAsync(input.Topic, new(message.Subject, message.Json ?? message.Text, input.Key), context.CancellationToken);
        foreach (var outcome in new[] { toSlack, toTopic })
        {
            if (outcome is { Delivered: false })
            {
                logger.LogWarning("Run {Instance} could not say \"{Text}\": {Reason}", context.InstanceId, message.Text, outcome.Failure);
            }
        }

        return new(toSlack, toTopic);
    }

    private async Task<NotificationOutcome> SendAsync(string address, SlackMessage message, CancellationToken cancellation)
    {
        try
        {
            return await slack.SendAsync(await WebhookAsync(address, cancellation), message, cancellation);
        }
        catch (Exception missing) when (missing is SecretException or SecretUnavailableException)
        {
            return new(false, 0, missing.Message);
        }
    }

    private async Task<Uri> WebhookAsync(string address, CancellationToken cancellation)
    {
        if (NotifyInput.LocalChannel(address) is { } channel)
        {
            var service = server.Features.Get<IServerAddressesFeature>()!.Addresses.First();
            return new(new Uri(service), LocalSlack.HookPath(channel));
        }

        var secret = await secrets.GetAsync(address, cancellation);
        return Uri.TryCreate(secret[WebhookField], UriKind.Absolute, out var webhook)
            ? webhook
            : throw new SecretException($"The field '{WebhookField}' of secret '{address}' is not the address of a webhook.");
    }
}
