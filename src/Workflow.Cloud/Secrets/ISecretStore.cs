namespace Workflow.Cloud.Secrets;

/// <summary>A place that keeps named secrets.</summary>
public interface ISecretStore
{
    /// <exception cref="SecretException">There is no such secret, or it cannot be read; the message says what to do, and never what is in it.</exception>
    /// <exception cref="SecretUnavailableException">The place could not be asked this time.</exception>
    Task<Secret> GetAsync(string name, CancellationToken cancellation);
}

/// <summary>Which store a secret is in: names that begin with <see cref="LocalPrefix"/> are always in the local one.</summary>
/// <param name="Configured">Where the others are; may be the local one.</param>
public sealed record SecretStores(LocalSecretStore Local, ISecretStore Configured)
{
    public const string LocalPrefix = "local/";

    public ISecretStore For(string name) => name.StartsWith(LocalPrefix, StringComparison.Ordinal) ? Local : Configured;
}
