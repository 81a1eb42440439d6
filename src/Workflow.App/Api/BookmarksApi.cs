using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api.Access;
using Workflow.App.Bookmarks;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;

namespace Workflow.App.Api;

/// <param name="Count">Objects.</param>
internal sealed record BookmarksChanged(int Count);

/// <summary>Which objects a pipeline has processed: looked at, set, and forgotten so that they are taken again.</summary>
internal static class BookmarksApi
{
    private const int MaxPage = 10_000;
    private const int Page = 1_000;

    public static void MapBookmarks(this IEndpointRouteBuilder routes)
    {
        var bookmarks = routes.MapGroup("/api/pipelines/{name}/bookmarks").OfPipeline("name").WithTags("Bookmarks");
        bookmarks.MapGet("/", ListAsync).Needs(Role.Viewer).WithSummary("Which objects a pipeline has processed.");
        bookmarks.MapPut("/", SetAsync).Needs(Role.Operator).WithSummary("Marks an object, or all under a prefix, as processed.");
        bookmarks.MapDelete("/", ForgetAsync).Needs(Role.Operator).WithSummary("Forgets what was processed, so that it is taken again.");
    }

    private static async Task<Ok<IReadOnlyList<Bookmark>>> ListAsync(string name, Settings settings, BookmarkTable bookmarks, CancellationToken cancellation, int top = Page) =>
        TypedResults.Ok(await bookmarks.ListAsync(Find(settings, name), Math.Clamp(top, 1, MaxPage), cancellation));

    /// <summary>Marks an object, or all objects under a prefix, as processed as they are now.</summary>
    private static async Task<Ok<BookmarksChanged>> SetAsync(
        string name, string @object, Settings settings, ObjectStores stores, BookmarkTable bookmarks, CancellationToken cancellation)
    {
        var pipeline = Find(settings, name);
        if (!ObjectAddress.TryParse(@object, out var address))
        {
            throw new BadRequestException($"'{@object}' is not an object address. Write scheme://bucket/key, or a prefix that ends in a slash.");
        }

        var count = 0;
        await foreach (var found in stores.For(address).ListAsync(address, cancellation))
        {
            if (address.Name.Length == 0 || found.Address == address)
            {
                await bookmarks.SetAsync(pipeline, "set by hand", found.Address.ToString(), found.ETag, movedTo: null, cancellation);
                count++;
            }
        }

        return TypedResults.Ok(new BookmarksChanged(count));
    }

    /// <param name="after">Only what was processed after this time.</param>
    private static async Task<Ok<BookmarksChanged>> ForgetAsync(
        string name, Settings settings, BookmarkTable bookmarks, CancellationToken cancellation, DateTimeOffset? after = null)
    {
        var pipeline = Find(settings, name);
        return TypedResults.Ok(new BookmarksChanged(after is { } time
            ? await bookmarks.RewindAsync(pipeline, time, cancellation)
            : await bookmarks.ResetAsync(pipeline, cancellation)));
    }

    private static string Find(Settings settings, string name) => settings.Find(name) is { Kind.KeepsBookmarks: true } pipeline
        ? pipeline.Name
        : throw new BadRequestException($"Pipeline '{name}' keeps no bookmarks: it takes whatever it is given.");
}
