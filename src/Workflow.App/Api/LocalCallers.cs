using System.Net;
using Workflow.Cloud.Local;

namespace Workflow.App.Api;

/// <summary>
/// Loopback keeps other machines out, but not the pages in this machine's browser. So: no request under a foreign host name
/// (DNS rebinding), none that another origin sends, and no body that is neither JSON nor signed: a page can send neither without being asked first.
/// </summary>
internal static class LocalCallers
{
    public static void UseLocalCallersOnly(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        if (Refusal(context.Request) is { } refusal)
        {
            await TypedResults.Problem(refusal.Why, statusCode: (int)refusal.Status).ExecuteAsync(context);
            return;
        }

        await next(context);
    });

    private static (HttpStatusCode Status, string Why)? Refusal(HttpRequest request)
    {
        if (!IsLoopback(request.Host.Host))
        {
            return (HttpStatusCode.MisdirectedRequest, $"This service answers under localhost, 127.0.0.1 and [::1], not under '{request.Host}'.");
        }

        if (request.Headers.Origin is [{ } origin] && origin != $"{request.Scheme}://{request.Host}")
        {
            return (HttpStatusCode.Forbidden, $"Requests from pages of '{origin}' are not taken.");
        }

        var hasBody = request.ContentLength > 0 || request.Headers.TransferEncoding.Count > 0;
        return hasBody && !request.HasJsonContentType() && request.Headers.Authorization.Count == 0 && request.Path != LocalSalesforce.LoginPath
            ? (HttpStatusCode.UnsupportedMediaType, "Send the body as application/json.")
            : null;
    }

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
