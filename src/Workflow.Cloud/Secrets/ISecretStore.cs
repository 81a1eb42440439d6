namespace Workflow.Cloud.Secrets;

/// <summary>A place that keeps named secrets.</summary>
public interface ISecretStore
{
    /// <exception cref="SecretException">There is no such secret, or it cannot be read; the message says what to do, and never what is in it.</exception>
    Task<Secret> GetAsync(string name, CancellationToken cancellation);
}
