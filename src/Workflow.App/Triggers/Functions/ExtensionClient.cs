using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.Durable;

namespace Workflow.App.Triggers.Functions;

/// <summary>
/// The client of instances that the Durable Task extension keeps: its HTTP management API, at the address that the host tells with each
/// invocation. What that API cannot do is said to whoever asks for it.
/// </summary>
internal sealed class ExtensionClient(IHttpClientFactory http, ExtensionAddress extension, TimeProvider time) : DurableTaskClient
{
    public const string HttpName = "durable-task-extension";

    private const string Continuation = "x-ms-continuation-token";
    private static readonly TimeSpan FirstLook = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(5);
    private static readonly JsonSerializerOptions Json = JsonDataConverter.Options;

    public override async Task<string> ScheduleNewOrchestrationInstanceAsync(
        string orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new StartOrchestrationOptions();
        if (options.StartAt is not null || options.Tags.Count > 0 || options.Version is not null)
        {
            throw new NotSupportedException("The Durable Task extension starts instances at once, without tags and versions.");
        }

        var instance = options.InstanceId ?? Guid.CreateVersion7(time.GetUtcNow()).ToString("N");
        var json = JsonDataConverter.Serialize(input, $"the input of orchestrator '{orchestratorName}'");
        if (await KeepsAsync(instance, options, cancellation))
        {
            return instance;
        }

        if (options.Within is { } within)
        {
            await CheckLastsAsync(within, cancellation);
        }

        using var answer = await SendAsync(HttpMethod.Post, $"orchestrators/{Escape(orchestratorName)}/{Escape(instance)}", "", json, cancellation);

        // Of two who start the same at once the extension refuses one, in words of its own.
        if (!answer.IsSuccessStatusCode && !await KeepsAsync(instance, options, cancellation))
        {
            throw await FailureAsync(answer, $"start '{orchestratorName}' as '{instance}'", cancellation);
        }

        return instance;
    }

    public override async Task RaiseEventAsync(string instanceId, string eventName, object? payload = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(eventName);
        var json = JsonDataConverter.Serialize(payload, $"event '{eventName}' for instance '{instanceId}'") ?? "null";
        await SteerAsync(instanceId, $"raiseEvent/{Escape(eventName)}", "", json, cancellation);
    }

