using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>The configured pipelines, and starting them.</summary>
internal static class PipelinesApi
{
    public static void MapPipelines(this IEndpointRouteBuilder routes)
    {
        var pipelines = routes.MapGroup("/api/pipelines").WithTags("Pipelines");
        pipelines.MapGet("/", List).Needs(Role.Viewer).ByCaller().WithSummary("The configured pipelines.");
        pipelines.MapPost("/{name}/runs", StartAsync).Needs(Role.Operator).OfPipeline("name").WithSummary("Starts a run; its input is the body.")
            .WithDescription("With an Idempotency-Key or an instance id of the caller's own the same request again is the same run.");
    }

    private static Ok<PipelineView[]> List(Settings settings, HttpContext context) =>
        TypedResults.Ok(settings.Pipelines.Where(pipeline => Caller.Of(context).MaySee(pipeline.Name)).Select(PipelineView.From).ToArray());

    /// <summary>Starts a run. With an <c>Idempotency-Key</c> or an instance id the same request again is the same run.</summary>
    /// <param name="instance">An id of the caller's own.</param>
    private static async Task<Accepted<StartedRun>> StartAsync(
        string name, HttpContext http, Settings settings, Runs runs, DurableTaskClient client, CancellationToken cancellation,
        [FromBody] JsonNode? input = null, string? instance = null, [FromHeader(Name = "Idempotency-Key")] string? key = null)
    {
        var id = await BeginAsync(runs, name, input, instance ?? InstanceFor(settings.Find(name), key), cancellation);
        var started = await client.GetInstanceAsync(id, getInputsAndOutputs: true, cancellation) ?? throw new InstanceNotFoundException(id);
        AuditedChange.Of(http).Instance = id;
        var addresses = ManagementAddresses.Of(http.Request, id);
        http.Response.Headers.RetryAfter = DurableFunctionsApi.RetryAfterStart;
        return TypedResults.Accepted(addresses.StatusQueryGetUri, new StartedRun(Run.From(started), addresses));
    }

    /// <summary>Starts a run as a request asks for it.</summary>
    public static Task<string> BeginAsync(Runs runs, string pipeline, JsonNode? input, string? instance, CancellationToken cancellation)
    {
        if (input is not (null or JsonObject))
        {
            throw new BadRequestException("The input of a run is a JSON object, for example {\"object\":\"local://landing/csv/orders.csv\"}.");
        }

        BadRequestException.ThrowIfUnreadable(input);
        if (instance is "." or ".." || instance?.Contains('/', StringComparison.Ordinal) == true)
        {
            throw new BadRequestException($"'{instance}' cannot be an instance id here: it is part of addresses, so it holds no slash and is no dot.");
        }

        return runs.StartAsync(pipeline, input as JsonObject, instance, cancellation);
    }

    /// <summary>Of the pipeline's own name: addresses may write it otherwise.</summary>
    private static string? InstanceFor(Pipeline pipeline, string? key) => key switch
    {
        null => null,
        "" => throw new BadRequestException("The Idempotency-Key is empty, so it would be everybody's. Leave it out, or give one."),
        _ => Runs.InstanceFor(pipeline.Name, key),
    };
}

/// <summary>A configured pipeline as the API shows it.</summary>
/// <param name="Trigger">The prefix whose new objects start runs, or null.</param>
/// <param name="Schedule">When runs start by themselves, or null.</param>
internal sealed record PipelineView(string Name, string Kind, string Summary, string? Trigger, string? Schedule, JsonObject Options)
{
    public static PipelineView From(Pipeline pipeline) =>
        new(pipeline.Name, pipeline.Kind.Name, pipeline.Kind.Summary, pipeline.Trigger?.Prefix.ToString(), pipeline.Schedule?.Schedule.Text, pipeline.Options);
}
