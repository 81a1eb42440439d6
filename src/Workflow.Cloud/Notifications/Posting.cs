using System.Net;
using System.Text;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Notifications;

/// <summary>What became of a notification. It is recorded or logged; it never fails a run.</summary>
/// <param name="Failure">Why it was not delivered, without the address it was to go to; null when it was.</param>
public sealed record NotificationOutcome(bool Delivered, int Attempts, string? Failure)
{
    /// <summary>The receiver does not take the address or the key of whoever sends: they may have been replaced.</summary>
    public bool CredentialsRefused { get; init; }
}

/// <summary>Posts to whoever wants to be told, trying again where that can help.</summary>
/// <param name="http">Is to follow no redirects.</param>
/// <param name="receiver">As outcomes name it.</param>
/// <param name="refusals">What the receiver answers, beside 401 and 403, where it does not take the address or the key.</param>
internal sealed class Posting(HttpClient http, TimeProvider time, string receiver, params string[] refusals)
{
    private const int Attempts = 3;
    private const int LongestReason = 200;
    private const int LargestReason = LongestReason * 4;  // in bytes
    private static readonly TimeSpan AttemptDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <param name="create">Makes the request of each attempt.</param>
    /// <param name="cancellation">Ends the attempt with an <see cref="OperationCanceledException"/>, the only exception.</param>
    public async Task<NotificationOutcome> SendAsync(Func<HttpRequestMessage> create, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = await TryAsync(create, cancellation);
            if (answer.Failure is null)
            {
                return new(true, attempt, null);
            }

            var pause = answer.RetryAfter ?? FirstPause * (1 << (attempt - 1));
            if (attempt == Attempts || !answer.MayHelpToRetry || pause > LongestPause)
            {
                return new(false, attempt, answer.Failure) { CredentialsRefused = answer.CredentialsRefused };
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    private async Task<Answer> TryAsync(Func<HttpRequestMessage> create, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(AttemptDeadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            using var request = create();
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.IsSuccessStatusCode)
            {
                return new(null, false, null);
            }

            if ((int)response.StatusCode is >= 300 and < 400)
            {
                return new($"{receiver} answered {(int)response.StatusCode}: it has moved, and no message is sent after it. Write the address where it is now.", false, null);
            }

            var reason = await ReasonAsync(response, either.Token);
            return new(
                $"{receiver} answered {(int)response.StatusCode} {reason[..Math.Min(reason.Length, LongestReason)]}".TrimEnd(),
                response.StatusCode == HttpStatusCode.TooManyRequests || (int)response.StatusCode >= 500,
                Pause(response))
            {
                CredentialsRefused = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden || refusals.Contains(reason.Trim()),
            };
        }
        catch (Exception unreachable) when (unreachable is HttpRequestException or IOException)
        {
            return new($"{receiver} could not be reached: {unreachable.Message}", unreachable.InnerException is not OutboundRefusedException, null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new($"{receiver} did not answer within {AttemptDeadline.TotalSeconds} s.", true, null);
        }
    }

    /// <summary>The beginning of what the receiver says; whoever it is may say more than anybody wants to hear.</summary>
    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var text = new byte[LargestReason];
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        return Encoding.UTF8.GetString(text, 0, await body.ReadAtLeastAsync(text, text.Length, throwOnEndOfStream: false, cancellation));
    }

    private TimeSpan? Pause(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter;
        var pause = asked?.Delta ?? asked?.Date - time.GetUtcNow();
        return pause < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

    private sealed record Answer(string? Failure, bool MayHelpToRetry, TimeSpan? RetryAfter)
    {
        public bool CredentialsRefused { get; init; }
    }
}
