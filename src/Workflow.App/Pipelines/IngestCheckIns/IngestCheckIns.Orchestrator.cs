using Workflow.Durable;

namespace Workflow.App.Pipelines.IngestCheckIns;

/// <summary>
/// Brings a file of check-ins into the table: transformed to typed rows in staging, tested for completeness and correctness, and loaded.
/// The message about the end is sent after the load is committed.
/// </summary>
internal sealed class IngestCheckIns : TaskOrchestrator<IngestCheckInsInput, IngestCheckInsResult>
{
    public override Task<IngestCheckInsResult> RunAsync(TaskOrchestrationContext context, IngestCheckInsInput input) =>
        context.ReportAsync(input, input.Table, async report =>
        {
            var retry = Steps.Retry(input.Attempts);
            var staged = await report.StateAsync("transform", () => context.CallActivityAsync<StagedCheckIns>(nameof(TransformCheckIns), input, retry));
            var tested = await report.StateAsync("test", async () =>
            {
                var tested = await context.CallActivityAsync<TestedCheckIns>(nameof(TestCheckIns), new TestCheckInsInput(staged, input), retry);
                return tested.Require(all: input.HardTesting);
            });
            return await report.StateAsync("load", () => context.CallActivityAsync<IngestCheckInsResult>(
                nameof(LoadCheckIns), new LoadCheckInsInput(staged, tested, input, context.NewGuid()), retry));
        }, end => IngestionMessage.Of(input, end));
}
