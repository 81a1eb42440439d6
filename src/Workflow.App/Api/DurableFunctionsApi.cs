using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Workflow.App.Api.Access;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>
/// The paths, words and statuses of Durable Functions' management API, so that what was written for it works here. An instance is a run,
/// an orchestrator function is a pipeline, and all is done as below <c>/api</c>. Its parameters <c>taskHub</c>, <c>connection</c> and <c>code</c>
/// say nothing here: there is one hub, and a key in an address is no credential.
/// </summary>
internal static class DurableFunctionsApi
{
    public const string Root = "/runtime/webhooks/durabletask";
    public const string Instances = Root + "/instances";

    /// <summary>Seconds until a look at what has just been started is worth it, and between two looks.</summary>
    public const string RetryAfterStart = "10";
    private const string RetryAfterLook = "5";

    private const string ContinuationToken = "x-ms-continuation-token";

    public static void MapDurableFunctions(this IEndpointRouteBuilder routes)
    {
        var durable = routes.MapGroup(Root).WithTags("Durable Functions").WithMetadata(new OwnStatuses(StatusOf));
        durable.MapPost("/orchestrators/{name}/{instance?}", StartAsync).Needs(Role.Operator).OfPipeline("name").WithSummary("Starts a run of a pipeline.");
        var instances = durable.MapGroup("/instances");
        var instance = instances.MapGroup("/{instance}");
        instances.MapGet("/", ListAsync).Needs(Role.Viewer).ByCaller().WithSummary($"Runs, a page at a time: {ContinuationToken} of the answer asks for the next one.");
        instances.MapDelete("/", PurgeManyAsync).Needs(Role.Admin).WithSummary("Removes runs that have ended, by the time they were started at and their state.");
        instance.MapGet("/", GetAsync).Needs(Role.Viewer).WithSummary("How a run stands: 202 until it has ended.")
            .Produces<InstanceStatus>(StatusCodes.Status200OK).Produces<InstanceStatus>(StatusCodes.Status202Accepted).Produces<InstanceStatus>(StatusCodes.Status500InternalServerError);
        instance.MapDelete("/", PurgeAsync).Needs(Role.Admin).WithSummary("Removes a run that has ended.");
        instance.MapPost("/raiseEvent/{name}", RunsApi.RaiseAsync).AddEndpointFilter(OnlyTheStatusAsync).Needs(Role.Operator).WithSummary("Raises an event; its payload is the body.");
        instance.MapPost("/terminate", RunsApi.TerminateAsync).AddEndpointFilter(OnlyTheStatusAsync).Needs(Role.Operator).WithSummary("Ends a run.");
        instance.MapPost("/suspend", RunsApi.SuspendAsync).AddEndpointFilter(OnlyTheStatusAsync).Needs(Role.Operator).WithSummary("Holds a run.");
        instance.MapPost("/resume", RunsApi.ResumeAsync).AddEndpointFilter(OnlyTheStatusAsync).Needs(Role.Operator).WithSummary("Lets a suspended run go on.");
        instance.MapPost("/rewind", RunsApi.RewindAsync).AddEndpointFilter(OnlyTheStatusAsync).Needs(Role.Operator).WithSummary("Lets a failed run go on from the steps that failed it.");
    }

    private static async Task<Accepted<ManagementAddresses>> StartAsync(
        string name, HttpContext http, Runs runs, CancellationToken cancellation, string? instance = null, [FromBody] JsonNode? input = null)
    {
        var id = await PipelinesApi.BeginAsync(runs, name, input, instance, cancellation);
        AuditedChange.Of(http).Instance = id;
        var addresses = ManagementAddresses.Of(http.Request, id);
        http.Response.Headers.RetryAfter = RetryAfterStart;
        return TypedResults.Accepted(addresses.StatusQueryGetUri, addresses);
    }

