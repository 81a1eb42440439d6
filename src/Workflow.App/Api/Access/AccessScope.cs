using Workflow.App.Triggers.Schedules;
using Workflow.Durable;

namespace Workflow.App.Api.Access;

/// <summary>Of an endpoint: which of its route's parameters names the pipeline it is about.</summary>
internal sealed record PipelineParameter(string Name);

/// <summary>Of an endpoint: it shows each caller only what they may see.</summary>
internal sealed record ShowsByCaller;

/// <summary>
/// What an endpoint is about, for callers who see some pipelines only: the pipeline it names, or the run that its route's parameter
/// <c>instance</c> names. One that says nothing of the kind is about the installation as a whole, and not for them.
/// </summary>
internal static class AccessScopes
{
    private const string Run = "instance";

    public static TBuilder OfPipeline<TBuilder>(this TBuilder endpoint, string parameter) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new PipelineParameter(parameter));

    public static TBuilder ByCaller<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new ShowsByCaller());

    public static bool IsOfRun(this RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<PipelineParameter>() is null && endpoint.RoutePattern.GetParameter(Run) is not null;

    public static string? PipelineOf(this RouteEndpoint endpoint, HttpContext context) =>
        endpoint.Metadata.GetMetadata<PipelineParameter>() is { } parameter ? context.GetRouteValue(parameter.Name)?.ToString() : null;

    public static string? RunOf(this RouteEndpoint endpoint, HttpContext context) => endpoint.IsOfRun() ? context.GetRouteValue(Run)?.ToString() : null;

    /// <summary>The id that a start of a pipeline gives to its run, or null.</summary>
    public static string? StartedOf(this RouteEndpoint endpoint, HttpContext context) =>
        endpoint.IsOfRun() ? null : context.GetRouteValue(Run)?.ToString() ?? (context.Request.Query[Run] is { Count: > 0 } given ? given.ToString() : null);
}

/// <summary>Which pipeline a run belongs to: that of the outermost run that waits for it.</summary>
internal sealed class RunOwners(DurableTaskClient client)
{
    private const int Deepest = 100;

    /// <returns>Null where there is no such run, or what it belonged to has been purged.</returns>
    public async Task<string?> FindPipelineAsync(string instance, CancellationToken cancellation)
    {
        for (var depth = 0; depth < Deepest; depth++)
        {
            if (await client.GetInstanceAsync(instance, getInputsAndOutputs: false, cancellation) is not { } run)
            {
                return null;
            }

            if (run.ParentInstanceId is not { } parent)
            {
                return Backfill.PipelineOf(run) ?? run.Name;
            }

            instance = parent;
        }

        return null;
    }
}
