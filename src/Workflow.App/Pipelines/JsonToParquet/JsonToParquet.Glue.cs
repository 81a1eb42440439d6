using Workflow.Cloud.Aws;
using Workflow.Durable;

namespace Workflow.App.Pipelines.JsonToParquet;

/// <param name="Key">Of this start, the same for each attempt at it.</param>
internal sealed record StartGlueJobInput(string Job, string Database, string Table, string Output, string Key);

internal sealed record GlueJobRunInput(string Job, string Run);

/// <summary>Where a run of a Glue job stands.</summary>
internal sealed record GlueJobState(string Id, string State, string? ErrorMessage, bool HasEnded);

/// <summary>Starts a run of the job, or finds the one that an attempt before this has started.</summary>
/// <remarks>
/// Glue has no token by which it would know a start that comes again. So the start carries a key among its arguments, which a script that
/// does not ask for it is not shown, and the runs of the job are looked through for it first. Between Glue's taking a start and its listing
/// the run a second one could slip in; a job that takes one run at a time, as this pipeline wants it, refuses that.
/// </remarks>
internal sealed class StartGlueJob(GlueClient glue) : TaskActivity<StartGlueJobInput, string>
{
    private const string KeyArgument = "--workflow-key";

    // Newest first: a start of this run is among the last.
    private const int LookedAt = 200;

    public override async Task<string> RunAsync(TaskActivityContext context, StartGlueJobInput input)
    {
        var started = await glue.ListJobRunsAsync(input.Job, context.CancellationToken)
            .Take(LookedAt)
            .FirstOrDefaultAsync(run => run.Arguments.GetValueOrDefault(KeyArgument) == input.Key, context.CancellationToken);
        return started?.Id ?? await glue.StartJobRunAsync(
            input.Job,
            new Dictionary<string, string> { ["--dbname"] = input.Database, ["--table"] = input.Table, ["--outputpath"] = input.Output, [KeyArgument] = input.Key },
            context.CancellationToken);
    }
}

internal sealed class WatchGlueJob(GlueClient glue) : TaskActivity<GlueJobRunInput, GlueJobState>
{
    public override async Task<GlueJobState> RunAsync(TaskActivityContext context, GlueJobRunInput input)
    {
        var run = await glue.GetJobRunAsync(input.Job, input.Run, context.CancellationToken);
        return new(run.Id, run.State, run.ErrorMessage, run.HasEnded());
    }
}

internal sealed class StopGlueJob(GlueClient glue) : TaskActivity<GlueJobRunInput, bool>
{
    public override Task<bool> RunAsync(TaskActivityContext context, GlueJobRunInput input) => glue.StopJobRunAsync(input.Job, input.Run, context.CancellationToken);
}
