using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Workflow.App.Triggers.Schedules;
using Workflow.Durable;

namespace Workflow.App.Api.Access;

/// <summary>Who calls, and what they may.</summary>
/// <param name="Name">As the audit and the log call them.</param>
/// <param name="Role">Null for one who proved who they are and has been given nothing.</param>
/// <param name="Pipelines">The only pipelines they see and steer; null for all.</param>
internal sealed record Caller(string Name, Role? Role, IReadOnlySet<string>? Pipelines)
{
    /// <summary>Who called an endpoint that asks for a role.</summary>
    public static Caller Of(HttpContext context) => context.Features.GetRequiredFeature<Caller>();

    public bool MaySee(string pipeline) => Pipelines?.Contains(pipeline) ?? true;

    /// <summary>The runs they see: those of their pipelines and the backfills of these, with what runs below; null for all.</summary>
    public IReadOnlyCollection<OrchestrationRoot>? Roots => Pipelines?.SelectMany(pipeline => new[] { new OrchestrationRoot(pipeline), Backfill.Of(pipeline) }).ToArray();

    /// <summary>Of the pipelines asked for (null for all), those they may see; null for all.</summary>
    public IReadOnlyList<string>? Among(string? pipeline) => pipeline is null ? Pipelines?.ToArray() : MaySee(pipeline) ? [pipeline] : [];

    /// <summary>Null stands for all pipelines; a list stands for itself, an empty one for none.</summary>
    public static IReadOnlySet<string>? Scope(IEnumerable<string>? pipelines) => pipelines?.ToHashSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Where a request comes from.</summary>
    public static IPAddress AddressOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address ? address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address : IPAddress.None;
}

/// <summary>What became of a credential: a caller, or why there is none, for the log and never for the answer.</summary>
internal readonly record struct Recognition(Caller? Caller, string? Refusal)
{
    public static Recognition Refused(string why) => new(null, why);
}
