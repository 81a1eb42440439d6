namespace Workflow.Cloud.Aws;

/// <summary>How a service of AWS is called.</summary>
/// <param name="Name">As settings and errors name it, one of <see cref="AwsEndpoints.Services"/>.</param>
/// <param name="SigningName">The service's name in a signature.</param>
public sealed record AwsService(string Name, string SigningName)
{
    /// <summary>What the SDK calls it: <c>AWS_ENDPOINT_URL_(SERVICE_ID)</c> is its endpoint variable.</summary>
    public string ServiceId { get; init; } = Name;

    /// <summary>The first label of its host names.</summary>
    public string EndpointPrefix { get; init; } = SigningName;

    /// <summary>Of the Query protocol, the API's version; of the JSON protocol, the prefix of its targets.</summary>
    public required string Api { get; init; }

    /// <summary>Of the JSON protocol.</summary>
    public string JsonVersion { get; init; } = "1.1";
}
