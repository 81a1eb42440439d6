using System.Text.RegularExpressions;
using Azure.Core;
using Workflow.Cloud.Aws;

namespace Workflow.App.Configuration;

/// <summary>Where the token comes from that the first of the roles is assumed with.</summary>
internal enum WebIdentitySource
{
    /// <summary>From Azure, for the identity of the section <c>Azure</c>.</summary>
    Azure,

    /// <summary>From a file that something else keeps fresh.</summary>
    File,
}

/// <summary>The section <c>Aws</c>: where each service of AWS is, and who we are there.</summary>
internal sealed partial record AwsSettings
{
    public const string Section = "Aws";

    public EndpointSettings Endpoints { get; init; } = new();

    public string? Region { get; init; }

    public string? Profile { get; init; }

    /// <summary>Assumed one after the other.</summary>
    public IReadOnlyList<RoleSettings> Roles { get; init; } = [];

    public WebIdentitySettings? WebIdentity { get; init; }

    public static AwsSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var given = SettingsReader.Read<AwsSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        CheckIdentity(given, errors);
        return given;
    }

    /// <summary>By the names in <see cref="AwsEndpoints.Services"/>.</summary>
    public IReadOnlyDictionary<string, AwsEndpoint> ReadEndpoints(SettingErrors errors)
    {
        var given = Endpoints;
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

    /// <param name="azure">Who we are on Azure; asked only where the token comes from there.</param>
    public AwsIdentity ToIdentity(Func<TokenCredential> azure) =>
        new(Region, Profile, [.. Roles.Select(role => new AwsRole(role.Arn!, role.ExternalId, role.SessionName ?? AwsRole.UsualSessionName))])
        {
            WebToken = WebIdentity switch
            {
                null => null,
                { Source: WebIdentitySource.File } file => AwsIdentity.TokenFile((file.TokenFile ?? EnvironmentTokenFile)!),
                { Audience: var audience } => AwsIdentity.AzureToken(azure(), audience!),
            },
        };

    private static string? EnvironmentTokenFile => Environment.GetEnvironmentVariable("AWS_WEB_IDENTITY_TOKEN_FILE") is { Length: > 0 } file ? file : null;

    private static void CheckIdentity(AwsSettings given, SettingErrors errors)
    {
        foreach (var (index, role) in given.Roles.Index())
        {
            var key = $"{Section}:{nameof(Roles)}:{index}";
            if (!RoleArn().IsMatch(role.Arn ?? ""))
            {
                errors.Add($"{key}:{nameof(role.Arn)}", role.Arn, "write the role's ARN, for example arn:aws:iam::123456789012:role/workflow");
            }

            if (role.SessionName is { } name && !SessionName().IsMatch(name))
            {
                errors.Add($"{key}:{nameof(role.SessionName)}", name, "write 2 to 64 letters, digits and _ + = , . @ -");
            }
        }

        if (given.WebIdentity is not { } web)
        {
            return;
        }

        var section = $"{Section}:{nameof(WebIdentity)}";
        if (given.Roles.Count == 0)
        {
            errors.Add($"{Section}:{nameof(Roles)}", null, $"name the role that is assumed with the token of {section}");
        }

        if (given.Profile is not null)
        {
            errors.Add($"{Section}:{nameof(Profile)}", given.Profile, $"leave it out: the first role is assumed with the token of {section}");
        }

        if (web.Source == WebIdentitySource.Azure && string.IsNullOrWhiteSpace(web.Audience))
        {
            errors.Add($"{section}:{nameof(web.Audience)}", web.Audience, "write the application ID URI that AWS knows as the provider's client id, for example api://aws-workflow");
        }

        if (web.Source == WebIdentitySource.File && (web.TokenFile ?? EnvironmentTokenFile) is null)
        {
            errors.Add($"{section}:{nameof(web.TokenFile)}", null, "name the file with the token, here or in AWS_WEB_IDENTITY_TOKEN_FILE");
        }
    }

    [GeneratedRegex(@"\Aarn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+\z")]
    private static partial Regex RoleArn();

    [GeneratedRegex(@"\A[\w+=,.@-]{2,64}\z")]
    private static partial Regex SessionName();

    internal sealed record RoleSettings
    {
        public string? Arn { get; init; }

        public string? ExternalId { get; init; }

        public string? SessionName { get; init; }
    }

    internal sealed record WebIdentitySettings
    {
        public WebIdentitySource Source { get; init; }

        public string? Audience { get; init; }

        public string? TokenFile { get; init; }
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
