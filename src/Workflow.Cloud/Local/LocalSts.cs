using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

/// <summary>A role of the account.</summary>
/// <param name="TrustPolicy">Who may assume it: the JSON document that IAM takes.</param>
public sealed record LocalRole(string Arn, JsonObject TrustPolicy);

/// <summary>
/// A stand-in for AWS STS: sessions of roles, for those whom the role's trust policy allows. Web identity tokens are verified with the
/// keys of their issuer. Roles are made by POST <c>/local/aws/sts/roles</c> (a <see cref="LocalRole"/>), issuers that the account trusts
/// by POST <c>/local/aws/sts/providers</c> (a <see cref="LocalIdentityProvider"/>).
/// </summary>
public sealed partial class LocalSts(string dataFolder, LocalAwsSessions sessions, HttpClient http) : ILocalAwsService
{
    private const string AssumeRole = "AssumeRole";
    private const string AssumeRoleWithWebIdentity = "AssumeRoleWithWebIdentity";
    private const int UsualSeconds = 3_600;
    private const int LeastSeconds = 900;

    private readonly LocalAwsState<State> _state = new(dataFolder, "sts", TimeProvider.System);
    private readonly LocalWebIdentity _webIdentity = new(http);

    public string SigningName => "sts";

    public string? TargetPrefix => null;

    public bool TakesUnsigned(string operation) => operation == AssumeRoleWithWebIdentity;

    public Task PutRoleAsync(LocalRole role, CancellationToken cancellation) => _state.UpdateAsync(state => state.Roles[role.Arn] = role, cancellation);

    public Task PutProviderAsync(LocalIdentityProvider provider, CancellationToken cancellation) => _state.UpdateAsync(state => state.Providers[provider.Url] = provider, cancellation);

    public void Map(IEndpointRouteBuilder local)
    {
        local.MapPost("/roles", PutRoleAsync);
        local.MapPost("/providers", PutProviderAsync);
    }

    public Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation) => CallAsync(LocalAws.Root, operation, input, cancellation);

    public async Task<JsonObject> CallAsync(string? caller, string operation, JsonObject input, CancellationToken cancellation)
    {
        var (roles, providers) = await _state.ReadAsync(state => (state.Roles, state.Providers), cancellation);
        switch (operation)
        {
            case "GetCallerIdentity":
                return new() { ["Arn"] = caller, ["Account"] = LocalAws.Account, ["UserId"] = "STANDIN" };
            case AssumeRole:
                return await BeginAsync(input, operation, Find(input, roles, operation), "AWS", Names(caller!), External(input), cancellation);
            case AssumeRoleWithWebIdentity:
                var (provider, claims) = await _webIdentity.VerifyAsync(Text(input, "WebIdentityToken"), [.. providers.Values], sessions.Now, cancellation);
                var context = claims.Where(claim => claim.Value is JsonValue).ToDictionary(claim => $"{provider.Name}:{claim.Key}", claim => claim.Value!.ToString());
                return await BeginAsync(input, operation, Find(input, roles, operation), "Federated", [provider.Arn], context, cancellation);
            default:
                throw new LocalAwsException("InvalidAction", $"The stand-in does not do {operation}; it does {AssumeRole}, {AssumeRoleWithWebIdentity} and GetCallerIdentity.");
        }
    }

    private async Task<JsonObject> BeginAsync(
        JsonObject input, string operation, LocalRole role, string kind, IReadOnlyCollection<string> principals, Dictionary<string, string> context, CancellationToken cancellation)
    {
        var name = Text(input, "RoleSessionName");
        if (!SessionName().IsMatch(name))
        {
            throw Invalid($"Value '{name}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*");
        }

        if (!LocalTrustPolicy.Allows(role.TrustPolicy, $"sts:{operation}", kind, principals, context))
        {
            throw Denied(operation, role.Arn);
        }

        var caller = $"arn:aws:sts::{LocalAws.Account}:assumed-role/{role.Arn.Split('/')[^1]}/{name}";
        var session = await sessions.BeginAsync(caller, Lasting(input), cancellation);
        return new()
        {
            ["Credentials"] = new JsonObject
            {
                ["AccessKeyId"] = session.AccessKey,
                ["SecretAccessKey"] = session.SecretKey,
                ["SessionToken"] = session.Token,
                ["Expiration"] = session.Ends.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            },
            ["AssumedRoleUser"] = new JsonObject { ["Arn"] = caller, ["AssumedRoleId"] = $"AROASTANDIN:{name}" },
        };
    }

    /// <summary>A role that is not there is refused like one that may not be assumed: who asks is not told which.</summary>
    private static LocalRole Find(JsonObject input, Dictionary<string, LocalRole> roles, string operation) =>
        Text(input, "RoleArn") is var arn && roles.TryGetValue(arn, out var role) ? role : throw Denied(operation, arn);

    /// <summary>A session is its role, and the account, to a trust policy.</summary>
    private static IReadOnlyCollection<string> Names(string caller) =>
        caller.Split('/') is [_, var role, _] ? [caller, $"arn:aws:iam::{LocalAws.Account}:role/{role}", LocalAws.Root] : [caller, LocalAws.Account];

    private static Dictionary<string, string> External(JsonObject input) =>
        (string?)input["ExternalId"] is { } id ? new() { ["sts:ExternalId"] = id } : [];

    private static TimeSpan Lasting(JsonObject input)
    {
        var asked = (string?)input["DurationSeconds"];
        return asked is null ? TimeSpan.FromSeconds(UsualSeconds)
            : int.TryParse(asked, CultureInfo.InvariantCulture, out var seconds) && seconds is >= LeastSeconds and <= UsualSeconds ? TimeSpan.FromSeconds(seconds)
            : throw Invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    }

    private static string Text(JsonObject input, string name) =>
        (string?)input[name] is { Length: > 0 } text ? text : throw Invalid($"Value null at '{name}' failed to satisfy constraint: Member must not be null");

    private static LocalAwsException Invalid(string message) => new("ValidationError", message);

    private static LocalAwsException Denied(string operation, string role) =>
        new("AccessDenied", operation == AssumeRole ? $"User is not authorized to perform: sts:{operation} on resource: {role}" : $"Not authorized to perform sts:{operation}", StatusCodes.Status403Forbidden);

    [GeneratedRegex(@"\A[\w+=,.@-]{2,64}\z")]
    private static partial Regex SessionName();

    private sealed class State
    {
        public Dictionary<string, LocalRole> Roles { get; init; } = [];

        public Dictionary<string, LocalIdentityProvider> Providers { get; init; } = [];
    }
}
