using System.Net.Http.Json;
using System.Text;

namespace Workflow.Cloud.Notifications;

/// <summary>A message for people.</summary>
/// <param name="Text">Plain text: what would be markup to Slack is shown as it stands. Beyond 40,000 characters it is cut.</param>
/// <param name="Key">The same for every attempt to send the same message; a receiver that keeps keys shows it once.</param>
public sealed record SlackMessage(string Text, string Key);

/// <summary>Posts to a Slack incoming webhook, trying again where that can help.</summary>
public sealed class SlackNotifier(HttpClient http, TimeProvider time)
{
    /// <summary>The header that carries <see cref="SlackMessage.Key"/>.</summary>
    public const string KeyHeader = "Idempotency-Key";

    private const int LongestText = 40_000;

    // A webhook that was removed or made anew: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    private readonly Posting _posting = new(http, time, "Slack", "invalid_token", "no_active_hooks", "no_service", "no_service_id", "no_team");

    /// <param name="webhook">A secret: whoever knows it can post. It appears in no outcome.</param>
    /// <param name="message">What to say.</param>
    /// <param name="cancellation">Ends the attempt with an <see cref="OperationCanceledException"/>, the only exception.</param>
    public Task<NotificationOutcome> SendAsync(Uri webhook, SlackMessage message, CancellationToken cancellation) => _posting.SendAsync(
        () => new(HttpMethod.Post, webhook) { Headers = { { KeyHeader, message.Key } }, Content = JsonContent.Create(new { text = Escape(message.Text) }) }, cancellation);

    /// <summary>A file called <c>&lt;!channel&gt;</c> must not call everybody.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var shown = rune.Value switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", _ => rune.ToString() };
            if (escaped.Length + shown.Length >= LongestText)
            {
                return escaped.Append('…').ToString();
            }

            escaped.Append(shown);
        }

        return escaped.ToString();
    }
}
