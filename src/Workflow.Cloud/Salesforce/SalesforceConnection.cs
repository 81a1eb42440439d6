using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Workflow.Cloud.Outbound;

namespace Workflow.Cloud.Salesforce;

/// <summary>
/// Requests with a token: logs in when there is none, once again when it has expired, tries again what may be taken another time, and
/// keeps an eye on the organisation's API requests.
/// </summary>
internal sealed class SalesforceConnection(
    HttpClient http, SalesforceTokens tokens, TimeProvider time, SalesforceCredentials credentials, SalesforceOptions options)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    // Results may be a hundred megabytes over a slow line.
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(10);

    /// <summary>As the last answer said; null before the first.</summary>
    public ApiRequests? Used { get; private set; }

    /// <param name="operation">What is asked, as errors name it.</param>
    /// <param name="method">GET, POST …</param>
    /// <param name="path">Below the API's version, such as <c>jobs/query</c>.</param>
    /// <param name="content">Makes the body, anew for each attempt.</param>
    /// <param name="read">Takes the answer; done anew when it breaks off.</param>
    /// <param name="again">False for what must not be sent twice when it is not known what became of the first.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="SalesforceException">It was refused, or not answered, so often as it was tried.</exception>
    public async Task<T> SendAsync<T>(
        string operation, HttpMethod method, string path, Func<HttpContent>? content, Func<HttpResponseMessage, CancellationToken, Task<T>> read, bool again, CancellationToken cancellation)
    {
        var renewed = false;
        for (var attempt = 1; ; attempt++)
        {
            var token = tokens.Find(credentials);
            SalesforceException refusal;
            TimeSpan? asked = null;
            try
            {
                token ??= await LogInAsync(cancellation);
                return await RequestAsync(operation, () => Request(method, token, path, content), read, cancellation);
            }
            catch (RefusedException refused)
            {
                (refusal, asked) = (refused.Refusal, refused.RetryAfter);
                if (refusal.Code == "INVALID_SESSION_ID" && token is not null && !renewed)
                {
                    tokens.Forget(credentials, token);
                    renewed = true;
                    attempt--;
                    continue;
                }
            }

            var pause = asked ?? FirstPause * (1 << (attempt - 1));
            if (!refusal.MayHelpToRetry || !again || attempt >= options.Attempts || pause > LongestPause)
            {
                throw refusal;
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    private HttpRequestMessage Request(HttpMethod method, SalesforceToken token, string path, Func<HttpContent>? content) =>
        new(method, new Uri($"{token.Instance.AbsoluteUri.TrimEnd('/')}/services/data/v{options.ApiVersion}/{path}"))
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token.Value) },
            Content = content?.Invoke(),
        };

    private async Task<SalesforceToken> LogInAsync(CancellationToken cancellation)
    {
        const string Operation = "log in";
        var token = await RequestAsync(
            Operation, () => new(HttpMethod.Post, credentials.TokenAddress) { Content = credentials.Form() }, ReadTokenAsync, cancellation);
        tokens.Keep(credentials, token);
        return token;

        static async Task<SalesforceToken> ReadTokenAsync(HttpResponseMessage response, CancellationToken stop)
        {
            using var answer = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(stop), cancellationToken: stop);
            return Text(answer.RootElement, "access_token") is { Length: > 0 } value
                && Uri.TryCreate(Text(answer.RootElement, "instance_url"), UriKind.Absolute, out var instance) && SalesforceCredentials.IsSafe(instance)
                ? new(instance, value)
                : throw new RefusedException(new(Operation, "NO_TOKEN", "the answer has no access_token, or no instance_url with https. Check login_url.", false), null);
        }
    }

    private async Task<T> RequestAsync<T>(
        string operation, Func<HttpRequestMessage> make, Func<HttpResponseMessage, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(Deadline, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        try
        {
            using var request = make();
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            Used = ReadUsed(response) ?? Used;
            return response.IsSuccessStatusCode
                ? await read(response, either.Token)
                : throw new RefusedException(await RefusalAsync(operation, response, either.Token), Pause(response));
        }
        catch (HttpRequestException closed) when (closed.InnerException is OutboundRefusedException)
        {
            throw new RefusedException(new(operation, SalesforceException.Unreachable, closed.InnerException.Message, false, closed), null);
        }
        catch (Exception broken) when (broken is HttpRequestException or HttpIOException or IOException { InnerException: SocketException })
        {
            throw Unreachable($"the connection failed or broke off: {broken.Message}", broken);
        }
        catch (JsonException unreadable)
        {
            throw Unreachable("the answer is not the JSON it should be.", unreadable);
        }
        catch (OperationCanceledException late) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw Unreachable($"no answer within {Deadline.TotalMinutes} minutes.", late);
        }

        RefusedException Unreachable(string reason, Exception inner) => new(new(operation, SalesforceException.Unreachable, reason, true, inner), null);
    }

    /// <summary>An error is a list of <c>errorCode</c> and <c>message</c>; from the login, <c>error</c> and <c>error_description</c>.</summary>
    private async Task<SalesforceException> RefusalAsync(string operation, HttpResponseMessage response, CancellationToken cancellation)
    {
        var (code, reason) = ($"HTTP_{(int)response.StatusCode}", response.ReasonPhrase ?? "");
        try
        {
            using var answer = await JsonDocument.ParseAsync(await response.Content.ReadAsStreamAsync(cancellation), cancellationToken: cancellation);
            var error = answer.RootElement is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0 ? list[0] : answer.RootElement;
            code = Text(error, "errorCode") ?? Text(error, "error") ?? code;
            reason = Text(error, "message") ?? Text(error, "error_description") ?? reason;
        }
        catch (JsonException)
        {
            // A proxy's page; the status says what there is to know.
        }

        return new(operation, code, credentials.Redact(reason), MayHelpToRetry(response.StatusCode, code, reason));
    }

    private static bool MayHelpToRetry(HttpStatusCode status, string code, string reason) => code switch
    {
        // Too many at once passes; the day's requests do not come back within a run.
        "REQUEST_LIMIT_EXCEEDED" => !reason.Contains("TotalRequests", StringComparison.OrdinalIgnoreCase),
        "SERVER_UNAVAILABLE" or "UNABLE_TO_LOCK_ROW" or "QUERY_TIMEOUT" => true,
        _ => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500,
    };

    /// <summary><c>Sforce-Limit-Info: api-usage=18/15000</c></summary>
    private static ApiRequests? ReadUsed(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Sforce-Limit-Info", out var values))
        {
            return null;
        }

        var usage = values.SelectMany(value => value.Split(';', ',')).Select(part => part.Trim()).FirstOrDefault(part => part.StartsWith("api-usage=", StringComparison.Ordinal));
        return usage?["api-usage=".Length..].Split('/') is [var used, var max]
            && long.TryParse(used, CultureInfo.InvariantCulture, out var count) && long.TryParse(max, CultureInfo.InvariantCulture, out var most) && most > 0
            ? new(count, most)
            : null;
    }

    private TimeSpan? Pause(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter;
        var pause = asked?.Delta ?? asked?.Date - time.GetUtcNow();
        return pause < TimeSpan.Zero ? TimeSpan.Zero : pause;
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private sealed class RefusedException(SalesforceException refusal, TimeSpan? retryAfter) : Exception
    {
        public SalesforceException Refusal { get; } = refusal;

        public TimeSpan? RetryAfter { get; } = retryAfter;
    }
}
