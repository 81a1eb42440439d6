using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using Kind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.Durable;

/// <summary>
/// One turn of an instance that another engine than our task hub keeps, the Durable Task extension of Azure Functions: all that has
/// happened to it in, what it asks for out. Nothing is remembered between turns.
/// </summary>
public sealed class OrchestrationTurn(DurableTaskRegistry registry, IServiceProvider services, ILoggerFactory loggers)
{
    /// <summary>An <c>OrchestratorRequest</c> of the protocol in base64 in, an <c>OrchestratorResponse</c> out.</summary>
    /// <remarks>It never throws for what it is given: an engine that is not answered fails the instance, and nobody learns why.</remarks>
    public string Run(string request)
    {
        OrchestratorResponse response;
        try
        {
            response = Run(OrchestratorRequest.Parser.ParseFrom(Convert.FromBase64String(request)));
        }
        catch (Exception broken) when (broken is FormatException or InvalidProtocolBufferException)
        {
            response = Refuse("", $"What came for the orchestrator is not an OrchestratorRequest in base64: {broken.Message}");
        }

        return Convert.ToBase64String(response.ToByteArray());
    }

    /// <summary>Why an instance failed, from the result that its last turn has left.</summary>
    /// <param name="result">JSON.</param>
    public static TaskFailureDetails ReadFailure(string? result)
    {
        try
        {
            // An engine may show it as the text that it is, or as what the text says.
            result = result is ['"', ..] ? JsonSerializer.Deserialize<string>(result) : result;
            if (JsonSerializer.Deserialize<ActivityAnswer>(result ?? "null", JsonDataConverter.Options) is { Failure: { } failure })
            {
                return failure;
            }
        }
        catch (JsonException)
        {
            // The engine's own words.
        }

        return new("Unknown", result ?? "The engine does not say why the instance failed.");
    }

    internal OrchestratorResponse Run(OrchestratorRequest request)
    {
        if (request.NewEvents.Count == 0)
        {
            return Refuse(request.InstanceId, "The engine asks for a turn in which nothing has happened.");
        }

        if (request.RequiresHistoryStreaming)
        {
            return Refuse(request.InstanceId, "The engine sends histories apart from their requests, which this program does not read.");
        }

        // A stray continuation finds its execution gone; the next turn, which replays, sees that the code waits for nothing.
        var execution = new OrchestrationExecution(name => registry.CreateOrchestrator(name, services), loggers, () => { }, Engine.DurableExtension);
        if (request.PastEvents.Count > 0)
        {
            execution.Replay(request.PastEvents.Select(Unwrap));
        }

        var turn = execution.Turn(request.NewEvents.Select(Unwrap));
        var response = new OrchestratorResponse { InstanceId = request.InstanceId, CustomStatus = turn.CustomStatus };
        response.Actions.AddRange(turn.Actions.Select(action => Wrap(action, request.InstanceId)));
        return response;
    }

    /// <summary>Activities answer with an envelope; what failed without one was lost on its way. The engine may leave out why.</summary>
    private static HistoryEvent Unwrap(HistoryEvent happened)
    {
        switch (happened.EventTypeCase)
        {
            case Kind.TaskCompleted:
                return ReadAnswer(happened.TaskCompleted.Result) switch
                {
                    { Failure: { } failure } => Like(happened, new() { TaskFailed = new() { TaskScheduledId = happened.TaskCompleted.TaskScheduledId, FailureDetails = Failures.From(failure) } }),
                    var answer => Like(happened, new() { TaskCompleted = new() { TaskScheduledId = happened.TaskCompleted.TaskScheduledId, Result = answer.Output } }),
                };
            case Kind.TaskFailed:
                return Like(happened, new() { TaskFailed = new() { TaskScheduledId = happened.TaskFailed.TaskScheduledId, FailureDetails = Lost(happened.TaskFailed.FailureDetails) } });
            case Kind.SubOrchestrationInstanceFailed when happened.SubOrchestrationInstanceFailed.FailureDetails is null:
                var failed = new SubOrchestrationInstanceFailedEvent { TaskScheduledId = happened.SubOrchestrationInstanceFailed.TaskScheduledId, FailureDetails = Unexplained("sub-orchestration") };
                return Like(happened, new() { SubOrchestrationInstanceFailed = failed });
            default:
                return happened;
        }
    }

