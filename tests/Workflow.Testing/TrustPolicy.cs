using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Workflow.Testing;

/// <summary>The trust policy that Terraform gives the role, filled in as Terraform fills it in.</summary>
public static class TrustPolicy
{
    /// <param name="provider">The issuer without its scheme.</param>
    public static JsonObject ForEntra(string providerArn, string provider, string audience, string subject) => JsonNode.Parse(
        File.ReadAllText(Path.Combine(Folder, "trust", "entra.json"))
            .Replace("${provider_arn}", providerArn, StringComparison.Ordinal)
            .Replace("${provider}", provider, StringComparison.Ordinal)
            .Replace("${audience}", audience, StringComparison.Ordinal)
            .Replace("${subject}", subject, StringComparison.Ordinal))!.AsObject();

    /// <summary><c>infra/aws</c> of the checkout.</summary>
    public static string Folder { get; } = Find();

    private static string Find([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "infra", "aws"));
}
