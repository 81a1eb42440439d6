using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.Cloud.Local;

/// <summary>Reads what a call of the JSON protocol was given, and refuses what is missing.</summary>
public static class LocalAwsInput
{
    /// <exception cref="LocalAwsException">It is missing, empty or no text.</exception>
    public static string Text(JsonObject input, string name) =>
        input[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.GetValue<string>() is { Length: > 0 } text ? text : throw Missing(name);

    /// <exception cref="LocalAwsException">It is missing or no object.</exception>
    public static JsonObject Structure(JsonObject input, string name) => input[name] as JsonObject ?? throw Missing(name);

    /// <exception cref="LocalAwsException">It is missing, no list, or too long.</exception>
    public static IReadOnlyList<JsonObject> Structures(JsonObject input, string name, int most) =>
        input[name] is not JsonArray list ? throw Missing(name)
        : list.Count <= most ? [.. list.OfType<JsonObject>()]
        : throw new LocalAwsException("ValidationException", $"1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must have length less than or equal to {most}");

    /// <summary>The page that <c>MaxResults</c> and <c>NextToken</c> ask for.</summary>
    /// <param name="next">The token of the page after it; null where there is none.</param>
    public static IReadOnlyList<T> Page<T>(IReadOnlyList<T> all, JsonObject input, int most, out string? next)
    {
        if (!int.TryParse((string?)input["NextToken"] ?? "0", CultureInfo.InvariantCulture, out var from))
        {
            throw new LocalAwsException("InvalidInputException", "NextToken is none that was given out.");
        }

        var size = Math.Min((int?)input["MaxResults"] ?? most, most);
        next = from + size < all.Count ? $"{from + size}" : null;
        return [.. all.Skip(from).Take(size)];
    }

    private static LocalAwsException Missing(string name) =>
        new("ValidationException", $"1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null");
}
