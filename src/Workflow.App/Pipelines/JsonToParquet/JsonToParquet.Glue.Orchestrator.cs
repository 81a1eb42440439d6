using Workflow.Durable;

namespace Workflow.App.Pipelines.JsonToParquet;

/// <summary>Starts a Glue job and watches it to its end; one that fails is tried again. It is replayed with its orchestrator.</summary>
internal sealed class GlueJob(TaskOrchestrationContext context, JsonToParquetInput input, RunReport report, Deadline deadline)
{
    // A job goes on whether or not Glue can be asked about it; only the deadline ends the watch.
    private const int UntilDeadline = 100_000;

    private Task<string>? _start;

    public async Task<JsonToParquetResult> RunAsync()
    {
        try
        {
            var run = await deadline.KeepAsync(TryAsync);
            return new() { JobRun = run, Table = $"{input.Database}.{input.Table}", Written = input.Output };
        }
        catch (RunFailedException) when (_start is not null)
        {
            await StopAsync(_start);
            throw;
        }
    }

    private async Task<string> TryAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await report.StateAsync("job", RunOnceAsync);
            }
            catch (GlueJobFailedException) when (attempt < input.Attempts)
            {
                // It is recorded; the next try may do better.
            }

            await context.CreateTimer(input.TryEvery, CancellationToken.None);
            deadline.ThrowIfPassed();
        }
    }

    /// <returns>The run of the job.</returns>
    /// <exception cref="GlueJobFailedException">It ended otherwise than well.</exception>
    private async Task<string> RunOnceAsync()
    {
        _start = CallAsync<string>(nameof(StartGlueJob), new StartGlueJobInput(input.Job!, input.Database!, input.Table!, input.Output, context.NewGuid().ToString("N")), input.Attempts);
        var run = await _start;
        while (true)
        {
            deadline.ThrowIfPassed();
            var state = await CallAsync<GlueJobState>(nameof(WatchGlueJob), new GlueJobRunInput(input.Job!, run), UntilDeadline);
            if (state.HasEnded)
            {
                return state.State == "SUCCEEDED" ? state.Id : throw new GlueJobFailedException(input.Job!, state);
            }

            await context.CreateTimer(input.LookEvery, CancellationToken.None);
        }
    }

    /// <summary>Of a job that has ended this changes nothing. A start under way is waited for: nobody would know of what it starts.</summary>
    private async Task StopAsync(Task<string> start)
    {
        var run = "";
        try
        {
            run = await start;
            await CallAsync<bool>(nameof(StopGlueJob), new GlueJobRunInput(input.Job!, run), input.Attempts);
        }
        catch (TaskFailedException refused)
        {
            report.Remark = run.Length == 0
                ? $"Whether a run of it was started is not known: {refused.FailureDetails.ErrorMessage}"
                : $"Its run {run} could not be stopped: {refused.FailureDetails.ErrorMessage}";
        }
    }

    private Task<T> CallAsync<T>(string activity, object given, int attempts) => context.CallActivityAsync<T>(activity, given, Steps.RetryEvery(input.TryEvery, attempts));
}

internal sealed class GlueJobFailedException(string job, GlueJobState ended)
    : RunFailedException($"Glue job {job}, run {ended.Id}, ended {ended.State}: {ended.ErrorMessage ?? "without a message"}");
