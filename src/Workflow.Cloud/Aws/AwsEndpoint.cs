using System.Diagnostics.CodeAnalysis;
using Amazon;
using Amazon.Runtime;
using Workflow.Cloud.Local;
using Workflow.Cloud.Outbound;

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
/// <param name="guard">Has a look at where they lead.</param>
public sealed class AwsEndpoints(IReadOnlyDictionary<string, AwsEndpoint> byService, Func<Uri> localAddress, OutboundGuard guard)
{
    /// <summary>The names that settings know the services by.</summary>
    public static IReadOnlyList<string> Services { get; } = ["DMS", "DynamoDB", "Glue", "SageMaker", "SecretsManager", "SNS", "SQS", "STS"];

    /// <summary>How long an attempt of a call may take.</summary>
    internal TimeSpan AnswerWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The address of the service that the stand-ins are mapped into.</summary>
    public Uri LocalAddress => localAddress();

    /// <summary>Who signs the calls; null for the SDK's standard chain.</summary>
    public AwsCredentials? Credentials { get; private init; }

    public AwsEndpoint For(string service) => byService.GetValueOrDefault(service, AwsEndpoint.Aws);

    /// <summary>The same endpoints, called by somebody.</summary>
    public AwsEndpoints SignedBy(AwsCredentials credentials) => new(byService, localAddress, guard) { Credentials = credentials, AnswerWithin = AnswerWithin };

    /// <summary>What a service is called with; null for what the SDK finds by itself.</summary>
    public AWSCredentials? CredentialsFor(string service) =>
        Credentials is { } credentials ? credentials.For(For(service)) : For(service).IsLocal ? LocalAws.Credentials : null;

    /// <summary>Says in an SDK client's settings where the service is, how long it may take to answer, and that it is called through the guard.</summary>
    /// <param name="region">Null for the region that the SDK finds by itself.</param>
    public void Configure(ClientConfig config, string service, RegionEndpoint? region)
    {
        config.Timeout = AnswerWithin;
        config.HttpClientFactory = new AwsHttpClients(guard);
        switch (For(service))
        {
            case { IsLocal: true }:
                config.ServiceURL = new Uri(LocalAddress, LocalAws.Path).ToString();
                config.AuthenticationRegion = region?.SystemName ?? LocalAws.Region;
                break;
            case { Url: { } url }:
                config.AuthenticationRegion = region?.SystemName ?? config.RegionEndpoint?.SystemName ?? LocalAws.Region;
                config.ServiceURL = url.ToString();
                break;
            default:
                config.RegionEndpoint = region ?? config.RegionEndpoint;
                break;
        }
    }
}
