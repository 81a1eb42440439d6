using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Pipelines.IngestCheckIns;
using Workflow.Data.CheckIns;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>The check-ins of a user, from the table of the first configured pipeline of kind <c>ingest-check-ins</c>.</summary>
internal static class CheckInsApi
{
    private const int MaxPage = 1_000;
    private const string User = "user";

    public static void MapCheckIns(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/get", GetAll).Needs(Role.Viewer).ByCaller().WithTags("Check-ins").WithSummary("All check-ins of a user, in the words of the system before.");
        routes.MapGet("/api/check-ins/{user}", GetPageAsync).Needs(Role.Viewer).ByCaller().WithTags("Check-ins").WithSummary("The check-ins of a user, a page at a time.");
    }

    /// <summary>What those who called the system before know: one parameter, and no word about what was wrong with it.</summary>
    private static Results<Ok<CheckIns>, BadRequest<Refusal>> GetAll(HttpContext context, Settings settings, Warehouse warehouse, CancellationToken cancellation) =>
        context.Request.Query is { Count: 1 } query && query.TryGetValue(User, out var given) && given is [{ Length: > 0 } user] && IsText(user)
            ? TypedResults.Ok(new CheckIns(Table(settings, warehouse, context).OfUserAsync(user, cancellation)))
            : TypedResults.BadRequest(new Refusal("error bad request"));

    private static async Task<Ok<CheckInPage>> GetPageAsync(
        string user, Settings settings, Warehouse warehouse, HttpContext context, CancellationToken cancellation, int top = OrchestrationQuery.DefaultPageSize, string? after = null)
    {
        // A slash stays escaped in a path, and would be looked for as that.
        if (!IsText(user) || user.Contains("%2F", StringComparison.OrdinalIgnoreCase))
        {
            throw new BadRequestException("A user's name in a path holds no slash and no NUL. One with a slash is asked for by /get?user=.");
        }

        long last = 0;
        if (after is not null && !long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out last))
        {
            throw new BadRequestException($"'{after}' is not the 'after' of a page; take it from the page before.");
        }

        var limit = Math.Clamp(top, 1, MaxPage);

        // One more than is shown says whether there is another page.
        var rows = await Table(settings, warehouse, context).OfUserAsync(user, last, limit + 1, cancellation);
        return TypedResults.Ok(new CheckInPage([.. rows.Take(limit).Select(row => row.CheckIn)], rows.Count > limit ? $"{rows[limit - 1].Id}" : null));
    }

    private static bool IsText(string user) => !user.Contains('\0', StringComparison.Ordinal);

    private static CheckInTable Table(Settings settings, Warehouse warehouse, HttpContext context)
    {
        var pipeline = settings.Pipelines.FirstOrDefault(pipeline => pipeline.Configured is IngestCheckInsInput);
        return Caller.Of(context).MaySee(pipeline?.Name ?? "")
            ? new(warehouse.Source, ((IngestCheckInsInput?)pipeline?.Configured ?? new()).Target())
            : throw new AccessRefusedException(StatusCodes.Status403Forbidden, AccessRefusedException.NotAllowed);
    }
}

/// <summary>All check-ins of a user, written as they are read.</summary>
internal sealed record CheckIns(IAsyncEnumerable<CheckIn> Response);

/// <summary>One page of a user's check-ins, in the order they were loaded.</summary>
/// <param name="After">Asks for the next page; null on the last.</param>
internal sealed record CheckInPage(IReadOnlyList<CheckIn> CheckIns, string? After);

internal sealed record Refusal(string Message);
