using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Workflow.Cloud.Local;

/// <summary>The next version of a secret.</summary>
/// <param name="Text">Its value; null for <paramref name="Binary"/>.</param>
/// <param name="Binary">In base64.</param>
public sealed record LocalSecretVersion(string Name, string? Text, string? Binary = null);

/// <summary>
/// A stand-in for AWS Secrets Manager: values by name or ARN, stage and version. POST <c>/local/aws/secretsmanager/secrets</c>, a
/// <see cref="LocalSecretVersion"/>, makes a secret or rotates it; what it holds is shown to nobody, only how often it was read.
/// </summary>
public sealed class LocalSecretsManager(string dataFolder, TimeProvider time) : ILocalAwsService
{
    private const string Current = "AWSCURRENT";
    private const string Previous = "AWSPREVIOUS";

    private readonly LocalAwsState<State> _state = new(dataFolder, "secretsmanager", time);

    public string SigningName => "secretsmanager";

    public string? TargetPrefix => "secretsmanager";

    /// <summary>As AWS writes it, with six characters that nobody has chosen.</summary>
    public static string ArnOf(string name) => $"arn:aws:secretsmanager:{LocalAws.Region}:{LocalAws.Account}:secret:{name}-local0";

    /// <summary>Makes a secret, or its next version: the one before stays as <c>AWSPREVIOUS</c>.</summary>
    /// <returns>The version's id.</returns>
    public Task<string> PutAsync(LocalSecretVersion version, CancellationToken cancellation) =>
        _state.UpdateAsync(state => state.Put(version, time.GetUtcNow()), cancellation);

    /// <summary>Takes a secret away, as after its deletion.</summary>
    public Task DeleteAsync(string name, CancellationToken cancellation) => _state.UpdateAsync(state => state.Secrets.Remove(name), cancellation);

    /// <summary>How often each secret was read.</summary>
    public Task<IReadOnlyDictionary<string, int>> ReadsAsync(CancellationToken cancellation) =>
        _state.ReadAsync(IReadOnlyDictionary<string, int> (state) => state.Secrets.ToDictionary(secret => secret.Key, secret => secret.Value.Reads), cancellation);

    public void Map(IEndpointRouteBuilder local)
    {
        local.MapPost("/secrets", PutAsync);
        local.MapGet("/reads", ReadsAsync);
    }

    public Task<JsonObject> CallAsync(string operation, JsonObject input, CancellationToken cancellation) => operation == "GetSecretValue"
        ? _state.UpdateAsync(state => state.Get(input), cancellation)
        : throw new LocalAwsException("UnknownOperationException", $"The stand-in does not do {operation}; it does GetSecretValue.");

    private sealed record Version(string Id, string? Text, string? Binary, DateTimeOffset Created)
    {
        public List<string> Stages { get; init; } = [];
    }

    private sealed class Kept
    {
        public List<Version> Versions { get; init; } = [];

        public int Reads { get; set; }
    }

    private sealed class State
    {
        public Dictionary<string, Kept> Secrets { get; init; } = [];

        public string Put(LocalSecretVersion given, DateTimeOffset now)
        {
            if (!Secrets.TryGetValue(given.Name, out var kept))
            {
                Secrets[given.Name] = kept = new();
            }

            foreach (var version in kept.Versions)
            {
                version.Stages.Remove(Previous);
                if (version.Stages.Remove(Current))
                {
                    version.Stages.Add(Previous);
                }
            }

            var next = new Version(Guid.NewGuid().ToString(), given.Text, given.Binary, now) { Stages = [Current] };
            kept.Versions.Add(next);
            return next.Id;
        }

        public JsonObject Get(JsonObject input)
        {
            var id = LocalAwsInput.Text(input, "SecretId");
            var (name, kept) = Secrets.FirstOrDefault(secret => id == secret.Key || id == ArnOf(secret.Key));
            if (kept is null)
            {
                throw NotFound("Secrets Manager can't find the specified secret.");
            }

            var (stage, asked) = ((string?)input["VersionStage"], (string?)input["VersionId"]);
            var version = kept.Versions.Find(one => asked is null ? one.Stages.Contains(stage ?? Current) : one.Id == asked && (stage is null || one.Stages.Contains(stage)))
                ?? throw NotFound($"Secrets Manager can't find the specified secret value for {(asked is null ? $"staging label: {stage}" : $"VersionId: {asked}")}");
            kept.Reads++;
            var answer = new JsonObject
            {
                ["ARN"] = ArnOf(name),
                ["Name"] = name,
                ["VersionId"] = version.Id,
                ["VersionStages"] = new JsonArray([.. version.Stages]),
                ["CreatedDate"] = version.Created.ToUnixTimeMilliseconds() / 1000.0,
            };
            answer[version.Text is null ? "SecretBinary" : "SecretString"] = version.Text ?? version.Binary;
            return answer;
        }

        private static LocalAwsException NotFound(string message) => new("ResourceNotFoundException", message, StatusCodes.Status400BadRequest);
    }
}
