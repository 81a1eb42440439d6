using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Triggers.Schedules;

/// <summary>Runs the ticks of a pipeline's schedule in a span of time, so many at once. A tick that has been run, whatever asked for it, is that run.</summary>
internal sealed class Backfill : TaskOrchestrator<BackfillInput, BackfillResult>
{
    /// <summary>What it is called where pipelines are.</summary>
    public const string Name = "backfill";

    /// <summary>Stands in the id of a backfill behind its pipeline's name, and in no pipeline's name.</summary>
    public const string Id = "-backfill-";

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    /// <summary>The id of the backfill of a pipeline over a span of time.</summary>
    public static string InstanceFor(string pipeline, DateTimeOffset from, DateTimeOffset to) =>
        $"{pipeline}{Id}{from.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{to.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}";

    /// <summary>The backfills of a pipeline.</summary>
    public static OrchestrationRoot Of(string pipeline) => new(Name, $"{pipeline}{Id}");

    /// <summary>The pipeline that a backfill is of; null where the run is none.</summary>
    public static string? PipelineOf(OrchestrationMetadata run) => run.Name == Name ? run.InstanceId[..run.InstanceId.LastIndexOf(Id, StringComparison.Ordinal)] : null;

    public override async Task<BackfillResult> RunAsync(TaskOrchestrationContext context, BackfillInput input)
    {
        var part = await context.CallActivityAsync<BackfillPart>(nameof(FindTicks), input, Steps.Retry(BackfillInput.Attempts));
        var result = input.Done;
        await context.ForEachAsync(part.Ticks, input.Parallel, async tick =>
        {
            var (instance, ended) = await RunAsync(context, new(input.Pipeline, tick));
            result = result.With(instance, ended);
            context.SetCustomStatus(result);
            return ended;
        });
        if (part.More is { } from)
        {
            context.ContinueAsNew(input with { From = from, Done = result });
        }

        return result;
    }

    private static async Task<(string Instance, TickEnd End)> RunAsync(TaskOrchestrationContext context, TickOf tick)
    {
        var instance = Runs.InstanceFor(tick.Pipeline, tick.Tick);
        try
        {
            instance = await context.CallActivityAsync<string>(nameof(StartTick), tick, Steps.Retry(BackfillInput.Attempts));
            for (var pause = FirstPause; ; pause = 2 * pause < LongestPause ? 2 * pause : LongestPause)
            {
                await context.CreateTimer(pause, CancellationToken.None);
                if (await context.CallActivityAsync<TickEnd>(nameof(LookAtTick), tick, Steps.Retry(BackfillInput.Attempts)) is var end and not TickEnd.NotYet)
                {
                    return (instance, end);
                }
            }
        }
        catch (TaskFailedException)
        {
            return (instance, TickEnd.Failed);
        }
    }
}
