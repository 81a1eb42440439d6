using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.Data.Mapping;

/// <summary>The DuckDB type that all values of a column fit, from the structure that DuckDB finds in them.</summary>
internal static class JsonType
{
    private const string Text = "varchar";

    /// <param name="structure">As <c>json_group_structure</c> gives it: <c>{"a":"UBIGINT","b":["VARCHAR"]}</c>.</param>
    /// <param name="wide">Some whole numbers are too large for a bigint.</param>
    public static string Of(string? structure, bool wide) => structure is null ? Text : Of(JsonNode.Parse(structure), wide);

    public static bool IsNested(string type) => type.EndsWith("[]", StringComparison.Ordinal) || type.StartsWith("struct(", StringComparison.Ordinal);

    private static string Of(JsonNode? structure, bool wide) => structure switch
    {
        JsonArray { Count: 1 } list => $"{Of(list[0], wide)}[]",
        // Names that differ in case only are one to DuckDB: such an object stays JSON text.
        JsonObject parts when parts.Select(part => part.Key.ToLowerInvariant()).Distinct().Count() == parts.Count =>
            $"struct({string.Join(", ", parts.Select(part => $"{SqlText.Identifier(part.Key)} {Of(part.Value, wide)}"))})",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>() switch
        {
            "BOOLEAN" => "boolean",
            "UBIGINT" or "BIGINT" or "HUGEINT" => wide ? "decimal(38,0)" : "bigint",
            "DOUBLE" => "double",
            // Texts, nothing but nulls, and values that have no type in common.
            _ => Text,
        },
        _ => Text,
    };
}
