using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>
/// Bodies are bounded. One that is too long is refused before it is read, and the server then drains what was on its way: a server that
/// hangs up instead leaves the caller with a broken connection and without the answer.
/// </summary>
internal static class BodyLimit
{
    // A payload may be 1 MiB as JSON; the rest is room for what it is sent in.
    private const int Longest = JsonDataConverter.MaxPayloadBytes + (64 << 10);

    /// <summary>Of a refused body, how much is drained for the sake of the answer, in bytes.</summary>
    public const int Drained = 32 << 20;

    /// <summary>After routing: an endpoint may say itself how much it takes. A request that a host of functions passes on has no server that would count.</summary>
    public static void UseBodyLimit(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var own = context.GetEndpoint()?.Metadata.GetMetadata<IRequestSizeLimitMetadata>();
        var longest = own is null ? Longest : own.MaxRequestBodySize;
        if (context.Request.ContentLength > longest)
        {
            throw new BadHttpRequestException($"The body is longer than {longest} bytes. Put the data into an object and send its address.", StatusCodes.Status413PayloadTooLarge);
        }

        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = longest;
        return next(context);
    });
}
