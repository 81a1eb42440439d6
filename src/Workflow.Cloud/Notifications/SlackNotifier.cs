using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace Workflow.Cloud.Notifications;

/// <summary>A message for people.</summary>
/// <param name="Text">Plain text: what would be markup to Slack is shown as it stands. Beyond 40,000 characters it is cut.</param>
/// <param name="Key">The same for every attempt to send the same message; a receiver that keeps keys shows it once.</param>
public sealed record SlackMessage(string Text, string Key);

/// <summary>What became of a notification. It is recorded or logged; it never fails a run.</summary>
/// <param name="Failure">Why it was not delivered, without the webhook's URL; null when it was.</param>
public sealed record NotificationOutcome(bool Delivered, int Attempts, string? Failure);

/// <summary>Posts to a Slack incoming webhook, trying again where that can help.</summary>
public sealed class SlackNotifier(HttpClient http, TimeProvider time)
{
    /// <summary>The header that carries <see cref="SlackMessage.Key"/>.</summary>
    public const string KeyHeader = "Idempotency-Key";

    private const int Attempts = 3;
    private const int LongestText = 40_000;
    private const int LongestReason = 200;
    private static readonly TimeSpan AttemptDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <param name="webhook">A secret: whoever knows it can post. It appears in no outcome.</param>
    /// <param name="message">What to say.</param>
    /// <param name="cancellation">Ends the attempt with an <see cref="OperationCanceledException"/>, the only exception.</param>
    public async Task<NotificationOutcome> SendAsync(Uri webhook, SlackMessage message, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = await TryAsync(webhook, message, cancellation);
            if (answer.Failure is null)
            {
                return new(true, attempt, null);
            }

            var pause = answer.RetryAfter ?? FirstPause * (1 << (attempt - 1));
            if (attempt == Attempts || !answer.MayHelpToRetry || pause > LongestPause)
            {
                return new(false, attempt, answer.Failure);
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    private async Task<Answer> TryAsync(Uri webhook, SlackMessage message, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(AttemptDeadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, webhook);
            request.Headers.Add(KeyHeader, message.Key);
            request.Content = JsonContent.Create(new { text = Escape(message.Text) });
            using var response = await http.SendAsync(request, either.Token);
            if (response.IsSuccessStatusCode)
            {
                return new(null, false, null);
            }

            var reason = await response.Content.ReadAsStringAsync(either.Token);
            return new(
                $"Slack answered {(int)response.StatusCode} {reason[..Math.Min(reason.Length, LongestReason)]}".TrimEnd(),
                response.StatusCode == HttpStatusCode.TooManyRequests || (int)response.StatusCode >= 500,
                Pause(response));
        }
        catch (HttpRequestException unreachable)
        {
            return new($"Slack could not be reached: {unreachable.Message}", true, null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new($"Slack did not answer within {AttemptDeadline.TotalSeconds} s.", true, null);
        }
    }

    private TimeSpan? Pause(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter;
        var pause = asked?.Delta ?? asked?.Date - time.GetUtcNow();
        return pause < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

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

    private sealed record Answer(string? Failure, bool MayHelpToRetry, TimeSpan? RetryAfter);
}
