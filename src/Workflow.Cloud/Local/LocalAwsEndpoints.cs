using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

public static class LocalAwsEndpoints
{
    private const int LargestRequest = 1 << 20;

    /// <summary>
    /// Maps the stand-in: the services at one address (POST <see cref="LocalAws.Path"/>), what shows their state below it by their signing
    /// names, and faults on command (POST <c>/local/aws/faults</c>, a <see cref="LocalAwsFault"/>).
    /// </summary>
    public static IEndpointRouteBuilder MapLocalAws(this IEndpointRouteBuilder endpoints, LocalAws aws)
    {
        var local = endpoints.MapGroup(LocalAws.Path);
        local.MapPost("/", (HttpRequest request, CancellationToken cancellation) => aws.AnswerAsync(request, cancellation)).WithMetadata(new RequestSizeLimitAttribute(LargestRequest));
        local.MapPost("/faults", (LocalAwsFault fault) => aws.Fail(fault));
        foreach (var service in aws.Services)
        {
            service.Map(local.MapGroup($"/{service.SigningName}"));
        }

        return endpoints;
    }
}
