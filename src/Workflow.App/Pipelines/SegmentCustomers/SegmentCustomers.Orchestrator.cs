using System.Globalization;
using Workflow.Cloud.Aws;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SegmentCustomers;

/// <summary>Prepares the active customers, trains a model on them (or takes a stored one) and writes the segment of each.</summary>
internal sealed class SegmentCustomers : TaskOrchestrator<SegmentCustomersInput, SegmentCustomersResult>
{
    public override Task<SegmentCustomersResult> RunAsync(TaskOrchestrationContext context, SegmentCustomersInput input) =>
        context.ReportAsync(input, input.Output, async report =>
        {
            var retry = Steps.Retry(input.Attempts);
            var day = input.Date is { } date ? DateOnly.ParseExact(date, "yyyy-MM-dd", CultureInfo.InvariantCulture) : DateOnly.FromDateTime(input.ScheduledFor?.UtcDateTime ?? context.CurrentUtcDateTime);
            var run = new SegmentRun(context.Name, input, day, context.NewGuid().ToString("N"));
            var prepared = await report.StateAsync("prepare", () => context.CallActivityAsync<PreparedCustomers>(nameof(PrepareCustomers), run, retry));
            var customers = new CustomersOf(run, prepared, prepared.Model);
            var sageMaker = new SageMakerSteps(context, customers, retry);
            if (prepared.Model is null)
            {
                customers = await report.StateAsync("train", () => input.Engine == ClusteringEngine.SageMaker ? sageMaker.TrainAsync() : TrainAsync(context, customers, retry));
            }

            var predictions = await report.StateAsync("predict", () => input.Engine == ClusteringEngine.SageMaker
                ? sageMaker.PredictAsync()
                : context.CallActivityAsync<Predictions>(nameof(PredictSegments), customers, retry));
            return SegmentCustomersResult.Of(prepared, predictions);
        });

    private static async Task<CustomersOf> TrainAsync(TaskOrchestrationContext context, CustomersOf customers, TaskOptions retry) =>
        customers with { Model = await context.CallActivityAsync<string>(nameof(TrainSegments), customers, retry) };
}

/// <summary>The jobs of a run at SageMaker, each watched until it has ended.</summary>
internal sealed class SageMakerSteps(TaskOrchestrationContext context, CustomersOf customers, TaskOptions retry)
{
    /// <summary>Trains, and makes a model of the artifacts. It gets its version with its first predictions, which number its segments.</summary>
    public async Task<CustomersOf> TrainAsync()
    {
        await context.CallActivityAsync(nameof(StartSageMakerTraining), customers, retry);
        var trained = await WatchAsync(SageMakerJobKind.Training);
        await context.CallActivityAsync(nameof(CreateSageMakerModel), new SageMakerArtifacts(customers.Run, trained.Artifacts!), retry);
        return customers;
    }

    public async Task<Predictions> PredictAsync()
    {
        await context.CallActivityAsync(nameof(StartSageMakerTransform), customers, retry);
        await WatchAsync(SageMakerJobKind.Transform);
        return await context.CallActivityAsync<Predictions>(nameof(CollectSegments), customers, retry);
    }

    private async Task<SageMakerJob> WatchAsync(SageMakerJobKind kind)
    {
        var (settings, name) = (customers.Run.Input.SageMaker, customers.Run.SageMakerName);
        var latest = context.CurrentUtcDateTime + settings.MaxStart + settings.MaxRuntime;
        while (true)
        {
            var look = new SageMakerLook(kind, name, Stop: context.CurrentUtcDateTime >= latest);
            var job = await context.CallActivityAsync<SageMakerJob>(nameof(LookAtSageMakerJob), look, retry);
            if (job.HasEnded())
            {
                return job.Status == "Completed" ? job : throw new RunFailedException(
                    $"The {kind} job {name} of SageMaker ended as {job.Status}: {job.FailureReason ?? $"it took longer than {settings.MaxRuntime}, or was stopped by someone"}");
            }

            await context.CreateTimer(settings.PollEvery, CancellationToken.None);
        }
    }
}
