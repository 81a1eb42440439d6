using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Workflow.Cloud.Salesforce;

/// <summary>Query and ingest jobs of Salesforce's Bulk API 2.0. Data goes from and to files.</summary>
public sealed class SalesforceBulkApi
{
    private static readonly MediaTypeHeaderValue Csv = new("text/csv", "utf-8");

    private readonly SalesforceConnection _connection;
    private readonly SalesforceOptions _options;

    internal SalesforceBulkApi(SalesforceConnection connection, SalesforceOptions options)
    {
        _connection = connection;
        _options = options;
    }

    /// <summary>API requests, as the last answer said; null before the first.</summary>
    public ApiRequests? Requests => _connection.Used;

    /// <summary>Asks how many API requests are used. Is itself one.</summary>
    public Task<ApiRequests> GetLimitsAsync(CancellationToken cancellation) => _connection.SendAsync("read limits", HttpMethod.Get, "limits", null, async (response, stop) =>
    {
        var daily = (await response.Content.ReadFromJsonAsync<Limits>(stop))?.DailyApiRequests ?? throw new JsonException("There is no DailyApiRequests.");
        return new ApiRequests(daily.Max - daily.Remaining, daily.Max);
    }, again: true, cancellation);

    /// <summary>Starts a query. Asking twice makes two jobs, of which one is read by nobody.</summary>
    public async Task<SalesforceJob> CreateQueryAsync(string soql, CancellationToken cancellation)
    {
        await KeepShareAsync("create query job", cancellation);
        return await SendAsync("create query job", HttpMethod.Post, "jobs/query", new { operation = "query", query = soql, contentType = "CSV", columnDelimiter = "COMMA", lineEnding = "LF" }, cancellation);
    }

    public Task<SalesforceJob> GetQueryAsync(string id, CancellationToken cancellation) => SendAsync("read query job", HttpMethod.Get, $"jobs/query/{id}", null, cancellation);

    /// <summary>Writes all pages of a complete query's results as one CSV file.</summary>
    /// <returns>Records in them, as Salesforce counts.</returns>
    public async Task<long> DownloadQueryAsync(string id, string file, CancellationToken cancellation)
    {
        await using var to = new FileStream(file, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.Asynchronous);
        long records = 0;
        for (string? locator = null; ;)
        {
            await KeepShareAsync("read query results", cancellation);
            var begin = to.Length;
            var path = $"jobs/query/{id}/results?maxRecords={_options.PageRecords}{(locator is null ? "" : $"&locator={Uri.EscapeDataString(locator)}")}";
            var (count, next) = await _connection.SendAsync("read query results", HttpMethod.Get, path, null, async (response, stop) =>
            {
                // A page that broke off is written again from where it began.
                to.SetLength(begin);
                to.Position = begin;
                await CopyAsync(response, to, skipHeader: begin > 0, stop);
                return (Number(response, "Sforce-NumberOfRecords"), Header(response, "Sforce-Locator"));
            }, again: true, cancellation);
            records += count;
            if (next is null or "null" or "")
            {
                return records;
            }

            locator = next;
        }
    }

    /// <summary>Opens a job that updates records. Asking twice makes two jobs, of which one stays open, empty and without effect.</summary>
    public async Task<SalesforceJob> CreateUpdateAsync(string entity, CancellationToken cancellation)
    {
        await KeepShareAsync("create ingest job", cancellation);
        return await SendAsync("create ingest job", HttpMethod.Post, "jobs/ingest", new { @object = entity, operation = "update", contentType = "CSV", columnDelimiter = "COMMA", lineEnding = "LF" }, cancellation);
    }

    public Task<SalesforceJob> GetIngestAsync(string id, CancellationToken cancellation) => SendAsync("read ingest job", HttpMethod.Get, $"jobs/ingest/{id}", null, cancellation);

