using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Configuration;

namespace Workflow.App.Api.Access;

/// <summary>A key that was just made.</summary>
/// <param name="Key">The key itself; it is shown this once and kept nowhere.</param>
internal sealed record KeyCreated(string Id, string Key);

/// <summary>The keys that were given out: looked at, made and revoked.</summary>
internal static class KeysApi
{
    public static void MapKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/api/keys").WithTags("Access");
        keys.MapGet("/", async (ApiKeys keys, CancellationToken cancellation) => TypedResults.Ok(await keys.ListAsync(cancellation))).Needs(Role.Admin).WithSummary("The keys there are.");
        keys.MapPost("/", CreateAsync).Needs(Role.Admin).WithSummary("Makes a key, which is shown this once.");
        keys.MapDelete("/{key}", RevokeAsync).Needs(Role.Admin).WithSummary("Revokes a key.");
    }

    private static async Task<Created<KeyCreated>> CreateAsync(NewKey asked, ApiKeys keys, Settings settings, TimeProvider time, HttpResponse response, CancellationToken cancellation)
    {
        asked.Check(settings, time);
        var key = await keys.CreateAsync(asked, cancellation);
        response.Headers.CacheControl = "no-store";
        return TypedResults.Created($"/api/keys/{key.Id}", new KeyCreated(key.Id, key.Reveal()));
    }

    private static async Task<NoContent> RevokeAsync(string key, ApiKeys keys, CancellationToken cancellation) =>
        await keys.RevokeAsync(key, cancellation) ? TypedResults.NoContent() : throw new UnknownKeyException(key);
}

/// <summary>There is no such key.</summary>
internal sealed class UnknownKeyException(string id) : UsageException($"There is no key '{id}'. A key's id are the 12 digits after wf_.");
