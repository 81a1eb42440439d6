using Workflow.Durable.Tests.Hosting;

namespace Workflow.Durable.Tests.Faults;

/// <summary>What no fault may break: every step asked for once, every answer to a step asked for before, and taken in once.</summary>
internal static class LegalHistory
{
    private static readonly Dictionary<string, string> s_answers = new()
    {
        ["TaskCompleted"] = "TaskScheduled",
        ["TaskFailed"] = "TaskScheduled",
        ["TimerFired"] = "TimerCreated",
        ["SubOrchestrationInstanceCompleted"] = "SubOrchestrationInstanceCreated",
        ["SubOrchestrationInstanceFailed"] = "SubOrchestrationInstanceCreated",
    };

    /// <summary>Of an instance that has ended, in one execution.</summary>
    public static async Task CheckAsync(TestHub hub, HubHost host, string id)
    {
        var history = await host.HistoryAsync(id);
        Assert.Equal("OrchestratorStarted", history[0].Type);
        Assert.Equal("ExecutionCompleted", history[^1].Type);
        Assert.Single(history, line => line.Type == "ExecutionStarted");
        Assert.Single(history, line => line.Type == "ExecutionCompleted");

        var asked = new Dictionary<int, string>();
        var answered = new HashSet<int>();
        foreach (var line in history.Where(line => line.TaskId is not null))
        {
            var step = line.TaskId!.Value;
            if (s_answers.TryGetValue(line.Type, out var question))
            {
                Assert.True(asked.TryGetValue(step, out var kind) && kind == question, $"{id}: {line.Type} {step} answers nothing");
                Assert.True(answered.Add(step), $"{id}: {line.Type} {step} answers twice");
            }
            else
            {
                Assert.True(asked.TryAdd(step, line.Type), $"{id}: step {step} is asked for twice");
            }
        }

        Assert.Equal(Enumerable.Range(0, asked.Count), asked.Keys.Order());
        Assert.Equal(
            await hub.ReadOneAsync<int>("SELECT turn FROM instances WHERE instance_id = $1", id),
            await hub.ReadOneAsync<long>("SELECT count(*) FROM history WHERE instance_id = $1", id));
    }

    /// <summary>Nothing is left over once everything has ended.</summary>
    public static Task NothingIsLeftAsync(TestHub hub) => Testing.Eventually.TrueAsync(
        async () => await hub.ReadOneAsync<long>("SELECT (SELECT count(*) FROM activities) + (SELECT count(*) FROM messages)") == 0,
        TimeSpan.FromSeconds(20),
        TestContext.Current.CancellationToken);
}
