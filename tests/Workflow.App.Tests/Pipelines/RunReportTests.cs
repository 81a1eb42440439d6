using System.Collections.Concurrent;
using Workflow.App.Notifications;
using Workflow.App.Pipelines;
using Workflow.App.Pipelines.OperationsToDynamoDb;
using Workflow.App.Tests.Functions;
using Workflow.Durable;

namespace Workflow.App.Tests.Pipelines;

/// <summary>What is told about a run, by an orchestrator of the test's own.</summary>
public sealed class RunReportTests
{
    private readonly ConcurrentQueue<string> _messages = new();
    private readonly ConcurrentQueue<string> _records = new();
    private int _refused;

    [Fact]
    public async Task A_run_that_fails_without_a_failed_step_is_told_of_too()
    {
        await using var host = await StartAsync(async (context, report) =>
        {
            await report.StateAsync("read", () => Task.FromResult(1));
            await report.StateAsync("load", () => context.CallActivityAsync<string>("load", new string('x', JsonDataConverter.MaxPayloadBytes)));
        });

        var ended = await host.Engine.RunAsync("report");

        Assert.Contains("1 MiB", ended.Failure.ErrorMessage);
        Assert.Equal(["read", "load: The input of activity 'load' is"], _records.Select(record => record.Split(" 1,")[0]));
        Assert.StartsWith("report failed at load", Assert.Single(_messages));
    }

    [Fact]
    public async Task States_that_could_not_be_recorded_are_recorded_with_the_next()
    {
        _refused = 2;
        await using var host = await StartAsync(async (_, report) =>
        {
            foreach (var state in new[] { "a", "b", "c", "d" })
            {
                await report.StateAsync(state, () => Task.FromResult(1));
            }
        });

        await host.Engine.RunAsync("report");

        Assert.Equal(["a", "b", "c", "d"], _records);
    }

    private Task<HandlerHost> StartAsync(Func<TaskOrchestrationContext, RunReport, Task> run) => HandlerHost.StartAsync(registry => registry
        .AddOrchestratorFunc<string?, PipelineResult>("report", (context, _) =>
            context.ReportAsync<PipelineResult>(new OperationsToDynamoDbInput { StatusTable = "status", Slack = "local:etl" }, "target", async report =>
            {
                await run(context, report);
                return new OperationsToDynamoDbResult();
            }))
        .AddActivityFunc<RecordStateInput, bool>(nameof(RecordState), (_, input) =>
        {
            if (_refused-- > 0)
            {
                return Task.FromResult(false);
            }

            foreach (var state in input.Missed.Append(input.State))
            {
                _records.Enqueue(state.Reason is null ? state.State : $"{state.State}: {state.Reason}");
            }

            return Task.FromResult(true);
        })
        .AddActivityFunc<NotifyInput, bool>(nameof(Notify), (_, input) =>
        {
            _messages.Enqueue(input.Message.Text);
            return Task.FromResult(true);
        }));
}
