using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.SecurityToken;
using Amazon.SecurityToken.Model;
using Azure.Identity;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Local;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;

namespace Workflow.Cloud.Aws;

/// <summary>
/// The one place that hands out credentials of AWS. Roles are assumed when somebody first needs them, and their sessions are renewed
/// before they end.
/// </summary>
public sealed class AwsCredentials
{
    private const string Sts = "STS";

    // Longer than any of those who issue them lets them live.
    private static readonly TimeSpan TokensAreKnownFor = TimeSpan.FromDays(1);

    private readonly AwsIdentity _identity;
    private readonly AwsEndpoints _endpoints;
    private readonly KnownSecrets _known;
    private readonly TimeProvider _time;
    private readonly ILogger<AwsCredentials> _log;

    public AwsCredentials(AwsIdentity identity, AwsEndpoints endpoints, KnownSecrets known, TimeProvider time, ILogger<AwsCredentials> log)
    {
        (_identity, _endpoints, _known, _time, _log) = (identity, endpoints, known, time, log);
        Region = RegionOf(identity);
        Credentials = Chain();
    }

    /// <summary>Null for the region that the SDK finds by itself.</summary>
    public RegionEndpoint? Region { get; }

    /// <summary>Null for the credentials that the SDK finds by itself.</summary>
    public AWSCredentials? Credentials { get; }

    /// <summary>What a service is called with; null for what the SDK finds by itself. What is real is not shown to a stand-in.</summary>
    public AWSCredentials? For(AwsEndpoint endpoint) =>
        !endpoint.IsLocal || (_identity.Roles.Count > 0 && _endpoints.For(Sts).IsLocal) ? Credentials : LocalAws.Credentials;

    private AWSCredentials? Chain()
    {
        var credentials = _endpoints.For(Sts).IsLocal && _identity.Roles.Count > 0 ? LocalAws.Credentials : OfProfile();
        foreach (var (index, role) in _identity.Roles.Index())
        {
            var begin = index == 0 && _identity.WebToken is { } token ? AssumeWith(role, token) : AssumeWith(role, credentials);
            credentials = new SessionCredentials(role.Arn, begin, _known, _time, _log);
        }

        return credentials;
    }

    private Func<CancellationToken, Task<AwsSession>> AssumeWith(AwsRole role, AWSCredentials? credentials) => cancellation => AskAsync(nameof(IAmazonSecurityTokenService.AssumeRoleAsync), role, async () =>
    {
        using var client = Client(credentials);
        var request = new AssumeRoleRequest { RoleArn = role.Arn, RoleSessionName = role.SessionName, ExternalId = role.ExternalId };
        return AwsSession.From((await client.AssumeRoleAsync(request, cancellation)).Credentials);
    });

    private Func<CancellationToken, Task<AwsSession>> AssumeWith(AwsRole role, Func<CancellationToken, Task<string>> webToken) => async cancellation =>
    {
        var token = await TokenAsync(role, webToken, cancellation);
        _known.Learn(token, _time.GetUtcNow() + TokensAreKnownFor);
        return await AskAsync(nameof(IAmazonSecurityTokenService.AssumeRoleWithWebIdentityAsync), role, async () =>
        {
            using var client = Client(new AnonymousAWSCredentials());
            var request = new AssumeRoleWithWebIdentityRequest { RoleArn = role.Arn, RoleSessionName = role.SessionName, WebIdentityToken = token };
            return AwsSession.From((await client.AssumeRoleWithWebIdentityAsync(request, cancellation)).Credentials);
        });
    };

    private static async Task<string> TokenAsync(AwsRole role, Func<CancellationToken, Task<string>> webToken, CancellationToken cancellation)
    {
        try
        {
            return await webToken(cancellation);
        }
        catch (Exception missing) when (missing is AuthenticationFailedException or IOException or UnauthorizedAccessException)
        {
            throw new AwsException(Sts, "AssumeRoleWithWebIdentity", null, $"there is no token to assume {role.Arn} with: {missing.Message} Check Aws:WebIdentity.", missing);
        }
    }

    private static async Task<AwsSession> AskAsync(string call, AwsRole role, Func<Task<AwsSession>> ask)
    {
        var operation = call[..^"Async".Length];
        try
        {
            return await ask();
        }
        catch (AmazonServiceException answered) when (AwsFailures.IsAnswer(answered))
        {
            var reason = $"{answered.Message} Check Aws:Roles and the trust policy of {role.Arn}.";
            throw AwsFailures.MayPass(answered)
                ? new AwsException(Sts, operation, answered.ErrorCode, reason, answered)
                : new AwsRefusedException(Sts, operation, answered.ErrorCode, reason, answered);
        }
        catch (OutboundRefusedException closed)
        {
            throw new AwsRefusedException(Sts, operation, null, closed.Message, closed);
        }
        catch (Exception failed) when (AwsFailures.IsOfTheWay(failed))
        {
            throw new AwsException(Sts, operation, null, $"{AwsFailures.Reason(failed)} Check Aws:Endpoints:STS, Aws:Region and the network.", failed);
        }
    }

    private AmazonSecurityTokenServiceClient Client(AWSCredentials? credentials)
    {
        var config = new AmazonSecurityTokenServiceConfig();
        _endpoints.Configure(config, Sts, Region);
        return credentials is null ? new(config) : new(credentials, config);
    }

    private AWSCredentials? OfProfile() =>
        _identity.Profile is not { } name ? null
        : new CredentialProfileStoreChain().TryGetAWSCredentials(name, out var credentials) ? credentials
        : throw new AwsRefusedException(Sts, "credentials", null, $"there is no profile '{name}' with credentials in the shared configuration files. Check Aws:Profile.", null);

    private static RegionEndpoint? RegionOf(AwsIdentity identity) =>
        identity.Region is { } region ? RegionEndpoint.GetBySystemName(region)
        : identity.Profile is { } name && new CredentialProfileStoreChain().TryGetProfile(name, out var profile) ? profile.Region
        : null;
}
