using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Workflow.Cloud.Local;
using Workflow.Cloud.Notifications;
using Workflow.Cloud.Secrets;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>A message to people about a run.</summary>
/// <param name="Slack">
/// Where to: the name of a secret whose field <c>url</c> is an incoming webhook, or <c>local:channel</c> for the stand-in.
/// </param>
/// <param name="Key">The same for each attempt to send this message.</param>
internal sealed record NotifyInput(string Slack, string Text, string Key)
{
    /// <summary>The stand-in's channel, where the address names one.</summary>
    public static string? LocalChannel(string? slack) =>
        slack is not null && slack.StartsWith("local:", StringComparison.Ordinal) ? slack["local:".Length..] : null;
}

/// <summary>Sends a message. That it could not be sent is an outcome, not a failure: a run never fails for want of a message.</summary>
internal sealed class Notify(SlackNotifier slack, LocalSecretStore secrets, IServer server, ILogger<Notify> logger) : TaskActivity<NotifyInput, NotificationOutcome>
{
    private const string WebhookField = "url";

    /// <summary>The channels that the stand-in for Slack is to have.</summary>
    public static IReadOnlySet<string> LocalChannels(IEnumerable<Pipeline> pipelines) =>
        pipelines.Select(pipeline => NotifyInput.LocalChannel(pipeline.Configured.Slack)).OfType<string>().ToHashSet(StringComparer.Ordinal);

    public override async Task<NotificationOutcome> RunAsync(TaskActivityContext context, NotifyInput input)
    {
        var outcome = await SendAsync(input, context.CancellationToken);
        if (!outcome.Delivered)
        {
            logger.LogWarning("Run {Instance} could not say \"{Text}\": {Reason}", context.InstanceId, input.Text, outcome.Failure);
        }

        return outcome;
    }

    private async Task<NotificationOutcome> SendAsync(NotifyInput input, CancellationToken cancellation)
    {
        try
        {
            return await slack.SendAsync(await WebhookAsync(input.Slack, cancellation), new(input.Text, input.Key), cancellation);
        }
        catch (SecretException missing)
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
