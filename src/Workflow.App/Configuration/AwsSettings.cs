using Workflow.Cloud.Aws;

namespace Workflow.App.Configuration;

/// <summary>The section <c>Aws</c>: where each service of AWS is.</summary>
internal sealed record AwsSettings
{
    public const string Section = "Aws";

    public EndpointSettings Endpoints { get; init; } = new();

    public static IReadOnlyDictionary<string, AwsEndpoint> Load(IConfiguration sources, SettingErrors errors)
    {
        var given = SettingsReader.Read<AwsSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors).Endpoints;
        var written = new Dictionary<string, string?>
        {
            [nameof(given.DMS)] = given.DMS,
            [nameof(given.DynamoDB)] = given.DynamoDB,
            [nameof(given.Glue)] = given.Glue,
            [nameof(given.SageMaker)] = given.SageMaker,
            [nameof(given.SecretsManager)] = given.SecretsManager,
            [nameof(given.SNS)] = given.SNS,
            [nameof(given.SQS)] = given.SQS,
            [nameof(given.STS)] = given.STS,
        };
        var endpoints = new Dictionary<string, AwsEndpoint>();
        foreach (var (service, setting) in written)
        {
            if (service == nameof(given.SQS) && setting?.Equals("local", StringComparison.OrdinalIgnoreCase) == true)
            {
                errors.Add($"{Section}:{nameof(Endpoints)}:{service}", setting, "there is no stand-in for SQS; write aws, or the address of a server of its protocol such as http://127.0.0.1:4566");
            }
            else if (AwsEndpoint.TryParse(setting, out var endpoint))
            {
                endpoints[service] = endpoint;
            }
            else
            {
                errors.Add($"{Section}:{nameof(Endpoints)}:{service}", setting, "write local for the stand-in, aws for AWS itself, or an address such as http://127.0.0.1:4566");
            }
        }

        return endpoints;
    }

    internal sealed record EndpointSettings
    {
        public string? DMS { get; init; }

        public string? DynamoDB { get; init; }

        public string? Glue { get; init; }

        public string? SageMaker { get; init; }

        public string? SecretsManager { get; init; }

        public string? SNS { get; init; }

        public string? SQS { get; init; }

        public string? STS { get; init; }
    }
}