    private static HistoryEvent Like(HistoryEvent happened, HistoryEvent other)
    {
        other.EventId = happened.EventId;
        other.Timestamp = happened.Timestamp;
        return other;
    }

    /// <summary>The answer is a string, in which the engine keeps it as JSON once more.</summary>
    private static ActivityAnswer ReadAnswer(string? result)
    {
        try
        {
            var text = JsonSerializer.Deserialize<string>(result ?? "null");
            return text is null ? throw new JsonException("it is empty") : JsonSerializer.Deserialize<ActivityAnswer>(text, JsonDataConverter.Options)!;
        }
        catch (JsonException broken)
        {
            return new(null, TaskFailureDetails.FromException(new NonRetriableException($"The activity's answer is not one of this program: {broken.Message}")));
        }
    }

    private static Protocol.TaskFailureDetails Lost(Protocol.TaskFailureDetails? told) => Failures.From(new LostActivityException(
        $"The activity's host did not answer: {(told ?? Unexplained("activity")).ErrorMessage}"));

    private static Protocol.TaskFailureDetails Unexplained(string what) => new() { ErrorType = "Unknown", ErrorMessage = $"the engine does not say why the {what} failed" };

    private static OrchestratorAction Wrap(OrchestratorAction action, string instanceId)
    {
        switch (action.OrchestratorActionTypeCase)
        {
            case OrchestratorAction.OrchestratorActionTypeOneofCase.ScheduleTask:
                Wrap(action.ScheduleTask, instanceId, action.Id);
                break;
            case OrchestratorAction.OrchestratorActionTypeOneofCase.CompleteOrchestration:
                Complete(action.CompleteOrchestration);
                break;
        }

        return action;
    }

    private static void Wrap(ScheduleTaskAction task, string instanceId, int taskId)
    {
        var call = new ActivityCall(task.Input, instanceId, Tag(OrchestrationExecution.FirstTaskIdTag, taskId), Tag(OrchestrationExecution.AttemptTag, 1));
        task.Input = JsonSerializer.Serialize(call, JsonDataConverter.Options);
        task.Tags.Clear();

        // Only a retry says whose retry it is.
        int Tag(string name, int otherwise) => task.Tags.TryGetValue(name, out var tag) ? int.Parse(tag, CultureInfo.InvariantCulture) : otherwise;
    }

    /// <summary>The engine carries raised events over and nothing else: a termination that came with the end of an execution is the instance's end.</summary>
    private static void Complete(CompleteOrchestrationAction ended)
    {
        if (ended.CarryoverEvents.FirstOrDefault(carried => carried.EventTypeCase == Kind.ExecutionTerminated) is { } terminated)
        {
            ended.OrchestrationStatus = OrchestrationStatus.Terminated;
            ended.Result = terminated.ExecutionTerminated.Input;
            ended.CarryoverEvents.Clear();
        }

        // Clients see a failed instance's result and not its failure details.
        if (ended.FailureDetails is { } failure)
        {
            ended.Result = JsonSerializer.Serialize(new ActivityAnswer(null, failure.ToDetails()), JsonDataConverter.Options);
        }
    }

    private static OrchestratorResponse Refuse(string instanceId, string reason) => new()
    {
        InstanceId = instanceId,
        Actions =
        {
            new OrchestratorAction
            {
                CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.Failed, Result = reason, FailureDetails = Failures.From(new NonRetriableException(reason)) },
            },
        },
    };
}
