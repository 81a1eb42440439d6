using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Bookmarks;
using Workflow.Durable;

namespace Workflow.App.Commands;

/// <summary>The command line's end of the HTTP API.</summary>
/// <param name="credential">The key or token that is shown; null for none.</param>
internal sealed class ServiceClient(Uri address, string? credential) : IDisposable
{
    // A wait holds its request open for WaitSeconds; the server's answer must not be cut off before it.
    private const int WaitSeconds = 20;
    private readonly HttpClient _http = new()
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromSeconds(100),
        DefaultRequestHeaders = { Authorization = credential is null ? null : new AuthenticationHeaderValue("Bearer", credential) },
    };

    public Task<Run> StartAsync(string pipeline, JsonNode? input, string? instance, CancellationToken cancellation)
    {
        var query = instance is null ? "" : $"?instance={Uri.EscapeDataString(instance)}";
        return SendAsync<Run>(HttpMethod.Post, $"api/pipelines/{Uri.EscapeDataString(pipeline)}/runs{query}", input, cancellation);
    }

    public Task<Run> GetAsync(string instance, CancellationToken cancellation) => SendAsync<Run>(HttpMethod.Get, Path(instance), null, cancellation);

    /// <summary>Waits until the run has ended.</summary>
    public async Task<Run> WaitAsync(string instance, CancellationToken cancellation)
    {
        while (true)
        {
            var run = await SendAsync<Run>(HttpMethod.Get, $"{Path(instance)}?wait={WaitSeconds}", null, cancellation);
            if (run.HasEnded())
            {
                return run;
            }
        }
    }

    public Task<RunPage> ListAsync(string? pipeline, string? status, int top, string? after, CancellationToken cancellation)
    {
        var query = Query(("pipeline", pipeline), ("status", status), ("top", top.ToString(CultureInfo.InvariantCulture)), ("after", after));
        return SendAsync<RunPage>(HttpMethod.Get, $"api/runs{query}", null, cancellation);
    }

    public Task<IReadOnlyList<OrchestrationHistoryEvent>> HistoryAsync(string instance, CancellationToken cancellation) =>
        SendAsync<IReadOnlyList<OrchestrationHistoryEvent>>(HttpMethod.Get, $"{Path(instance)}/history", null, cancellation);

    /// <param name="verb"><c>terminate</c>, <c>suspend</c>, <c>resume</c> or <c>rewind</c>.</param>
    public Task<Run> SteerAsync(string instance, string verb, string? reason, CancellationToken cancellation) =>
        SendAsync<Run>(HttpMethod.Post, $"{Path(instance)}/{verb}{Query(("reason", reason))}", null, cancellation);

    public Task<Run> RaiseAsync(string instance, string eventName, JsonNode? payload, CancellationToken cancellation) =>
        SendAsync<Run>(HttpMethod.Post, $"{Path(instance)}/events/{Uri.EscapeDataString(eventName)}", payload, cancellation);

    public Task<Purged> PurgeAsync(string instance, CancellationToken cancellation) => SendAsync<Purged>(HttpMethod.Delete, Path(instance), null, cancellation);

    public Task<Purged> PurgeAsync(DateTimeOffset? before, string? status, CancellationToken cancellation) =>
        SendAsync<Purged>(HttpMethod.Delete, $"api/runs{Query(("before", before?.ToString("O")), ("status", status))}", null, cancellation);

    public Task<IReadOnlyList<Bookmark>> BookmarksAsync(string pipeline, int top, CancellationToken cancellation) =>
        SendAsync<IReadOnlyList<Bookmark>>(HttpMethod.Get, $"{BookmarksPath(pipeline)}{Query(("top", top.ToString(CultureInfo.InvariantCulture)))}", null, cancellation);

    public Task<BookmarksChanged> SetBookmarksAsync(string pipeline, string address, CancellationToken cancellation) =>
        SendAsync<BookmarksChanged>(HttpMethod.Put, $"{BookmarksPath(pipeline)}{Query(("object", address))}", null, cancellation);

    /// <param name="after">Only what was processed after this time; null for all.</param>
    public Task<BookmarksChanged> ForgetBookmarksAsync(string pipeline, DateTimeOffset? after, CancellationToken cancellation) =>
        SendAsync<BookmarksChanged>(HttpMethod.Delete, $"{BookmarksPath(pipeline)}{Query(("after", after?.ToString("O")))}", null, cancellation);

    public Task<AuditPage> AuditAsync(string? pipeline, string? instance, DateTimeOffset? since, int top, string? after, CancellationToken cancellation)
    {
        var query = Query(("pipeline", pipeline), ("instance", instance), ("since", since?.ToString("O")), ("top", top.ToString(CultureInfo.InvariantCulture)), ("after", after));
        return SendAsync<AuditPage>(HttpMethod.Get, $"api/audit{query}", null, cancellation);
    }

    public Task<IReadOnlyList<ScheduleView>> SchedulesAsync(CancellationToken cancellation) =>
        SendAsync<IReadOnlyList<ScheduleView>>(HttpMethod.Get, "api/schedules", null, cancellation);

    /// <param name="verb"><c>pause</c> or <c>resume</c>.</param>
    public Task<ScheduleView> SteerScheduleAsync(string pipeline, string verb, string? reason, CancellationToken cancellation) =>
        SendAsync<ScheduleView>(HttpMethod.Post, $"api/schedules/{Uri.EscapeDataString(pipeline)}/{verb}{Query(("reason", reason))}", null, cancellation);

    public Task<TickPage> TicksAsync(string pipeline, string from, string to, CancellationToken cancellation) =>
        SendAsync<TickPage>(HttpMethod.Get, $"api/schedules/{Uri.EscapeDataString(pipeline)}/ticks{Query(("from", from), ("to", to))}", null, cancellation);

    public Task<Run> BackfillAsync(string pipeline, string from, string to, int parallel, CancellationToken cancellation) => SendAsync<Run>(
        HttpMethod.Post, $"api/schedules/{Uri.EscapeDataString(pipeline)}/backfill{Query(("from", from), ("to", to), ("parallel", $"{parallel}"))}", null, cancellation);

    public void Dispose() => _http.Dispose();

    private static string BookmarksPath(string pipeline) => $"api/pipelines/{Uri.EscapeDataString(pipeline)}/bookmarks";

    private static string Path(string instance) => $"api/runs/{Uri.EscapeDataString(instance)}";

    private static string Query(params IEnumerable<(string Name, string? Value)> parameters)
    {
        var given = parameters.Where(parameter => parameter.Value is not null).Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value!)}");
        return string.Join('&', given) is { Length: > 0 } query ? $"?{query}" : "";
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, JsonNode? body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        using var response = await _http.SendAsync(request, cancellation);
        var text = await response.Content.ReadAsStringAsync(cancellation);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
        {
            throw new ServiceException($"The service at {_http.BaseAddress} does not take the key of this data folder. Make one with 'workflow keys create' and set {LocalKey.Variable} to it.", response.StatusCode);
        }

        return response.IsSuccessStatusCode
            ? JsonSerializer.Deserialize<T>(text, JsonDataConverter.Options)!
            : throw new ServiceException(Explain(text) ?? $"{method} {path} was answered with {(int)response.StatusCode} {response.ReasonPhrase}.", response.StatusCode);
    }

    /// <summary>What problem details say, in one line.</summary>
    private static string? Explain(string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject problem ? (string?)problem["detail"] ?? (string?)problem["title"] : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>The service refused or could not do what it was asked.</summary>
internal sealed class ServiceException(string message, HttpStatusCode status) : Exception(message)
{
    /// <summary>It is the request that is wrong, not the service.</summary>
    public bool IsUsage => (int)status is >= 400 and < 500;
}
