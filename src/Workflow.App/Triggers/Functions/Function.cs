using System.Text.Json.Nodes;
using Workflow.App.Pipelines;

namespace Workflow.App.Triggers.Functions;

/// <summary>What the host asks a function for.</summary>
internal enum FunctionKind
{
    /// <summary>One turn of an instance.</summary>
    Orchestration,

    /// <summary>One attempt at an activity.</summary>
    Activity,

    /// <summary>A request to the API.</summary>
    Http,

    /// <summary>A tick of a pipeline's schedule may be due.</summary>
    Timer,

    /// <summary>An object of a pipeline's has come.</summary>
    Blob,

    /// <summary>An event has come that tells of objects.</summary>
    Queue,
}

/// <summary>One function of the app: its name is that of its folder and of what it is asked under.</summary>
/// <param name="Bindings">The trigger first.</param>
/// <param name="Pipeline">Whose trigger it is; null where it is not one pipeline's.</param>
internal sealed record Function(string Name, FunctionKind Kind, IReadOnlyList<JsonObject> Bindings, Pipeline? Pipeline = null)
{
    public const string FileName = "function.json";

    /// <summary>The name under which the trigger's data comes.</summary>
    public string Trigger => Bindings[0]["name"]!.GetValue<string>();

    /// <summary>What its <c>function.json</c> says.</summary>
    public JsonObject ToJson() => new() { ["bindings"] = new JsonArray([.. Bindings.Select(binding => binding.DeepClone())]) };
}
