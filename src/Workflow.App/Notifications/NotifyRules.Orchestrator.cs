using System.Text.Json.Nodes;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Notifications;

/// <summary>Tells how a run ended to whom its rules name. It is replayed with its orchestrator.</summary>
internal static class NotifyRules
{
    /// <param name="target">What the run loads.</param>
    /// <param name="usual">What is said where a rule has no text of its own.</param>
    public static async Task NotifyByRulesAsync<TResult>(this TaskOrchestrationContext context, PipelineInput input, string target, RunEnd<TResult> end, RunMessage usual)
        where TResult : PipelineResult
    {
        if (input.Notify.Count == 0)
        {
            return;
        }

        var happened = await EventsAsync(context, input, end);
        foreach (var rule in input.Notify)
        {
            if (happened.Where(rule.IsFor).Order().ToList() is [var first, ..])
            {
                await context.NotifyAsync(Message(context, input, rule, first, Values(context, input, target, end, first, usual), usual));
            }
        }
    }

    private static async Task<IReadOnlyList<RunEvent>> EventsAsync<TResult>(TaskOrchestrationContext context, PipelineInput input, RunEnd<TResult> end)
        where TResult : PipelineResult
    {
        if (end.Result is not { } result)
        {
            return [RunEvent.Failure];
        }

        List<RunEvent> happened = [RunEvent.Success];
        if (result.Quarantined > 0)
        {
            happened.Add(RunEvent.Quarantine);
        }

        if (result.AddedColumns.Count > 0)
        {
            happened.Add(RunEvent.SchemaChange);
        }

        if (input.Notify.Any(rule => rule.IsFor(RunEvent.Recovery)) && await RecoveredAsync(context))
        {
            happened.Add(RunEvent.Recovery);
        }

        return happened;
    }

    /// <summary>That it cannot be found out fails no run.</summary>
    private static async Task<bool> RecoveredAsync(TaskOrchestrationContext context)
    {
        try
        {
            return await context.CallActivityAsync<bool>(nameof(HadFailedBefore), new HadFailedBeforeInput(context.Name, context.InstanceId), Steps.Retry(3));
        }
        catch (TaskFailedException unknown)
        {
            context.CreateReplaySafeLogger(nameof(NotifyRules)).LogWarning(unknown, "Run {Instance} could not find out how the one before it ended.", context.InstanceId);
            return false;
        }
    }

    private static Dictionary<string, object?> Values<TResult>(
        TaskOrchestrationContext context, PipelineInput input, string target, RunEnd<TResult> end, RunEvent happened, RunMessage usual)
        where TResult : PipelineResult => new()
        {
            ["event"] = $"{happened}",
            ["pipeline"] = context.Name,
            ["run"] = context.InstanceId,
            ["object"] = input.Object,
            ["state"] = end.LatestState,
            ["reason"] = end.Reason,
            ["rowsIn"] = end.Result?.RowsIn,
            ["loaded"] = end.Result?.Loaded,
            ["quarantined"] = end.Result?.Quarantined,
            ["skipped"] = end.Result?.Skipped,
            ["target"] = end.Result?.Table ?? end.Result?.Written ?? target,
            ["quarantineObject"] = end.Result?.QuarantineObject,
            ["columns"] = end.Result is { } result ? string.Join(", ", result.AddedColumns) : null,
            ["message"] = usual.Text,
        };

    private static NotifyInput Message(
        TaskOrchestrationContext context, PipelineInput input, NotifyRule rule, RunEvent happened, Dictionary<string, object?> values, RunMessage usual)
    {
        var text = rule.Text is not null ? MessageTemplate.Fill(rule.Text, values) : happened switch
        {
            RunEvent.Recovery => $"{context.Name} works again. {usual.Text}",
            RunEvent.SchemaChange => $"{context.Name} added to {values["target"]}: {values["columns"]}. {usual.Text}",
            _ => usual.Text,
        };
        var payload = rule.Webhook is null ? null : new JsonObject
        {
            ["type"] = $"run.{char.ToLowerInvariant($"{happened}"[0])}{$"{happened}"[1..]}",
            ["timestamp"] = context.CurrentUtcDateTime,
            ["data"] = new JsonObject(values.Where(value => value.Value is not null).Select(value => KeyValuePair.Create(value.Key, JsonValue.Create(value.Value) as JsonNode))) { ["message"] = text },
        };
        return new(rule.Slack, rule.Topic, usual with { Text = text }, context.NewGuid().ToString("N"))
        {
            Pipeline = context.Name,
            Event = $"{happened}",
            Webhook = rule.Webhook,
            Payload = payload?.ToJsonString(),
            AtMost = rule.AtMost,
            Per = rule.Per,
        };
    }
}
