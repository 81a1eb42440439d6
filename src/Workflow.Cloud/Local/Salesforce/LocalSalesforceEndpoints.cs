using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

public static class LocalSalesforceEndpoints
{
    private const long LargestBody = 160_000_000;

    /// <summary>
    /// Maps the stand-in: OAuth and the Bulk API 2.0 as Salesforce has them, and beside them its contacts (GET and POST <c>contacts</c>),
    /// its jobs (GET <c>jobs</c>), the API requests (GET and POST <c>usage</c>), faults (POST <c>faults</c>, a
    /// <see cref="LocalSalesforce.Fault"/>) and the end of all sessions (POST <c>sessions/expire</c>).
    /// </summary>
    public static IEndpointRouteBuilder MapLocalSalesforce(this IEndpointRouteBuilder endpoints, LocalSalesforce salesforce)
    {
        var local = endpoints.MapGroup(LocalSalesforce.Path);
        // A delegate of its own: as a RequestDelegate, which it fits too, its result would be dropped.
        local.MapPost("/services/oauth2/token", (Delegate)((HttpContext context) => salesforce.LogInAsync(context, InstanceOf(context))));
        MapJobs(local.MapGroup("/services/data/v{version}"), salesforce);

        local.MapGet("/contacts", (CancellationToken cancellation) => salesforce.ReadContactsAsync(cancellation));
        local.MapPost("/contacts", (LocalContact[] contacts, CancellationToken cancellation) => salesforce.PutContactsAsync(contacts, cancellation))
            .WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        local.MapGet("/jobs", (CancellationToken cancellation) => salesforce.ReadJobsAsync(cancellation));
        local.MapGet("/usage", (CancellationToken cancellation) => salesforce.ReadUsageAsync(cancellation));
        local.MapPost("/usage", (LocalSalesforceUsage usage, CancellationToken cancellation) => salesforce.SetUsageAsync(usage, cancellation));
        local.MapPost("/faults", (LocalSalesforce.Fault fault) => salesforce.Fail(fault));
        local.MapPost("/sessions/expire", salesforce.ExpireSessions);
        return endpoints;
    }

    private static void MapJobs(RouteGroupBuilder api, LocalSalesforce salesforce)
    {
        api.MapGet("/limits", (Delegate)((HttpContext context) => salesforce.AnswerAsync(context, jobs => Task.FromResult(Limits(jobs.Usage)))));

        api.MapPost("/jobs/query", (HttpContext context, string version) =>
            salesforce.AnswerAsync(context, async jobs => Json(jobs.CreateQuery(await BodyAsync(context), InstanceOf(context), version))));
        api.MapGet("/jobs/query/{id}", (HttpContext context, string id) =>
            salesforce.AnswerAsync(context, jobs => Answer(jobs.Advance(jobs.Find(id, isQuery: true)))));
        api.MapGet("/jobs/query/{id}/results", (HttpContext context, string id, string? locator, int? maxRecords) =>
            salesforce.AnswerAsync(context, jobs => Task.FromResult(Page(context, jobs.Page(jobs.Find(id, isQuery: true), locator, maxRecords ?? 50_000)))));

        api.MapPost("/jobs/ingest", (HttpContext context, string version) =>
            salesforce.AnswerAsync(context, async jobs => Json(jobs.CreateIngest(await BodyAsync(context), InstanceOf(context), version))));
        api.MapGet("/jobs/ingest/{id}", (HttpContext context, string id) =>
            salesforce.AnswerAsync(context, jobs => Answer(jobs.Advance(jobs.Find(id, isQuery: false)))));
        api.MapPatch("/jobs/ingest/{id}", (HttpContext context, string id) =>
            salesforce.AnswerAsync(context, async jobs => Json(jobs.ChangeState(jobs.Find(id, isQuery: false), (await BodyAsync(context)).State))));
        api.MapPut("/jobs/ingest/{id}/batches", (HttpContext context, string id) => salesforce.AnswerAsync(context, jobs =>
        {
            jobs.TakeUpload(jobs.Find(id, isQuery: false), LocalSalesforce.Received(context));
            return Task.FromResult(Results.StatusCode(StatusCodes.Status201Created));
        })).WithMetadata(new RequestSizeLimitAttribute(LargestBody));
        foreach (var list in new[] { "successfulResults", "failedResults", "unprocessedrecords" })
        {
            api.MapGet($"/jobs/ingest/{{id}}/{list}", (HttpContext context, string id) =>
                salesforce.AnswerAsync(context, jobs => Task.FromResult(Results.File(jobs.List(jobs.Find(id, isQuery: false), list), "text/csv"))));
        }
    }

    // Its names are capitals, unlike everything else's.
    private static IResult Limits(LocalSalesforceUsage usage) =>
        Json(new Dictionary<string, object> { ["DailyApiRequests"] = new Dictionary<string, long> { ["Max"] = usage.Max, ["Remaining"] = usage.Max - usage.Used } });

    private static async Task<LocalSalesforceRequest> BodyAsync(HttpContext context)
    {
        try
        {
            return await context.Request.ReadFromJsonAsync<LocalSalesforceRequest>(context.RequestAborted) ?? new();
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            throw new LocalSalesforceRefusal(400, "JSON_PARSER_ERROR", "The body is not the JSON it should be");
        }
    }

    private static Task<IResult> Answer(LocalSalesforceJob job) => Task.FromResult(Json(job));

    private static IResult Json(object value) => Results.Json(value, JsonSerializerOptions.Web);

    private static IResult Page(HttpContext context, (string Csv, int Rows, string? Next) page)
    {
        context.Response.Headers["Sforce-NumberOfRecords"] = $"{page.Rows}";
        context.Response.Headers["Sforce-Locator"] = page.Next ?? "null";
        return Results.Text(page.Csv, "text/csv");
    }

    private static Uri InstanceOf(HttpContext context) => new($"{context.Request.Scheme}://{context.Request.Host}{LocalSalesforce.Path}");
}
