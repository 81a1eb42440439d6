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
        routes.MapGet("/api/pipelines", List).Needs(Role.Viewer).ByCaller();
        routes.MapPost("/api/pipelines/{name}/runs", StartAsync).Needs(Role.Operator).OfPipeline("name");
    }

    private static Ok<PipelineView[]> List(Settings settings, HttpContext context) =>
        TypedResults.Ok(settings.Pipelines.Where(pipeline => Caller.Of(context).MaySee(pipeline.Name)).Select(PipelineView.From).ToArray());

    /// <summary>Starts a run. With an <c>Idempotency-Key</c> or an instance id the same request again is the same run.</summary>
    private static async Task<Accepted<Run>> StartAsync(
        string name, Runs runs, DurableTaskClient client, HttpContext context, CancellationToken cancellation,
        [FromBody] JsonNode? input = null, string? instance = null, [FromHeader(Name = "Idempotency-Key")] string? key = null)
    {
        if (input is not (null or JsonObject))
        {
            throw new BadRequestException("The input of a run is a JSON object, for example {\"object\":\"local://landing/csv/orders.csv\"}.");
        }

        if (instance?.Contains('/', StringComparison.Ordinal) == true)
        {
            throw new BadRequestException($"'{instance}' cannot be an instance id here: it is part of addresses, so it holds no slash.");
        }

        var id = await runs.StartAsync(name, input as JsonObject, instance ?? (key is null ? null : Runs.InstanceFor(name, key)), cancellation);
        AuditedChange.Of(context).Instance = id;
        var started = await client.GetInstanceAsync(id, getInputsAndOutputs: true, cancellation) ?? throw new InstanceNotFoundException(id);
        return TypedResults.Accepted($"/api/runs/{Uri.EscapeDataString(id)}", Run.From(started));
    }
}

/// <summary>A configured pipeline as the API shows it.</summary>
/// <param name="Trigger">The prefix whose new objects start runs, or null.</param>
/// <param name="Schedule">When runs start by themselves, or null.</param>
internal sealed record PipelineView(string Name, string Kind, string Summary, string? Trigger, string? Schedule, JsonObject Options)
{
    public static PipelineView From(Pipeline pipeline) =>
        new(pipeline.Name, pipeline.Kind.Name, pipeline.Kind.Summary, pipeline.Trigger?.Prefix.ToString(), pipeline.Schedule?.Schedule.Text, pipeline.Options);
}
