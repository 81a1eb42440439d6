using Azure.Core;

namespace Workflow.Cloud.Aws;

/// <summary>Who this process is at AWS. All that is left out is as the SDK's standard chain finds it: environment, profile, container, instance.</summary>
/// <param name="Region">For example <c>eu-central-1</c>.</param>
/// <param name="Profile">Of the shared configuration files.</param>
/// <param name="Roles">Assumed one after the other, each with the credentials of the one before; what is done is done as the last.</param>
public sealed record AwsIdentity(string? Region, string? Profile, IReadOnlyList<AwsRole> Roles)
{
    public static AwsIdentity Standard { get; } = new(null, null, []);

    /// <summary>Where given, the first role is assumed with this token of another issuer instead of credentials of AWS.</summary>
    public Func<CancellationToken, Task<string>>? WebToken { get; init; }

    /// <summary>A token that Azure gives our identity there, for example its managed identity's.</summary>
    /// <param name="audience">The application ID URI that the token is for, for example <c>api://aws-workflow</c>; AWS is to know it as the provider's client id.</param>
    public static Func<CancellationToken, Task<string>> AzureToken(TokenCredential identity, string audience)
    {
        var scope = new TokenRequestContext([audience.EndsWith("/.default", StringComparison.Ordinal) ? audience : $"{audience.TrimEnd('/')}/.default"]);
        return async cancellation => (await identity.GetTokenAsync(scope, cancellation)).Token;
    }

    /// <summary>A token that something else keeps fresh in a file, as Kubernetes does.</summary>
    public static Func<CancellationToken, Task<string>> TokenFile(string path) =>
        async cancellation => (await File.ReadAllTextAsync(path, cancellation)).Trim();
}

/// <summary>A role to assume.</summary>
/// <param name="ExternalId">What its trust policy asks for, where it does; not for the first role of a web token.</param>
/// <param name="SessionName">As CloudTrail shows us.</param>
public sealed record AwsRole(string Arn, string? ExternalId = null, string SessionName = AwsRole.UsualSessionName)
{
    public const string UsualSessionName = "workflow";
}
