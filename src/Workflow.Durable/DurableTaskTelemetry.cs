using System.Diagnostics;

namespace Workflow.Durable;

/// <summary>Spans of what the runtime does, for OpenTelemetry and anybody else who listens to <see cref="SourceName"/>.</summary>
public static class DurableTaskTelemetry
{
    public const string SourceName = "Workflow.Durable";

    private static readonly ActivitySource s_source = new(SourceName);

    /// <summary>One attempt at an activity, <c>activity:Name</c>; it ends when the work is done, before the result is recorded.</summary>
    internal static Activity? StartActivity(string name, string instanceId, int taskId) =>
        s_source.StartActivity($"activity:{name}", ActivityKind.Internal, parentContext: default, tags:
        [
            new("durabletask.type", "activity"),
            new("durabletask.task.name", name),
            new("durabletask.task.instance_id", instanceId),
            new("durabletask.task.task_id", taskId),
        ]);
}
