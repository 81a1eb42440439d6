using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Workflow.App.Api.Access;

/// <summary>What was changed, by whom.</summary>
internal static class AuditApi
{
    private const int MaxPage = 1_000;
    private const int Page = 100;

    public static void MapAudit(this IEndpointRouteBuilder routes) => routes.MapGet("/api/audit", ListAsync).Needs(Role.Admin).WithTags("Access").WithSummary("Who asked for which change, and how it ended.");

    private static async Task<Ok<AuditPage>> ListAsync(
        AuditTable audit, CancellationToken cancellation, string? pipeline = null, string? instance = null, DateTimeOffset? since = null, int top = Page, string? after = null)
    {
        long? last = null;
        if (after is not null)
        {
            last = long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out var entry)
                ? entry
                : throw new BadRequestException($"'{after}' is not the 'after' of a page; take it from the page before.");
        }

        return TypedResults.Ok(await audit.ListAsync(pipeline, instance, since, last, Math.Clamp(top, 1, MaxPage), cancellation));
    }
}
