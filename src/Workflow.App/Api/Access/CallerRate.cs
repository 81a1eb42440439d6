using System.Globalization;
using System.Threading.RateLimiting;
using Workflow.App.Configuration;

namespace Workflow.App.Api.Access;

/// <summary>How much one caller may ask; who is not asked for a name counts by address. The stand-ins are left alone: it is our own work that calls them.</summary>
internal static class CallerRate
{
    private const int SecondsAtOnce = 5;

    public static IServiceCollection AddCallerRate(this IServiceCollection services, AccessSettings access) => services.AddRateLimiter(limits =>
    {
        limits.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
        limits.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => context.GetEndpoint()?.Metadata.GetMetadata<OnThisMachine>() is not null
            ? RateLimitPartition.GetNoLimiter("")
            : RateLimitPartition.GetTokenBucketLimiter(context.Features.Get<Caller>()?.Name ?? $"{Caller.AddressOf(context)}", _ => new TokenBucketRateLimiterOptions
            {
                TokensPerPeriod = access.RequestsPerSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
                TokenLimit = SecondsAtOnce * access.RequestsPerSecond,
            }));
        limits.OnRejected = async (rejected, cancellation) =>
        {
            var wait = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : TimeSpan.FromSeconds(1);
            rejected.HttpContext.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await TypedResults.Problem($"More than {access.RequestsPerSecond} requests a second are not taken from one caller (Access:RequestsPerSecond).", statusCode: StatusCodes.Status429TooManyRequests)
                .ExecuteAsync(rejected.HttpContext);
        };
    });
}
