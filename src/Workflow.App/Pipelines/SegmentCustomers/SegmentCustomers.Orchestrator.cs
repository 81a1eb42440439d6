using System.Globalization;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SegmentCustomers;

/// <summary>Prepares the active customers, trains a model on them (or takes a stored one) and writes the segment of each.</summary>
internal sealed class SegmentCustomers : TaskOrchestrator<SegmentCustomersInput, SegmentCustomersResult>
{
    public override Task<SegmentCustomersResult> RunAsync(TaskOrchestrationContext context, SegmentCustomersInput input) =>
        context.ReportAsync(input, input.Output, async report =>
        {
            var retry = Steps.Retry(input.Attempts);
            var day = input.Date is { } date ? DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture) : DateOnly.FromDateTime(context.CurrentUtcDateTime);
            var run = new SegmentRun(context.Name, input, day, context.NewGuid().ToString("N"));
            var prepared = await report.StateAsync("prepare", () => context.CallActivityAsync<PreparedCustomers>(nameof(PrepareCustomers), run, retry));
            var model = prepared.Model
                ?? await report.StateAsync("train", () => context.CallActivityAsync<string>(nameof(TrainSegments), new CustomersOf(run, prepared), retry));
            var predictions = await report.StateAsync("predict", () => context.CallActivityAsync<Predictions>(nameof(PredictSegments), new CustomersOf(run, prepared, model), retry));
            return SegmentCustomersResult.Of(prepared, predictions);
        });
}
