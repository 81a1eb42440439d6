using Azure.Core;
using Azure.Identity;

namespace Workflow.Cloud.Azure;

/// <summary>Who this process is to Azure.</summary>
public enum AzureIdentityKind
{
    /// <summary>The first that answers, as everywhere on Azure: environment, workload identity, managed identity, Azure CLI.</summary>
    Default,

    /// <summary>The identity of the machine, function app or container.</summary>
    ManagedIdentity,

    /// <summary>A service account's token file, as Kubernetes mounts it.</summary>
    WorkloadIdentity,

    /// <summary><c>AZURE_TENANT_ID</c>, <c>AZURE_CLIENT_ID</c> and a secret or certificate.</summary>
    Environment,

    /// <summary>Whoever did <c>az login</c>.</summary>
    Cli,
}

/// <param name="ClientId">Of a user-assigned managed identity, or of the workload's application; null for the only one there is.</param>
/// <param name="TenantId">Null for the home tenant.</param>
public sealed record AzureIdentityOptions(AzureIdentityKind Kind = AzureIdentityKind.Default, string? ClientId = null, string? TenantId = null);

/// <summary>
/// The one place that makes credentials of Azure. What it makes keeps tokens in memory and asks for new ones before they end:
/// make one per process, and ask it for a token each time one is needed.
/// </summary>
public static class AzureIdentity
{
    public static TokenCredential Create(AzureIdentityOptions identity) => Create(identity, _ => { });

    /// <param name="configure">How the token services are reached, and how often.</param>
    internal static TokenCredential Create(AzureIdentityOptions identity, Action<ClientOptions> configure) => identity.Kind switch
    {
        AzureIdentityKind.ManagedIdentity => new ManagedIdentityCredential(With(configure, new ManagedIdentityCredentialOptions(ManagedIdentity(identity)))),
        AzureIdentityKind.WorkloadIdentity => new WorkloadIdentityCredential(
            With(configure, new WorkloadIdentityCredentialOptions { ClientId = identity.ClientId ?? Variable("AZURE_CLIENT_ID"), TenantId = identity.TenantId ?? Variable("AZURE_TENANT_ID") })),
        AzureIdentityKind.Environment => new EnvironmentCredential(With(configure, new EnvironmentCredentialOptions())),
        AzureIdentityKind.Cli => new AzureCliCredential(new AzureCliCredentialOptions { TenantId = identity.TenantId }),
        _ => new DefaultAzureCredential(With(configure, FirstThatAnswers(identity))),
    };

    private static ManagedIdentityId ManagedIdentity(AzureIdentityOptions identity) =>
        identity.ClientId is { } client ? ManagedIdentityId.FromUserAssignedClientId(client) : ManagedIdentityId.SystemAssigned;

    private static DefaultAzureCredentialOptions FirstThatAnswers(AzureIdentityOptions identity) => new()
    {
        TenantId = identity.TenantId ?? Variable("AZURE_TENANT_ID"),
        ManagedIdentityClientId = identity.ClientId ?? Variable("AZURE_CLIENT_ID"),
        WorkloadIdentityClientId = identity.ClientId ?? Variable("AZURE_CLIENT_ID"),
        // A service asks nobody at a keyboard.
        ExcludeInteractiveBrowserCredential = true,
        ExcludeBrokerCredential = true,
        ExcludeVisualStudioCredential = true,
        ExcludeVisualStudioCodeCredential = true,
        ExcludeAzurePowerShellCredential = true,
        ExcludeAzureDeveloperCliCredential = true,
    };

    private static T With<T>(Action<ClientOptions> configure, T options) where T : ClientOptions
    {
        configure(options);
        return options;
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
