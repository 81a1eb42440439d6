using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api.Access;
using Workflow.App.Notifications;

namespace Workflow.App.Api;

/// <summary>The messages about runs, those that were sent and those that were not.</summary>
internal static class NotificationsApi
{
    private const int Page = 100;
    private const int MaxPage = 1_000;

    public static void MapNotifications(this IEndpointRouteBuilder routes) => routes.MapGet("/api/notifications", ListAsync).Needs(Role.Viewer).ByCaller().WithTags("Notifications").WithSummary("What was told to people and programs about runs.");

    /// <summary>The newest first; the next page is what was created before the last one of this.</summary>
    private static async Task<Ok<IReadOnlyList<SentNotification>>> ListAsync(
        NotificationLog log, HttpContext context, CancellationToken cancellation, string? pipeline = null, string? instance = null, DateTimeOffset? before = null, int top = Page) =>
        TypedResults.Ok(await log.ListAsync(Caller.Of(context).Among(pipeline), instance, before, Math.Clamp(top, 1, MaxPage), cancellation));
}
