using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Workflow.Durable;
using Workflow.Durable.Protocol;
using Action = Workflow.Durable.Protocol.OrchestratorAction.OrchestratorActionTypeOneofCase;

namespace Workflow.App.Tests.Functions;

/// <summary>How a turn is asked for, and what comes of it.</summary>
internal sealed partial class ExtensionEngine
{
    private async Task TurnAsync(EngineInstance instance)
    {
        List<HistoryEvent> news = [At(-1, new() { OrchestratorStarted = new() })];
        lock (_lock)
        {
            while (instance.Inbox.TryDequeue(out var told))
            {
                news.Add(told);
            }
        }

        foreach (var steering in news)
        {
            instance.Status = steering.EventTypeCase switch
            {
                HistoryEvent.EventTypeOneofCase.ExecutionSuspended => OrchestrationRuntimeStatus.Suspended,
                HistoryEvent.EventTypeOneofCase.ExecutionStarted or HistoryEvent.EventTypeOneofCase.ExecutionResumed => OrchestrationRuntimeStatus.Running,
                _ => instance.Status,
            };
        }

        var request = new OrchestratorRequest { InstanceId = instance.Id, PastEvents = { instance.History }, NewEvents = { news } };
        var response = await AskAsync(instance, Convert.ToBase64String(request.ToByteArray()));
        Turns++;
        instance.History.AddRange(news);
        instance.CustomStatus = response.CustomStatus;
        instance.LastUpdatedAt = _now;
        foreach (var action in response.Actions)
        {
            Do(instance, action);
        }

        if (!response.Actions.Any(action => action.OrchestratorActionTypeCase == Action.CompleteOrchestration))
        {
            instance.History.Add(At(-1, new() { OrchestratorCompleted = new() }));
        }

        await AfterTurn(instance);
    }

    /// <summary>An answer that is no answer fails the instance for good, as the extension does.</summary>
    private async Task<OrchestratorResponse> AskAsync(EngineInstance instance, string request)
    {
        try
        {
            using var answer = await PostAsync(instance.Name, HostRequests.Orchestration(request));
            var value = await ReadAsync(answer);
            return OrchestratorResponse.Parser.ParseFrom(Convert.FromBase64String(value!.GetValue<string>()));
        }
        catch (Exception failed) when (failed is HttpRequestException or FormatException or JsonException)
        {
            var failure = new Workflow.Durable.Protocol.TaskFailureDetails { ErrorType = failed.GetType().FullName!, ErrorMessage = failed.Message };
            return new() { Actions = { new OrchestratorAction { CompleteOrchestration = new() { OrchestrationStatus = OrchestrationStatus.Failed, Result = failed.Message, FailureDetails = failure } } } };
        }
    }

    /// <summary>The three parts of an answer must all be there, and no success may be empty.</summary>
    private static async Task<JsonNode?> ReadAsync(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.NotEqual("", body);
        answer.EnsureSuccessStatusCode();
        Assert.Equal(System.Net.HttpStatusCode.OK, answer.StatusCode);
        var parts = JsonNode.Parse(body)!.AsObject();
        Assert.Equal(["Logs", "Outputs", "ReturnValue"], parts.Select(part => part.Key).Order(StringComparer.Ordinal));
        return parts["ReturnValue"];
    }

