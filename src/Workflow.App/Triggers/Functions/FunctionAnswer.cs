using System.Text.Json.Nodes;

namespace Workflow.App.Triggers.Functions;

/// <summary>What the host reads of an answer: always all three parts, and never an empty body, on which it would wait for ever.</summary>
internal static class FunctionAnswer
{
    public static JsonObject Empty() => Of([], null);

    /// <summary>A value of the trigger's own. A text stays one, which nobody on the way reads as a date or a number.</summary>
    public static JsonObject Return(string value) => Of([], value);

    /// <summary>The value of an output binding.</summary>
    public static JsonObject Output(string binding, JsonNode value) => Of(new() { [binding] = value }, null);

    private static JsonObject Of(JsonObject outputs, string? value) => new() { ["Outputs"] = outputs, ["Logs"] = new JsonArray(), ["ReturnValue"] = value };
}
