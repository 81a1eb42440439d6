using System.Net;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.Cloud.Local;

namespace Workflow.App.Api;

/// <summary>Of an endpoint: it answers on loopback and nowhere else.</summary>
internal sealed record OnThisMachine;

/// <summary>
/// Under which names the service answers, and what is for this machine only. No request under a foreign host name (DNS rebinding), none that a
/// page of another origin sends. The stand-ins answer on loopback and nowhere else; they ask nobody for a key, so they take no body that a page
/// could send without being asked first.
/// </summary>
internal static class LocalCallers
{
    private static readonly string[] SentByProxies = ["Forwarded", "X-Forwarded-For"];

    public static TBuilder OnThisMachineOnly<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder => endpoint.WithMetadata(new OnThisMachine());

    /// <summary>After routing.</summary>
    public static void UseLocalCallers(this IApplicationBuilder app)
    {
        var hosts = new AnsweredHosts(app.ApplicationServices.GetRequiredService<ListenAddresses>(), app.ApplicationServices.GetRequiredService<AccessSettings>().Hosts);
        app.Use(async (context, next) =>
        {
            if (Refusal(context, hosts) is { } refusal)
            {
                await TypedResults.Problem(refusal.Why, statusCode: (int)refusal.Status).ExecuteAsync(context);
                return;
            }

            await next(context);
        });
    }

    private static (HttpStatusCode Status, string? Why)? Refusal(HttpContext context, AnsweredHosts hosts)
    {
        var request = context.Request;
        if (!hosts.Contain(request.Host.Host))
        {
            return (HttpStatusCode.MisdirectedRequest, $"This service answers under its addresses and the names in Access:Hosts, not under '{request.Host}'.");
        }

        if (request.Headers.Origin is [{ } origin] && origin != $"{request.Scheme}://{request.Host}")
        {
            return (HttpStatusCode.Forbidden, $"Requests from pages of '{origin}' are not taken.");
        }

        return context.GetEndpoint()?.Metadata.GetMetadata<OnThisMachine>() is null ? null : RefusalOfStandIn(context);
    }

    private static (HttpStatusCode Status, string? Why)? RefusalOfStandIn(HttpContext context)
    {
        if (!IsFromHere(context))
        {
            return (HttpStatusCode.NotFound, null);
        }

        var request = context.Request;
        var hasBody = request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0;
        return hasBody && !request.HasJsonContentType() && request.Headers.Authorization.Count == 0 && !ProvesItself(request.Path)
            ? (HttpStatusCode.UnsupportedMediaType, "Send the body as application/json.")
            : null;
    }

    /// <summary>What is sent there holds what it takes: a login its password, a call of AWS its signature or its token.</summary>
    private static bool ProvesItself(PathString path) => path == LocalSalesforce.LoginPath || path == LocalAws.Path;

    /// <summary>A program of this machine, and not a page in its browser: that has an origin, and may send JSON only where it was asked about and allowed to.</summary>
    public static bool IsProgramHere(HttpContext context) =>
        IsFromHere(context) && context.Request.Headers.Origin.Count == 0 && context.Request.HasJsonContentType();

    /// <summary>Not through a proxy on this machine either.</summary>
    public static bool IsFromHere(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote) && AnsweredHosts.IsLoopback(context.Request.Host.Host)
        && !SentByProxies.Any(context.Request.Headers.ContainsKey);

    /// <summary>On loopback only its own names. Elsewhere any address too: a name can be made to point here, an address cannot.</summary>
    private sealed record AnsweredHosts(ListenAddresses Listen, IReadOnlyList<string> Names)
    {
        public bool Contain(string host) => IsLoopback(host) || Names.Any(name => Matches(name, host)) || (!Listen.IsLoopback && IPAddress.TryParse(host.Trim('[', ']'), out _));

        public static bool IsLoopback(string host) =>
            host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

        private static bool Matches(string name, string host) =>
            name.StartsWith("*.", StringComparison.Ordinal) ? host.EndsWith(name[1..], StringComparison.OrdinalIgnoreCase) : name.Equals(host, StringComparison.OrdinalIgnoreCase);
    }
}