    private void Do(EngineInstance instance, OrchestratorAction action)
    {
        switch (action.OrchestratorActionTypeCase)
        {
            case Action.ScheduleTask:
                var task = action.ScheduleTask;
                Assert.Empty(task.Tags);
                instance.History.Add(At(action.Id, new() { TaskScheduled = new() { Name = task.Name, Version = task.Version, Input = task.Input } }));
                Interlocked.Increment(ref _underWay);
                _ = RunActivityAsync(instance, instance.ExecutionId, action.Id, task.Name, task.Input);
                break;
            case Action.CreateTimer:
                instance.History.Add(At(action.Id, new() { TimerCreated = new() { FireAt = action.CreateTimer.FireAt } }));
                var fired = new HistoryEvent { TimerFired = new() { FireAt = action.CreateTimer.FireAt, TimerId = action.Id } };
                Assert.True(action.CreateTimer.FireAt.ToDateTime() - _now <= TimeSpan.FromDays(6), "the storage holds a message back for six days at most");
                _timers.Enqueue((instance, instance.ExecutionId, fired), (action.CreateTimer.FireAt.ToDateTime(), _timersMade++));
                break;
            case Action.CreateSubOrchestration:
                var child = action.CreateSubOrchestration;
                instance.History.Add(At(action.Id, new() { SubOrchestrationInstanceCreated = new() { InstanceId = child.InstanceId, Name = child.Name, Input = child.Input } }));
                lock (_lock)
                {
                    // The start of an instance that is under way is dropped, and nobody is told.
                    if (!_instances.TryGetValue(child.InstanceId, out var there) || there.HasEnded)
                    {
                        Create(child.Name, child.Input, child.InstanceId, (instance, action.Id));
                    }
                }

                break;
            case Action.SendEvent:
                var sent = action.SendEvent;
                instance.History.Add(At(action.Id, new() { EventSent = new() { InstanceId = sent.Instance.InstanceId, Name = sent.Name, Input = sent.Data } }));
                if (Find(sent.Instance.InstanceId) is { } other)
                {
                    Tell(other, new() { EventRaised = new() { Name = sent.Name, Input = sent.Data } });
                }

                break;
            case Action.CompleteOrchestration:
                Complete(instance, action.CompleteOrchestration);
                break;
            default:
                throw new NotSupportedException($"Received unsupported action type '{action.OrchestratorActionTypeCase}'.");
        }
    }

    private void Complete(EngineInstance instance, CompleteOrchestrationAction ended)
    {
        if (ended.OrchestrationStatus == OrchestrationStatus.ContinuedAsNew)
        {
            ContinueAsNew(instance, ended);
            return;
        }

        instance.Output = ended.Result;
        instance.Status = ended.OrchestrationStatus switch
        {
            OrchestrationStatus.Completed => OrchestrationRuntimeStatus.Completed,
            OrchestrationStatus.Failed => OrchestrationRuntimeStatus.Failed,
            _ => OrchestrationRuntimeStatus.Terminated,
        };
        if (instance.Parent is var (parent, taskId) && parent is { HasEnded: false })
        {
            Tell(parent, instance.Status == OrchestrationRuntimeStatus.Completed
                ? new() { SubOrchestrationInstanceCompleted = new() { TaskScheduledId = taskId, Result = ended.Result } }
                : new() { SubOrchestrationInstanceFailed = new() { TaskScheduledId = taskId, FailureDetails = ended.FailureDetails } });
        }
    }

    private void ContinueAsNew(EngineInstance instance, CompleteOrchestrationAction ended)
    {
        instance.History.Clear();
        instance.Input = ended.Result;
        instance.ExecutionId = Guid.NewGuid().ToString("N");
        lock (_lock)
        {
            HistoryEvent[] waiting = [.. instance.Inbox];
            instance.Inbox.Clear();
            instance.Inbox.Enqueue(Started(instance));
            foreach (var carried in ended.CarryoverEvents.Where(carried => carried.EventRaised is not null).Concat(waiting))
            {
                instance.Inbox.Enqueue(carried);
            }
        }
    }

    private async Task RunActivityAsync(EngineInstance instance, string execution, int taskId, string name, string? input)
    {
        HistoryEvent told;
        try
        {
            // The input is read as JSON and written again on its way.
            using var answer = await PostAsync(name, HostRequests.Activity(JsonNode.Parse(input!)!.ToJsonString(), instance.Id, Client));
            var value = await ReadAsync(answer);
            told = new() { TaskCompleted = new() { TaskScheduledId = taskId, Result = value is null ? null : value.ToJsonString() } };
        }
        catch (Exception failed)
        {
            var failure = new Workflow.Durable.Protocol.TaskFailureDetails { ErrorType = failed.GetType().FullName!, ErrorMessage = failed.Message };
            told = new() { TaskFailed = new() { TaskScheduledId = taskId, FailureDetails = failure } };
        }

        if (instance.ExecutionId == execution && !instance.HasEnded)
        {
            Tell(instance, told);
        }

        Interlocked.Decrement(ref _underWay);
        _changed.Writer.TryWrite(true);
    }
}
