using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>A run as Durable Functions' management API shows it.</summary>
/// <param name="Output">What it returned; why it failed; the reason it was terminated for.</param>
/// <param name="CreatedTime">In UTC, to the second.</param>
internal sealed record InstanceStatus(
    string Name,
    string InstanceId,
    OrchestrationRuntimeStatus RuntimeStatus,
    JsonElement? Input,
    JsonElement? CustomStatus,
    JsonElement? Output,
    string CreatedTime,
    string LastUpdatedTime,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<InstanceHistory>? HistoryEvents)
{
    public static InstanceStatus Of(OrchestrationMetadata run, bool showInput, IReadOnlyList<InstanceHistory>? history) => new(
        run.Name,
        run.InstanceId,
        run.RuntimeStatus,
        showInput ? run.ReadInputAs<JsonElement?>() : null,
        run.ReadCustomStatusAs<JsonElement?>(),
        run.FailureDetails is { } failure ? JsonSerializer.SerializeToElement(failure.ErrorMessage) : run.ReadOutputAs<JsonElement?>(),
        Time(run.CreatedAt),
        Time(run.LastUpdatedAt),
        history);

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("s", CultureInfo.InvariantCulture) + "Z";
}

/// <summary>One line of an instance's history, in that API's words: what was done stands with when it was asked for.</summary>
internal sealed record InstanceHistory(
    [property: JsonPropertyName("EventType")] string EventType,
    [property: JsonPropertyName("Timestamp")] DateTime Timestamp,
    [property: JsonPropertyName("ScheduledTime"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] DateTime? ScheduledTime = null,
    [property: JsonPropertyName("FunctionName"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? FunctionName = null,
    [property: JsonPropertyName("Name"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Name = null,
    [property: JsonPropertyName("FireAt"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? FireAt = null,
    [property: JsonPropertyName("OrchestrationStatus"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? OrchestrationStatus = null,
    [property: JsonPropertyName("Result"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] JsonElement? Result = null,
    [property: JsonPropertyName("Reason"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason = null)
{
    private static readonly string[] Asked = ["TaskScheduled", "SubOrchestrationInstanceCreated", "TimerCreated"];

    /// <param name="showOutput">With what steps returned and events brought.</param>
    public static IReadOnlyList<InstanceHistory> Of(IReadOnlyList<OrchestrationHistoryEvent> history, bool showOutput)
    {
        var asked = history.Where(line => Asked.Contains(line.Type)).ToDictionary(line => line.TaskId!.Value);
        var answered = history.Where(line => !Asked.Contains(line.Type) && line.TaskId is not null).Select(line => line.TaskId!.Value).ToHashSet();
        return
        [
            .. history
                .Where(line => line.Type is not ("OrchestratorStarted" or "OrchestratorCompleted") && !(Asked.Contains(line.Type) && answered.Contains(line.TaskId!.Value)))
                .Select(line => Of(line, line.TaskId is { } step && !Asked.Contains(line.Type) ? asked.GetValueOrDefault(step) : null, showOutput)),
        ];
    }

    private static InstanceHistory Of(OrchestrationHistoryEvent line, OrchestrationHistoryEvent? asked, bool showOutput)
    {
        var isTimer = line.Type is "TimerCreated" or "TimerFired";
        var isNamedByEvent = line.Type is "EventRaised" or "EventSent";
        var isEnd = line.Type == "ExecutionCompleted";
        var brings = line.Type is "TaskCompleted" or "SubOrchestrationInstanceCompleted" or "ExecutionCompleted" or "EventRaised";
        return new(
            line.Type,
            line.Timestamp.UtcDateTime,
            asked?.Timestamp.UtcDateTime,
            FunctionName: isNamedByEvent || isEnd ? null : line.Name ?? asked?.Name,
            Name: isNamedByEvent ? line.Name : null,
            FireAt: isTimer ? line.Data : null,
            OrchestrationStatus: isEnd ? line.Name : null,
            Result: brings && showOutput && line.Data is { } data ? JsonSerializer.Deserialize<JsonElement>(data) : null,
            Reason: line.Failure?.ErrorMessage ?? (line.Type is "ExecutionRewound" or "GenericEvent" ? line.Data : null));
    }
}