    /// <summary>
    /// Uploads a job's CSV file. A job takes one upload: when the connection is lost it is not known whether it has had it, so it is not
    /// sent again. Abort the job then, and open another.
    /// </summary>
    public Task UploadAsync(string id, string file, CancellationToken cancellation) => _connection.SendAsync(
        "upload", HttpMethod.Put, $"jobs/ingest/{id}/batches",
        () => new StreamContent(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.Asynchronous)) { Headers = { ContentType = Csv } },
        (_, _) => Task.FromResult(true), again: false, cancellation);

    /// <summary>Says that the upload is complete: from here on the records change. A job that was closed before stays as it is.</summary>
    public async Task<SalesforceJob> CloseAsync(string id, CancellationToken cancellation)
    {
        try
        {
            return await SendAsync("close ingest job", HttpMethod.Patch, $"jobs/ingest/{id}", new { state = SalesforceJob.UploadComplete }, cancellation);
        }
        catch (SalesforceException refused) when (!refused.MayHelpToRetry)
        {
            // An attempt whose answer was lost has closed it.
            var job = await GetIngestAsync(id, cancellation);
            if (job.State is SalesforceJob.Open or SalesforceJob.Aborted)
            {
                throw;
            }

            return job;
        }
    }

    public Task<SalesforceJob> AbortAsync(string id, CancellationToken cancellation) =>
        SendAsync("abort ingest job", HttpMethod.Patch, $"jobs/ingest/{id}", new { state = SalesforceJob.Aborted }, cancellation);

    /// <summary>Writes one of an ended job's three lists as a CSV file.</summary>
    public Task DownloadAsync(string id, IngestResults results, string file, CancellationToken cancellation)
    {
        var list = results switch { IngestResults.Successful => "successfulResults", IngestResults.Failed => "failedResults", _ => "unprocessedrecords" };
        return _connection.SendAsync($"read {list}", HttpMethod.Get, $"jobs/ingest/{id}/{list}", null, async (response, stop) =>
        {
            await using var to = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16, FileOptions.Asynchronous);
            await CopyAsync(response, to, skipHeader: false, stop);
            return true;
        }, again: true, cancellation);
    }

    /// <summary>Before something new is begun: others need the organisation's API requests, too.</summary>
    private async Task KeepShareAsync(string operation, CancellationToken cancellation)
    {
        var (used, max) = Requests ?? await GetLimitsAsync(cancellation);
        if (used >= max * _options.RequestShare)
        {
            throw new SalesforceException(
                operation,
                SalesforceException.RequestShareUsed,
                string.Create(CultureInfo.InvariantCulture, $"{used} of the organisation's {max} API requests of 24 hours are used, and beyond {_options.RequestShare:P0} the rest is left to others. Run it later, or raise the share."),
                false);
        }
    }

    private Task<SalesforceJob> SendAsync(string operation, HttpMethod method, string path, object? body, CancellationToken cancellation) =>
        _connection.SendAsync(operation, method, path, body is null ? null : () => JsonContent.Create(body), async (response, stop) =>
            await response.Content.ReadFromJsonAsync<SalesforceJob>(stop) is { Id: not null, State: not null } job ? job : throw new JsonException("This is no job."), again: true, cancellation);

    private static async Task CopyAsync(HttpResponseMessage response, Stream to, bool skipHeader, CancellationToken cancellation)
    {
        await using var from = await response.Content.ReadAsStreamAsync(cancellation);
        if (skipHeader)
        {
            await SkipLineAsync(from, cancellation);
        }

        await from.CopyToAsync(to, cancellation);
    }

    /// <summary>Each page begins with the header.</summary>
    private static async Task SkipLineAsync(Stream from, CancellationToken cancellation)
    {
        var one = new byte[1];
        while (await from.ReadAsync(one, cancellation) > 0 && one[0] != (byte)'\n')
        {
        }
    }

    private static long Number(HttpResponseMessage response, string header) =>
        long.TryParse(Header(response, header), CultureInfo.InvariantCulture, out var number) ? number : throw new JsonException($"The header {header} is missing.");

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private sealed record Limits(Limit? DailyApiRequests);

    private sealed record Limit(long Max, long Remaining);
}
