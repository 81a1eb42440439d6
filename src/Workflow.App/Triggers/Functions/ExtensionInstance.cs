using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.Durable;

namespace Workflow.App.Triggers.Functions;

/// <summary>An instance as the extension's management API shows it.</summary>
internal sealed record ExtensionInstance(
    string Name, string InstanceId, OrchestrationRuntimeStatus RuntimeStatus, JsonElement Input, JsonElement CustomStatus, JsonElement Output,
    DateTimeOffset CreatedTime, DateTimeOffset LastUpdatedTime)
{
    /// <summary>It does not tell parents and tags, and of the end of an instance only when it was last changed.</summary>
    public OrchestrationMetadata ToMetadata(bool inputsAndOutputs)
    {
        var hasEnded = RuntimeStatus is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated or OrchestrationRuntimeStatus.Canceled;
        var failed = RuntimeStatus == OrchestrationRuntimeStatus.Failed;
        return new(
            Name,
            InstanceId,
            RuntimeStatus,
            CreatedTime,
            LastUpdatedTime,
            hasEnded ? LastUpdatedTime : null,
            inputsAndOutputs ? Text(Input) : null,
            inputsAndOutputs && !failed ? Text(Output) : null,
            Text(CustomStatus),
            failed ? OrchestrationTurn.ReadFailure(Text(Output)) : null);
    }

    private static string? Text(JsonElement value) => value.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null ? null : value.GetRawText();
}

/// <summary>A line of an instance's history as the management API shows it.</summary>
internal static class ExtensionHistory
{
    public static OrchestrationHistoryEvent ToEvent(JsonObject line) => new(
        Text(line, "Timestamp") is { } time ? DateTimeOffset.Parse(time, System.Globalization.CultureInfo.InvariantCulture) : default,
        Text(line, "EventType") ?? "Unknown",
        line["TaskScheduledId"] is JsonValue id && id.TryGetValue<int>(out var number) ? number : null,
        Text(line, "FunctionName") ?? Text(line, "Name"),
        (line["Result"] ?? line["Input"])?.ToJsonString() ?? Text(line, "FireAt"),
        Text(line, "Reason") is { } reason ? new TaskFailureDetails("Unknown", reason) : null);

    private static string? Text(JsonObject line, string name) => line[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
