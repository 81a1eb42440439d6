using System.IO.Enumeration;
using System.Text.Json.Nodes;

namespace Workflow.Cloud.Local;

/// <summary>Decides by a role's trust policy, the document that IAM takes, who may assume it.</summary>
internal static class LocalTrustPolicy
{
    /// <param name="action">For example <c>sts:AssumeRole</c>.</param>
    /// <param name="principals">Who asks, by any of the names the policy may have for it; of the kind <c>AWS</c> or <c>Federated</c>.</param>
    /// <param name="context">The condition keys of the request.</param>
    /// <exception cref="LocalAwsException">The policy has something that the stand-in does not know.</exception>
    public static bool Allows(JsonNode policy, string action, string kind, IReadOnlyCollection<string> principals, IReadOnlyDictionary<string, string> context)
    {
        var matching = Each(policy["Statement"]).OfType<JsonObject>()
            .Where(statement => Texts(statement["Action"]).Contains(action, StringComparer.OrdinalIgnoreCase)
                && Texts(statement["Principal"]?[kind]).Any(principals.Contains)
                && Holds(statement["Condition"] as JsonObject, context))
            .Select(statement => (string?)statement["Effect"])
            .ToList();
        return matching.Contains("Allow") && !matching.Contains("Deny");
    }

    private static bool Holds(JsonObject? conditions, IReadOnlyDictionary<string, string> context) =>
        conditions is null || conditions.All(condition => ((JsonObject)condition.Value!).All(key =>
            context.TryGetValue(key.Key, out var value) && Texts(key.Value).Any(wanted => Matches(condition.Key, wanted, value))));

    private static bool Matches(string comparison, string wanted, string value) => comparison switch
    {
        "StringEquals" => wanted == value,
        "StringLike" => FileSystemName.MatchesSimpleExpression(wanted, value, ignoreCase: false),
        _ => throw new LocalAwsException("MalformedPolicyDocument", $"The stand-in does not know the condition {comparison}; it knows StringEquals and StringLike."),
    };

    private static JsonNode?[] Each(JsonNode? one) => one is JsonArray many ? [.. many] : [one];

    private static IEnumerable<string> Texts(JsonNode? one) => Each(one).OfType<JsonValue>().Select(text => text.GetValue<string>());
}
