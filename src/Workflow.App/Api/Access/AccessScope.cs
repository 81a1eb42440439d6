using Workflow.App.Triggers.Schedules;
using Workflow.Durable;

namespace Workflow.App.Api.Access;

/// <summary>Of an endpoint: which of its route's parameters names the pipeline it is about.</summary>
internal sealed record PipelineParameter(string Name);

/// <summary>Of an endpoint: which of its route's parameters names the run it is about.</summary>
internal sealed record RunParameter(string Name);

/// <summary>Of an endpoint: it shows each caller only what they may see.</summary>
internal sealed record ShowsByCaller;

/// <summary>
/// An endpoint says what it is about, for callers who see some pipelines only. One that says nothing is about the installation as a whole,
/// and not for them.
/// </summary>
internal static class AccessScopes
{
    public static TBuilder OfPipeline<TBuilder>(this TBuilder endpoint, string parameter) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new PipelineParameter(parameter));

    public static TBuilder OfRun<TBuilder>(this TBuilder endpoint, string parameter) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new RunParameter(parameter));

    public static TBuilder ByCaller<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new ShowsByCaller());
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
