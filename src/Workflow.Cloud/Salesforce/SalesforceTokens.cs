using System.Collections.Concurrent;

namespace Workflow.Cloud.Salesforce;

/// <summary>An access token and the instance that takes it.</summary>
internal sealed record SalesforceToken(Uri Instance, string Value)
{
    public override string ToString() => $"token for {Instance}";
}

/// <summary>The access tokens of this process, in memory only, so that not every step logs in again: logins are limited, too.</summary>
public sealed class SalesforceTokens
{
    private readonly ConcurrentDictionary<string, SalesforceToken> _byCredentials = new();

    internal SalesforceToken? Find(SalesforceCredentials credentials) => _byCredentials.GetValueOrDefault(credentials.Key);

    internal void Keep(SalesforceCredentials credentials, SalesforceToken token) => _byCredentials[credentials.Key] = token;

    /// <summary>Forgets a token, unless another has taken its place.</summary>
    internal void Forget(SalesforceCredentials credentials, SalesforceToken token) => _byCredentials.TryRemove(new(credentials.Key, token));
}
