using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Workflow.Data.Clustering;

/// <summary>
/// How rows become features, in the order of the features. They are kept beside the model, which names their version: rows prepared by
/// other rules mean something else and are refused.
/// </summary>
public sealed record FeatureRules(IReadOnlyList<FeatureRule> Rules)
{
    private const int VersionDigits = 16;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The beginning of the SHA-256 of <see cref="ToJson"/>: the same rules have the same version.</summary>
    public string Version => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(ToJson())))[..VersionDigits];

    /// <summary>The names of the features: the column's, and of a category <c>column=category</c>.</summary>
    public IReadOnlyList<string> Features =>
        [.. Rules.SelectMany(rule => rule is CategoryRule { Categories: var categories } ? categories.Select(category => $"{rule.Column}={category}") : [rule.Column])];

    public string ToJson() => JsonSerializer.Serialize(Rules, Json) + "\n";

    /// <exception cref="BadInputException">The text is not feature rules.</exception>
    public static FeatureRules Parse(string json)
    {
        try
        {
            return new(JsonSerializer.Deserialize<IReadOnlyList<FeatureRule>>(json, Json) ?? throw new JsonException("null"));
        }
        catch (Exception broken) when (broken is JsonException or NotSupportedException)
        {
            throw new BadInputException($"The feature rules are not readable: {broken.Message} Train a new model.", broken);
        }
    }
}
