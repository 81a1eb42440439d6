using System.Globalization;
using System.Net.Mime;
using System.Security.Cryptography;
using System.Text;

namespace Workflow.Cloud.Notifications;

/// <summary>Where a program wants to be told.</summary>
/// <param name="Key">What both sides know, and messages are signed with.</param>
public sealed record Webhook(Uri Address, byte[] Key);

/// <summary>A message for a program.</summary>
/// <param name="Id">The same for every attempt to send the same message: the receiver does it once.</param>
/// <param name="Json">The body.</param>
public sealed record WebhookMessage(string Id, string Json);

/// <summary>
/// Posts JSON to a webhook, signed as "Standard Webhooks" has it (standardwebhooks.com, version 1): the headers <c>webhook-id</c>,
/// <c>webhook-timestamp</c> (Unix seconds) and <c>webhook-signature</c>, which is <c>v1,</c> and the base64 of the HMAC-SHA256 of
/// <c>id.timestamp.body</c>.
/// </summary>
public sealed class WebhookNotifier(HttpClient http, TimeProvider time)
{
    public const string IdHeader = "webhook-id";
    public const string TimestampHeader = "webhook-timestamp";
    public const string SignatureHeader = "webhook-signature";

    // How a key is told from other texts; what follows is base64.
    private const string KeyPrefix = "whsec_";
    private const int ShortestKey = 24;

    private readonly Posting _posting = new(http, time, "The webhook");

    /// <param name="webhook">Its address appears in no outcome.</param>
    /// <param name="message">What to say.</param>
    /// <param name="cancellation">Ends the attempt with an <see cref="OperationCanceledException"/>, the only exception.</param>
    public Task<NotificationOutcome> SendAsync(Webhook webhook, WebhookMessage message, CancellationToken cancellation) =>
        _posting.SendAsync(() => Sign(webhook, message), cancellation);

    /// <summary>Of a text such as <c>whsec_…</c>, the key: base64 of at least 24 bytes.</summary>
    public static byte[]? ParseKey(string? text)
    {
        if (text is null || !text.StartsWith(KeyPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        var key = new byte[text.Length];
        return Convert.TryFromBase64String(text[KeyPrefix.Length..], key, out var length) && length >= ShortestKey ? key[..length] : null;
    }

    /// <summary>The value of <see cref="SignatureHeader"/>.</summary>
    public static string Signature(byte[] key, string id, string timestamp, string body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}")));

    private HttpRequestMessage Sign(Webhook webhook, WebhookMessage message)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return new(HttpMethod.Post, webhook.Address)
        {
            Headers =
            {
                { IdHeader, message.Id },
                { TimestampHeader, timestamp },
                { SignatureHeader, Signature(webhook.Key, message.Id, timestamp, message.Json) },
            },
            Content = new StringContent(message.Json, Encoding.UTF8, MediaTypeNames.Application.Json),
        };
    }
}
