using Microsoft.AspNetCore.Hosting.Server;
using Workflow.App.Hosting;
using Workflow.App.Pipelines;
using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;
using Workflow.Cloud.Secrets;

namespace Workflow.App.Notifications;

/// <summary>Takes a message to its target: finds the target's address and key, and sends.</summary>
internal sealed class NotificationDelivery(SlackNotifier slack, SnsNotifier sns, WebhookNotifier webhooks, Secrets secrets, IServer server)
{
    private const string UrlField = "url";
    private const string KeyField = "key";
    private const string Local = "local:";

    /// <summary>The channels that the stand-in for Slack is to have.</summary>
    public static IReadOnlySet<string> LocalChannels(IEnumerable<Pipeline> pipelines) =>
        Inputs(pipelines).SelectMany(input => input.Notify.Select(rule => rule.Slack).Append(input.Slack)).Select(LocalName).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>The topics that the stand-in for SNS is to have.</summary>
    public static IReadOnlySet<string> Topics(IEnumerable<Pipeline> pipelines) =>
        Inputs(pipelines).SelectMany(input => input.Notify.Select(rule => rule.Topic).Append(input.Topic)).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <param name="leftOut">How many messages to the target were left out before this one.</param>
    public async Task<NotificationOutcome> SendAsync(OutgoingNotification message, NotifyInput input, long leftOut, CancellationToken cancellation)
    {
        var more = leftOut == 0 ? "" : $" ({leftOut} more of {message.Pipeline} were left out before this.)";
        try
        {
            return message.Channel switch
            {
                NotificationChannel.Slack => await SendAsync(message.Target, new SlackMessage(message.Text + more, message.Key), cancellation),
                NotificationChannel.Topic => await sns.SendAsync(message.Target, new(message.Subject, input.Message.Json ?? message.Text + more, message.Key), cancellation),
                NotificationChannel.Webhook => await SendAsync(message.Target, new WebhookMessage(message.Key, input.Payload!), cancellation),
                _ => throw new InvalidOperationException($"There is no channel {message.Channel}."),
            };
        }
        catch (Exception missing) when (missing is SecretException or SecretUnavailableException)
        {
            return new(false, 0, missing.Message);
        }
    }

    private static IEnumerable<PipelineInput> Inputs(IEnumerable<Pipeline> pipelines) => pipelines.Select(pipeline => pipeline.Configured);

    private static string? LocalName(string? target) => target?.StartsWith(Local, StringComparison.Ordinal) == true ? target[Local.Length..] : null;

    private Task<NotificationOutcome> SendAsync(string target, SlackMessage message, CancellationToken cancellation) => LocalName(target) is { } channel
        ? slack.SendAsync(Here(LocalSlack.HookPath(channel)), message, cancellation)
        : UseAsync(target, secret => slack.SendAsync(Address(secret), message, cancellation), cancellation);

    private Task<NotificationOutcome> SendAsync(string target, WebhookMessage message, CancellationToken cancellation) => LocalName(target) is { } name
        ? webhooks.SendAsync(new(Here(LocalWebhooks.HookPath(name)), LocalWebhooks.Key), message, cancellation)
        : UseAsync(target, secret => webhooks.SendAsync(new(Address(secret), Key(secret)), message, cancellation), cancellation);

    /// <summary>Sends with a secret, and where the receiver does not take its address or key, once more with the secret as it is now, if it is another.</summary>
    private async Task<NotificationOutcome> UseAsync(string target, Func<Secret, Task<NotificationOutcome>> send, CancellationToken cancellation)
    {
        var attempts = 0;
        try
        {
            return await secrets.UseAsync(target, SendAsync, failed => failed is RefusedException, cancellation);
        }
        catch (RefusedException refused)
        {
            return refused.Outcome;
        }

        async Task<NotificationOutcome> SendAsync(Secret secret)
        {
            var outcome = await send(secret);
            outcome = outcome with { Attempts = attempts += outcome.Attempts };
            return outcome.CredentialsRefused ? throw new RefusedException(outcome) : outcome;
        }
    }

    private static byte[] Key(Secret secret) => WebhookNotifier.ParseKey(secret[KeyField])
        ?? throw new SecretException($"The field '{KeyField}' of secret '{secret.Name}' is no key for a webhook: write whsec_ and the base64 of 24 bytes or more.");

    private static Uri Address(Secret secret) => Uri.TryCreate(secret[UrlField], UriKind.Absolute, out var address) && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp)
        ? address
        : throw new SecretException($"The field '{UrlField}' of secret '{secret.Name}' is not the address of a webhook: write one that begins with https://.");

    private Uri Here(string path) => new(ListenAddresses.FromHere(server), path);

    private sealed class RefusedException(NotificationOutcome outcome) : Exception
    {
        public NotificationOutcome Outcome { get; } = outcome;
    }
}
