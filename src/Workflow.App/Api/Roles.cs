namespace Workflow.App.Api;

/// <summary>What a caller may do; each role may do what the ones before it may.</summary>
internal enum Role
{
    /// <summary>Looks.</summary>
    Viewer,

    /// <summary>Starts and steers runs.</summary>
    Operator,

    /// <summary>Says who may call, and removes what was.</summary>
    Admin,
}

/// <summary>Of an endpoint: the role its caller needs.</summary>
internal sealed record NeededRole(Role Role);

/// <summary>Of an endpoint: nobody is asked who they are.</summary>
/// <param name="Why">What makes up for it.</param>
internal sealed record OpenEndpoint(string Why);

/// <summary>Each endpoint says who may call it: one that says nothing is nobody's.</summary>
internal static class Roles
{
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, Role role) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new NeededRole(role));

    public static TBuilder OpenTo<TBuilder>(this TBuilder endpoint, string why) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new OpenEndpoint(why));
}
