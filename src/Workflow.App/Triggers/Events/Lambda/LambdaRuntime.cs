using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Workflow.App.Triggers.Events.Lambda;

/// <summary>One call of the function.</summary>
/// <param name="Deadline">When Lambda freezes the process, answered or not.</param>
/// <param name="Trace">The header of X-Ray, or null.</param>
internal sealed record Invocation(string RequestId, DateTimeOffset Deadline, string? Trace, byte[] Event);

/// <summary>The API that Lambda gives a custom runtime, on the machine it runs on.</summary>
/// <remarks>https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html</remarks>
internal sealed class LambdaRuntime : IDisposable
{
    private const string Version = "2018-06-01";

    // The next event may be hours away, and the process frozen meanwhile.
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly string _runtime;

    /// <param name="api">Host and port, as <c>AWS_LAMBDA_RUNTIME_API</c> says.</param>
    public LambdaRuntime(string api) => _runtime = $"http://{api}/{Version}/runtime";

    public async Task<Invocation> NextAsync(CancellationToken cancellation)
    {
        using var answer = await _http.GetAsync($"{_runtime}/invocation/next", cancellation);
        answer.EnsureSuccessStatusCode();
        return new(
            Header(answer.Headers, "Lambda-Runtime-Aws-Request-Id") ?? throw new InvalidOperationException("The Lambda runtime API gave an invocation without a request id."),
            long.TryParse(Header(answer.Headers, "Lambda-Runtime-Deadline-Ms"), CultureInfo.InvariantCulture, out var deadline) ? DateTimeOffset.FromUnixTimeMilliseconds(deadline) : DateTimeOffset.MaxValue,
            Header(answer.Headers, "Lambda-Runtime-Trace-Id"),
            await answer.Content.ReadAsByteArrayAsync(cancellation));
    }

    public Task RespondAsync(Invocation invocation, object answer, CancellationToken cancellation) =>
        PostAsync($"invocation/{invocation.RequestId}/response", JsonContent.Create(answer), cancellation);

    public Task FailAsync(Invocation invocation, Exception failed, CancellationToken cancellation) => PostErrorAsync($"invocation/{invocation.RequestId}/error", failed, cancellation);

    /// <summary>The function cannot be used at all; the process is to end.</summary>
    public Task FailInitAsync(Exception failed, CancellationToken cancellation) => PostErrorAsync("init/error", failed, cancellation);

    public void Dispose() => _http.Dispose();

    private Task PostErrorAsync(string path, Exception failed, CancellationToken cancellation)
    {
        var type = $"Workflow.{failed.GetType().Name}";
        var content = JsonContent.Create(new { errorMessage = failed.Message, errorType = type, stackTrace = Array.Empty<string>() });
        content.Headers.Add("Lambda-Runtime-Function-Error-Type", type);
        return PostAsync(path, content, cancellation);
    }

    private async Task PostAsync(string path, JsonContent content, CancellationToken cancellation)
    {
        using var body = content;

        // With a length: the API knows no chunks.
        await body.LoadIntoBufferAsync(cancellation);
        using var answer = await _http.PostAsync($"{_runtime}/{path}", body, cancellation);
        answer.EnsureSuccessStatusCode();
    }

    private static string? Header(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
