using System.Text;
using System.Text.Json.Nodes;
using Workflow.Cloud.Aws;

namespace Workflow.Cloud.Secrets;

/// <summary>
/// Secrets of AWS Secrets Manager, by name or ARN; an ARN says the region, too. <c>name?stage=AWSPREVIOUS</c> and <c>name?version=ID</c> are
/// versions other than the current one. A secret that is not a JSON object is one field, <see cref="Secret.ValueField"/>; binary that is
/// not text is its base64.
/// </summary>
public sealed class AwsSecretStore(AwsEndpoints endpoints) : ISecretStore
{
    private static readonly AwsService Service = new("SecretsManager", "secretsmanager") { ServiceId = "Secrets Manager", Api = "secretsmanager" };

    private readonly AwsJsonClient _client = new(Service, endpoints);

    public async Task<Secret> GetAsync(string name, CancellationToken cancellation)
    {
        var (id, input) = Parse(name);
        try
        {
            return Read(name, await _client.CallAsync("GetSecretValue", input, RegionOf(id), cancellation));
        }
        catch (AwsRefusedException refused)
        {
            throw new SecretException($"The secret '{name}' cannot be read: {(refused.Code is { } code ? $"{code}, {refused.Reason} {NextMove(code, id)}" : refused.Reason)}");
        }
        catch (AwsException failed)
        {
            throw new SecretUnavailableException($"The secret '{name}' could not be read this time: {failed.Message}", failed);
        }
    }

    private static (string Id, JsonObject Input) Parse(string name) => name.Split('?', 2) switch
    {
        [var id] => (id, new() { ["SecretId"] = id }),
        [var id, var which] when which.StartsWith("stage=", StringComparison.Ordinal) => (id, new() { ["SecretId"] = id, ["VersionStage"] = which["stage=".Length..] }),
        [var id, var which] when which.StartsWith("version=", StringComparison.Ordinal) => (id, new() { ["SecretId"] = id, ["VersionId"] = which["version=".Length..] }),
        _ => throw new SecretException($"'{name}' is no name for a secret: after the question mark write stage=AWSPREVIOUS or version=ID."),
    };

    private static string? RegionOf(string id) => id.Split(':') is ["arn", _, "secretsmanager", { Length: > 0 } region, ..] ? region : null;

    private static Secret Read(string name, JsonObject answer)
    {
        if ((string?)answer["SecretString"] is { } text)
        {
            return Secret.FromText(name, text);
        }

        var bytes = Convert.FromBase64String((string?)answer["SecretBinary"] ?? throw new SecretException($"The secret '{name}' has no value. Put one in."));
        try
        {
            return Secret.FromText(name, new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes));
        }
        catch (DecoderFallbackException)
        {
            return Secret.OfValue(name, Convert.ToBase64String(bytes));
        }
    }

    private static string NextMove(string code, string id) => code switch
    {
        "ResourceNotFoundException" => "Create it, or name one that is in the region of the settings, or by its ARN.",
        "AccessDeniedException" => $"Allow secretsmanager:GetSecretValue on {id}, and kms:Decrypt where it has a key of its own.",
        "DecryptionFailure" => "Check the key that it is encrypted with.",
        "InvalidRequestException" => "Where it is scheduled for deletion, restore it.",
        _ => "Check the name and the credentials.",
    };
}
