using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Durable.Protocol;
using Workflow.Durable.Replay;
using Workflow.Durable.Store;

namespace Workflow.Durable.Tests.Hosting;

/// <summary>The replay engine alone, fed with histories written by hand: no database, no threads.</summary>
internal static class Histories
{
    public const string InstanceId = "recorded";

    private static readonly DateTimeOffset s_begun = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static OrchestrationExecution Execution<TInput, TOutput>(Func<TaskOrchestrationContext, TInput, Task<TOutput>> run, Action? onStray = null)
    {
        var registry = new DurableTaskRegistry().AddOrchestratorFunc("Recorded", run);
        return new OrchestrationExecution(name => registry.CreateOrchestrator(name, null!), NullLoggerFactory.Instance, onStray ?? (() => { }));
    }

    public static HistoryEvent Turn(int minute = 0) => Messages.OrchestratorStarted(s_begun.AddMinutes(minute));

    public static HistoryEvent Started(object? input = null) =>
        Messages.ExecutionStarted(InstanceId, Guid.Empty, "Recorded", JsonDataConverter.Serialize(input, "input"), null, s_begun);

    public static HistoryEvent Scheduled(int id, string name) => Asked(id, new HistoryEvent { TaskScheduled = new() { Name = name } });

    public static HistoryEvent Completed(int id, object? result) => new() { EventId = -1, TaskCompleted = new() { TaskScheduledId = id, Result = JsonDataConverter.Serialize(result, "result") } };

    public static HistoryEvent TimerCreated(int id, int minute) => Asked(id, new HistoryEvent { TimerCreated = new() { FireAt = Timestamp.FromDateTimeOffset(s_begun.AddMinutes(minute)) } });

    public static HistoryEvent TimerFired(int id, int minute) => Messages.TimerFired(id, Timestamp.FromDateTimeOffset(s_begun.AddMinutes(minute)));

    public static HistoryEvent ChildCreated(int id, string name) => Asked(id, new HistoryEvent { SubOrchestrationInstanceCreated = new() { Name = name } });

    public static HistoryEvent EventSent(int id, string instance, string name) => Asked(id, new HistoryEvent { EventSent = new() { InstanceId = instance, Name = name } });

    public static HistoryEvent Raised(string name, object? payload) => new() { EventId = -1, EventRaised = new() { Name = name, Input = JsonDataConverter.Serialize(payload, "payload") } };

    /// <summary>How the orchestration ends in this turn; null if it goes on.</summary>
    public static CompleteOrchestrationAction? End(this TurnResult result) => result.Actions.SingleOrDefault(action => action.CompleteOrchestration is not null)?.CompleteOrchestration;

    private static HistoryEvent Asked(int id, HistoryEvent asked)
    {
        asked.EventId = id;
        return asked;
    }
}
