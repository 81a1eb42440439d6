using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.Durable.Replay;
using Workflow.Durable.Worker;

namespace Workflow.Durable;

/// <summary>One attempt at an activity that another engine than our task hub asks for: what <see cref="OrchestrationTurn"/> put into its input, in; its answer, out.</summary>
public sealed class ActivityTurn(DurableTaskRegistry registry, IServiceScopeFactory scopes, Func<string, string> redact, ILogger<ActivityTurn> log)
{
    /// <summary>Runs it. A failure is an answer, too, which the orchestrator's turn takes apart.</summary>
    /// <param name="call">The input as the orchestrator's turn has written it.</param>
    /// <exception cref="OperationCanceledException">It was cut short. It must be asked for again.</exception>
    public async Task<string> RunAsync(string activity, string call, CancellationToken cancellation) =>
        JsonSerializer.Serialize(await AnswerAsync(activity, call, cancellation), JsonDataConverter.Options);

    private async Task<ActivityAnswer> AnswerAsync(string activity, string call, CancellationToken cancellation)
    {
        if (!TryRead(call, out var given))
        {
            return new(null, TaskFailureDetails.FromException(new NonRetriableException($"The input of activity '{activity}' is not one that an orchestrator of this program has written.")));
        }

        var step = new TaskActivityContext(activity, given.InstanceId, $"{given.InstanceId}/{given.TaskId}", given.Attempt, cancellation);
        using var span = DurableTaskTelemetry.StartActivity(activity, given.InstanceId, given.TaskId);
        try
        {
            return new(await registry.InvokeAsync(scopes, step, given.Input), null);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested || error is not OperationCanceledException)
        {
            span?.SetStatus(ActivityStatusCode.Error, redact(error.Message));
            log.LogWarning(error, "Activity {Activity} of instance {Instance}, step {TaskId}, failed", activity, given.InstanceId, given.TaskId);
            return new(null, Failures.From(error, redact).ToDetails());
        }
    }

    private static bool TryRead(string call, [NotNullWhen(true)] out ActivityCall? given)
    {
        try
        {
            given = JsonSerializer.Deserialize<ActivityCall>(call, JsonDataConverter.Options);
        }
        catch (JsonException)
        {
            given = null;
        }

        return given?.InstanceId is not null;
    }
}
