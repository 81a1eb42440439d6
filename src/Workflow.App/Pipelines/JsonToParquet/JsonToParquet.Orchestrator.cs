using Workflow.Durable;

namespace Workflow.App.Pipelines.JsonToParquet;

/// <summary>Turns JSON into a dataset of Parquet files, here or by a Glue job; one run at a time, with a limit on the time it takes.</summary>
internal sealed class JsonToParquet : TaskOrchestrator<JsonToParquetInput, JsonToParquetResult>
{
    public override Task<JsonToParquetResult> RunAsync(TaskOrchestrationContext context, JsonToParquetInput input) =>
        context.ReportAsync(
            input,
            input.Output,
            async report =>
            {
                if (await report.StateAsync("turn", () => context.TakeTurnAsync(input.Overlap, input.LookEvery)) is { } other)
                {
                    return new JsonToParquetResult { SkippedFor = other };
                }

                return input.Engine == ParquetEngine.Glue
                    ? await new GlueJob(context, input, report, new(context, input.Timeout)).RunAsync()
                    : await WriteAsync(context, input, report);
            },
            end => Describe(context, input, end));

    /// <summary>The steps keep to the time themselves and are waited for, so that none of them writes when the run has ended.</summary>
    private static async Task<JsonToParquetResult> WriteAsync(TaskOrchestrationContext context, JsonToParquetInput input, RunReport report)
    {
        var run = new ParquetRun(input, $"{context.CurrentUtcDateTime:yyyyMMddHHmmss}-{context.NewGuid():N}"[..23], context.Name, context.CurrentUtcDateTime + input.Timeout);
        try
        {
            var staged = await StepAsync<StagedParquet>("transform", nameof(StageParquet));
            if (staged.Loaded > 0)
            {
                await StepAsync<bool>("publish", nameof(PublishParquet));
            }

            await StepAsync<bool>("catalog", nameof(RegisterParquet));
            await StepAsync<bool>("clean", nameof(CleanParquet));
            report.Remark = context.CurrentUtcDateTime > run.Until ? $"It ended after its limit of {input.Timeout:c}: what had begun to be published was finished." : null;
            return staged.Describe(run);
        }
        catch (TaskFailedException) when (report.LatestState is "transform" or "publish")
        {
            await DiscardAsync(context, input, report, run);
            throw;
        }

        Task<T> StepAsync<T>(string state, string activity) =>
            report.StateAsync(state, () => context.CallActivityAsync<T>(activity, run, Steps.RetryEvery(input.TryEvery, input.Attempts)));
    }

    private static async Task DiscardAsync(TaskOrchestrationContext context, JsonToParquetInput input, RunReport report, ParquetRun run)
    {
        try
        {
            await context.CallActivityAsync<bool>(nameof(DiscardParquet), run, Steps.RetryEvery(input.TryEvery, input.Attempts));
        }
        catch (TaskFailedException stuck)
        {
            report.Remark = $"What it had staged, version {run.Version}, could not be taken back: {stuck.FailureDetails.ErrorMessage}";
        }
    }

    private static RunMessage Describe(TaskOrchestrationContext context, JsonToParquetInput input, RunEnd<JsonToParquetResult> end) => end.Result switch
    {
        null => new("Glue Job Status", $"{context.Name} failed at {end.LatestState} on {input.Object} (run {context.InstanceId}): {end.Reason}"),
        { SkippedFor: { } other } => new($"{context.Name} skipped", $"{context.Name} was not run (run {context.InstanceId}): run {other} is at work."),
        { JobRun: { } job } => new($"{context.Name} completed", $"{context.Name} completed (run {context.InstanceId}): Glue job {input.Job}, run {job}, has written {input.Output}."),
        var result => new(
            $"{context.Name} completed",
            $"{context.Name} completed on {input.Object} (run {context.InstanceId}): {result.RowsIn} records in, {result.Loaded} in {result.Files} files under {input.Output}, {result.Quarantined} quarantined."),
    };
}
