using System.Net;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>A request did not prove where it comes from. Its reason is for the log; the sender learns nothing.</summary>
/// <param name="status">Another where the sender may try again.</param>
internal sealed class UntrustedException(string reason, HttpStatusCode status = HttpStatusCode.Forbidden) : Exception(reason)
{
    public HttpStatusCode Status => status;
}

/// <summary>Answers all that is refused alike, and says in the log why.</summary>
internal static class Untrusted
{
    /// <param name="entrance">As logs and counters name it.</param>
    public static TBuilder RefusesUntrusted<TBuilder>(this TBuilder endpoint, string entrance) where TBuilder : IEndpointConventionBuilder => endpoint.AddEndpointFilter(async (context, next) =>
    {
        try
        {
            return await next(context);
        }
        catch (UntrustedException refused)
        {
            var services = context.HttpContext.RequestServices;
            services.GetRequiredService<EventCounts>().Refused(entrance);
            services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(Untrusted)).LogWarning(
                "A request to {Entrance} from {Caller} is refused: {Reason}", entrance, context.HttpContext.Connection.RemoteIpAddress, refused.Message);
            return TypedResults.Text("", statusCode: (int)refused.Status);
        }
    });
}
