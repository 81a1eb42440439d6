using System.Diagnostics.CodeAnalysis;

namespace Workflow.Cloud.Aws;

/// <summary>Where a service of AWS is: at AWS, at an address of its own, or the stand-in on this machine.</summary>
/// <param name="IsLocal">The stand-in.</param>
/// <param name="Url">The address of its own; null for the other two.</param>
public sealed record AwsEndpoint(bool IsLocal, Uri? Url)
{
    /// <summary>As the standard AWS settings say: region, and <c>AWS_ENDPOINT_URL</c> where one is given.</summary>
    public static AwsEndpoint Aws { get; } = new(false, null);

    public static AwsEndpoint Local { get; } = new(true, null);

    /// <param name="setting"><c>local</c>, <c>aws</c> or an address; null or empty is <c>aws</c>.</param>
    public static bool TryParse(string? setting, [NotNullWhen(true)] out AwsEndpoint? endpoint)
    {
        endpoint = setting?.ToLowerInvariant() switch
        {
            null or "" or "aws" => Aws,
            "local" => Local,
            _ when Uri.TryCreate(setting, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps) => new(false, url),
            _ => null,
        };
        return endpoint is not null;
    }

    public override string ToString() => IsLocal ? "local" : Url?.ToString() ?? "aws";
}

/// <summary>The endpoint of each service, as configured.</summary>
/// <param name="byService">By the names in <see cref="Services"/>; a service that is absent is at AWS.</param>
/// <param name="localAddress">Where the stand-ins answer; asked at the first call, because a service knows its address only once it has started.</param>
public sealed class AwsEndpoints(IReadOnlyDictionary<string, AwsEndpoint> byService, Func<Uri> localAddress)
{
    /// <summary>The names that settings know the services by.</summary>
    public static IReadOnlyList<string> Services { get; } = ["DMS", "DynamoDB", "Glue", "SageMaker", "SecretsManager", "SNS", "SQS", "STS"];

    /// <summary>The address of the service that the stand-ins are mapped into.</summary>
    public Uri LocalAddress => localAddress();

    public AwsEndpoint For(string service) => byService.GetValueOrDefault(service, AwsEndpoint.Aws);
}