    private static async Task<IResult> GetAsync(
        string instance, HttpContext http, DurableTaskClient client, CancellationToken cancellation,
        bool showHistory = false, bool showHistoryOutput = false, bool showInput = true, bool returnInternalServerErrorOnFailure = false)
    {
        var run = await RunsApi.FindAsync(client, instance, cancellation);
        var history = showHistory ? InstanceHistory.Of(await client.GetOrchestrationHistoryAsync(instance, cancellation), showHistoryOutput) : null;
        var status = InstanceStatus.Of(run, showInput, history);
        if (!run.IsCompleted)
        {
            http.Response.Headers.RetryAfter = RetryAfterLook;
            return TypedResults.Accepted(ManagementAddresses.Of(http.Request, instance).StatusQueryGetUri + http.Request.QueryString, status);
        }

        var isError = run.RuntimeStatus == OrchestrationRuntimeStatus.Failed && returnInternalServerErrorOnFailure;
        return TypedResults.Json(status, statusCode: isError ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK);
    }

    private static async Task<Ok<InstanceStatus[]>> ListAsync(
        HttpContext http, DurableTaskClient client, CancellationToken cancellation,
        DateTimeOffset? createdTimeFrom = null, DateTimeOffset? createdTimeTo = null, [FromQuery] string[]? runtimeStatus = null, string? instanceIdPrefix = null,
        int top = OrchestrationQuery.DefaultPageSize, bool showInput = true, [FromHeader(Name = ContinuationToken)] string? after = null)
    {
        var query = new OrchestrationQuery(
            createdTimeFrom, Until(createdTimeTo), Statuses(runtimeStatus), null, instanceIdPrefix, RunsApi.PageSize(top), FetchInputsAndOutputs: true,
            string.IsNullOrEmpty(after) ? null : after, Caller.Of(http).Roots);
        var page = await client.QueryInstancesAsync(query, cancellation);
        if (page.ContinuationToken is { } next)
        {
            http.Response.Headers[ContinuationToken] = next;
        }

        return TypedResults.Ok(page.Values.Select(run => InstanceStatus.Of(run, showInput, history: null)).ToArray());
    }

    private static async Task<Ok<InstancesDeleted>> PurgeAsync(string instance, DurableTaskClient client, CancellationToken cancellation) =>
        TypedResults.Ok(new InstancesDeleted((await RunsApi.PurgeAsync(instance, client, cancellation)).Value!.Count));

    private static async Task<Results<Ok<InstancesDeleted>, NotFound>> PurgeManyAsync(
        DurableTaskClient client, CancellationToken cancellation, DateTimeOffset? createdTimeFrom = null, DateTimeOffset? createdTimeTo = null, [FromQuery] string[]? runtimeStatus = null)
    {
        if (createdTimeFrom is null)
        {
            throw new BadRequestException("Say from when on: createdTimeFrom is missing.");
        }

        var count = await client.PurgeAllInstancesAsync(new(createdTimeFrom, Until(createdTimeTo), Statuses(runtimeStatus)), cancellation);
        return count == 0 ? TypedResults.NotFound() : TypedResults.Ok(new InstancesDeleted(count));
    }

    /// <summary>The time itself is meant, too; ours is until just before. The database counts in microseconds.</summary>
    private static DateTimeOffset? Until(DateTimeOffset? createdTimeTo) => createdTimeTo?.AddMicroseconds(1);

    private static OrchestrationRuntimeStatus[]? Statuses(string[]? given) => RunsApi.Statuses(given is { Length: > 0 } ? string.Join(',', given) : null);

    /// <summary>These answer with nothing but their status.</summary>
    private static async ValueTask<object?> OnlyTheStatusAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        await next(context);
        return TypedResults.Accepted((string?)null);
    }

    private static HttpStatusCode? StatusOf(Exception thrown) => thrown switch
    {
        UnknownPipelineException => HttpStatusCode.BadRequest,
        RunEndedException => HttpStatusCode.Gone,
        OrchestrationNotFailedException { HasEnded: true } => HttpStatusCode.Gone,
        OrchestrationNotFailedException or RunNotEndedException => HttpStatusCode.PreconditionFailed,
        _ => null,
    };
}

internal sealed record InstancesDeleted([property: System.Text.Json.Serialization.JsonPropertyName("instancesDeleted")] int Count);
