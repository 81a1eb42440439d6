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

    /// <summary>After routing: an endpoint that says itself how much it takes is left alone.</summary>
    public static void UseBodyLimit(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<IRequestSizeLimitMetadata>() is null)
        {
            if (context.Request.ContentLength > Longest)
            {
                throw new BadHttpRequestException($"The body is longer than {Longest} bytes. Put the data into an object and send its address.", StatusCodes.Status413PayloadTooLarge);
            }

            context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = Longest;
        }

        return next(context);
    });
}
