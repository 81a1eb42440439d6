using Workflow.App.Configuration;
using Workflow.App.Hosting;

namespace Workflow.App.Api.Access;

/// <summary>What it takes to ask callers who they are.</summary>
internal static class AccessRegistration
{
    private const int LongestDocument = 1 << 20;
    private static readonly TimeSpan IssuerAnswersWithin = TimeSpan.FromSeconds(10);

    /// <summary>On loopback the owner of the data folder has a key from the first start on; anywhere else somebody has to make one.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services, ServiceOptions options, AccessSettings access)
    {
        services.AddHttpClient(OidcKeys.Client).ConfigureHttpClient(http =>
        {
            http.Timeout = IssuerAnswersWithin;
            http.MaxResponseContentBufferSize = LongestDocument;
        });
        return services
            .AddSingleton(access)
            .AddSingleton(options.Listen)
            .AddSingleton(options.Listen.IsLoopback ? LocalKey.Ensure(options.Data) : LocalKey.Find(options.Data))
            .AddSingleton<ApiKeys>().AddSingleton<OidcKeys>().AddSingleton<OidcTokens>().AddSingleton<Credentials>().AddSingleton<FailedAttempts>()
            .AddSingleton<RunOwners>().AddSingleton<AuditTable>()
            .AddCallerRate(access);
    }

    /// <summary>After routing: who calls, how often, and whether they may.</summary>
    public static void UseAccess(this IApplicationBuilder app) => app.UseMiddleware<Authentication>().UseRateLimiter().UseMiddleware<Authorization>();
}