    /// <remarks>The extension does not end what the instance has started.</remarks>
    public override Task TerminateInstanceAsync(string instanceId, object? output = null, bool recursive = true, CancellationToken cancellation = default) =>
        SteerAsync(instanceId, "terminate", Reason(output as string ?? JsonDataConverter.Serialize(output, "the output")), null, cancellation);

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        SteerAsync(instanceId, "suspend", Reason(reason), null, cancellation);

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) =>
        SteerAsync(instanceId, "resume", Reason(reason), null, cancellation);

    public override async Task<OrchestrationMetadata?> GetInstanceAsync(string instanceId, bool getInputsAndOutputs = true, CancellationToken cancellation = default)
    {
        using var answer = await SendAsync(HttpMethod.Get, Instance(instanceId), $"showInput={(getInputsAndOutputs ? "true" : "false")}", null, cancellation);
        return answer.StatusCode == HttpStatusCode.NotFound
            ? null
            : (await ReadAsync<ExtensionInstance>(answer, $"look at '{instanceId}'", cancellation)).ToMetadata(getInputsAndOutputs);
    }

    /// <remarks>
    /// The extension does not filter by name: a page may hold fewer than were asked for, and be followed by others. It knows no families, so
    /// sub-orchestrations are listed with the rest, and each instance is taken for the top of its own.
    /// </remarks>
    /// <exception cref="NotSupportedException">The children of an instance are asked for, or only those that are nobody's.</exception>
    public override async Task<Page<OrchestrationMetadata>> QueryInstancesAsync(OrchestrationQuery query, CancellationToken cancellation = default)
    {
        if (query.ParentInstanceId is not null || query.RootsOnly)
        {
            throw new NotSupportedException("The Durable Task extension does not tell what an instance has started.");
        }

        var asked = Filter(query.CreatedFrom, query.CreatedTo, query.Statuses)
            .Append($"top={query.PageSize}")
            .Append($"showInput={(query.FetchInputsAndOutputs ? "true" : "false")}")
            .Concat(query.InstanceIdPrefix is null ? [] : [$"instanceIdPrefix={Escape(query.InstanceIdPrefix)}"]);
        using var answer = await SendAsync(HttpMethod.Get, "instances", string.Join('&', asked), null, cancellation, query.ContinuationToken);
        var page = await ReadAsync<IReadOnlyList<ExtensionInstance>>(answer, "list the instances", cancellation);
        var next = answer.Headers.TryGetValues(Continuation, out var tokens) ? tokens.FirstOrDefault() : null;
        return new(
            [.. page.Select(instance => instance.ToMetadata(query.FetchInputsAndOutputs)).Where(instance => IsAskedFor(instance, query))],
            string.IsNullOrEmpty(next) ? null : next);
    }

    /// <remarks>The extension lists in no order: all pages are read before the first instance is told.</remarks>
    public override async IAsyncEnumerable<OrchestrationMetadata> GetAllInstancesAsync(
        OrchestrationQuery? query = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var all = await base.GetAllInstancesAsync(query, cancellation).ToListAsync(cancellation);
        foreach (var instance in all.OrderByDescending(instance => instance.CreatedAt).ThenByDescending(instance => instance.InstanceId, StringComparer.Ordinal))
        {
            yield return instance;
        }
    }

    /// <remarks>The extension does not know what the instance has started, and leaves it.</remarks>
    public override Task<int> PurgeInstanceAsync(string instanceId, bool recursive = true, CancellationToken cancellation = default) =>
        PurgeAsync(Instance(instanceId), "", cancellation);

    public override Task<int> PurgeAllInstancesAsync(PurgeInstancesFilter filter, CancellationToken cancellation = default) =>
        PurgeAsync("instances", string.Join('&', Filter(filter.CreatedFrom ?? DateTimeOffset.UnixEpoch, filter.CreatedTo, filter.Statuses)), cancellation);

    public override async Task<IReadOnlyList<OrchestrationHistoryEvent>> GetOrchestrationHistoryAsync(string instanceId, CancellationToken cancellation = default)
    {
        using var answer = await SendAsync(HttpMethod.Get, Instance(instanceId), "showHistory=true&showHistoryOutput=true", null, cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            throw new InstanceNotFoundException(instanceId);
        }

        var instance = await ReadAsync<JsonObject>(answer, $"look at '{instanceId}'", cancellation);
        return [.. (instance["historyEvents"] as JsonArray ?? []).OfType<JsonObject>().Select(ExtensionHistory.ToEvent)];
    }

    protected override async Task<OrchestrationMetadata> WaitAsync(
        string instanceId, bool getInputsAndOutputs, Func<OrchestrationMetadata, bool> reached, CancellationToken cancellation)
    {
        for (var pause = FirstLook; ; pause = pause * 2 < LongestLook ? pause * 2 : LongestLook)
        {
            var instance = await GetInstanceAsync(instanceId, getInputsAndOutputs, cancellation) ?? throw new InstanceNotFoundException(instanceId);
            if (reached(instance))
            {
                return instance;
            }

            await Task.Delay(pause, time, cancellation);
        }
    }

    /// <summary>The id is in use, and stays so.</summary>
    /// <exception cref="OrchestrationAlreadyExistsException">It is, and the options ask to throw.</exception>
    private async Task<bool> KeepsAsync(string instance, StartOrchestrationOptions options, CancellationToken cancellation)
    {
        if (await GetInstanceAsync(instance, getInputsAndOutputs: false, cancellation) is not { } existing || !options.DedupeStatuses.Contains(existing.RuntimeStatus))
        {
            return false;
        }

        return options.IfExists == ExistingInstance.Keep ? true : throw new OrchestrationAlreadyExistsException(instance, existing.RuntimeStatus);
    }

    private async Task SteerAsync(string instanceId, string operation, string query, string? body, CancellationToken cancellation)
    {
        using var answer = await SendAsync(HttpMethod.Post, $"{Instance(instanceId)}/{operation}", query, body, cancellation);
        if (answer.StatusCode == HttpStatusCode.NotFound)
        {
            throw new InstanceNotFoundException(instanceId);
        }

        // Gone is what has ended, for which it comes too late.
        if (!answer.IsSuccessStatusCode && answer.StatusCode != HttpStatusCode.Gone)
        {
            throw await FailureAsync(answer, $"ask '{instanceId}' to {operation}", cancellation);
        }
    }

    private async Task<int> PurgeAsync(string path, string query, CancellationToken cancellation)
    {
        using var answer = await SendAsync(HttpMethod.Delete, path, query, null, cancellation);
        return answer.StatusCode == HttpStatusCode.NotFound ? 0 : (await ReadAsync<Purged>(answer, "purge", cancellation)).InstancesDeleted;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string query, string? body, CancellationToken cancellation, string? continuation = null)
    {
        using var client = http.CreateClient(HttpName);
        using var request = new HttpRequestMessage(method, extension.Of(path, query));
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        if (continuation is not null)
        {
            request.Headers.TryAddWithoutValidation(Continuation, continuation);
        }

        return await client.SendAsync(request, cancellation);
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, string what, CancellationToken cancellation) => answer.IsSuccessStatusCode
        ? await answer.Content.ReadFromJsonAsync<T>(Json, cancellation) ?? throw new HttpRequestException($"The Durable Task extension answered nothing when asked to {what}.")
        : throw await FailureAsync(answer, what, cancellation);

    /// <summary>Any statement does: the server refuses it where it has ended the transaction.</summary>
    private static async Task CheckLastsAsync(NpgsqlTransaction within, CancellationToken cancellation)
    {
        await using var command = new NpgsqlCommand("SELECT", within.Connection, within);
        await command.ExecuteNonQueryAsync(cancellation);
    }

    /// <summary>Without the address, which holds a key.</summary>
    private static async Task<HttpRequestException> FailureAsync(HttpResponseMessage answer, string what, CancellationToken cancellation) => new(
        $"The Durable Task extension did not {what}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellation)}", null, answer.StatusCode);

    private static bool IsAskedFor(OrchestrationMetadata instance, OrchestrationQuery query) =>
        (query.Name is null || instance.Name.Equals(query.Name, StringComparison.OrdinalIgnoreCase)) && query.Roots?.Any(root => root.Is(instance)) != false;

    private static IEnumerable<string> Filter(DateTimeOffset? from, DateTimeOffset? to, IReadOnlyCollection<OrchestrationRuntimeStatus>? statuses) =>
    [
        .. from is { } first ? [$"createdTimeFrom={Time(first)}"] : Array.Empty<string>(),
        .. to is { } last ? [$"createdTimeTo={Time(last)}"] : Array.Empty<string>(),
        .. statuses is { Count: > 0 } ? [$"runtimeStatus={string.Join(',', statuses)}"] : Array.Empty<string>(),
    ];

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private static string Reason(string? reason) => reason is null ? "" : $"reason={Escape(reason)}";

    private static string Instance(string instanceId) => $"instances/{Escape(instanceId)}";

    private static string Escape(string text) => Uri.EscapeDataString(text);

    private sealed record Purged(int InstancesDeleted);
}
