using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Triggers.Schedules;

/// <param name="From">The first time that counts.</param>
/// <param name="To">The last time that counts.</param>
/// <param name="Parallel">Runs at once.</param>
internal sealed record BackfillInput(string Pipeline, DateTimeOffset From, DateTimeOffset To, int Parallel)
{
    /// <summary>What is waited for is a database that is away.</summary>
    public const int Attempts = 100;

    /// <summary>Runs at once at most.</summary>
    public const int MostParallel = 100;

    /// <summary>What was done before <see cref="From"/>.</summary>
    public BackfillResult Done { get; init; } = new();
}

/// <summary>What became of the ticks.</summary>
internal sealed record BackfillResult
{
    private const int MostNamed = 100;

    public int Ticks { get; init; }

    public int Completed { get; init; }

    /// <summary>Those that failed, were terminated, or could not be started.</summary>
    public int Failed { get; init; }

    /// <summary>The runs of the first of those.</summary>
    public IReadOnlyList<string> FailedRuns { get; init; } = [];

    public BackfillResult With(string instance, TickEnd end) => end == TickEnd.Completed
        ? this with { Ticks = Ticks + 1, Completed = Completed + 1 }
        : this with { Ticks = Ticks + 1, Failed = Failed + 1, FailedRuns = FailedRuns.Count < MostNamed ? [.. FailedRuns, instance] : FailedRuns };
}

/// <param name="More">Where the ticks go on that are not in this part; null when these are the last.</param>
internal sealed record BackfillPart(IReadOnlyList<DateTimeOffset> Ticks, DateTimeOffset? More);

internal sealed record TickOf(string Pipeline, DateTimeOffset Tick);

internal enum TickEnd
{
    NotYet,
    Completed,
    Failed,
}

/// <summary>The next ticks of a backfill: so many that its history stays short.</summary>
internal sealed class FindTicks(Settings settings) : TaskActivity<BackfillInput, BackfillPart>
{
    private const int Part = 50;

    public override Task<BackfillPart> RunAsync(TaskActivityContext context, BackfillInput input)
    {
        var schedule = settings.Find(input.Pipeline).Schedule?.Schedule
            ?? throw new NonRetriableException($"Pipeline '{input.Pipeline}' no longer has a schedule, so it has no ticks to run. Give it one (Pipelines:{input.Pipeline}:Trigger:Schedule), or terminate the backfill.");
        var ticks = schedule.Between(input.From, input.To).Take(Part + 1).ToList();
        return Task.FromResult(new BackfillPart(ticks.Take(Part).ToList(), ticks.Count > Part ? ticks[Part] : null));
    }
}

internal sealed class StartTick(Settings settings, Runs runs) : TaskActivity<TickOf, string>
{
    public override Task<string> RunAsync(TaskActivityContext context, TickOf input) =>
        runs.StartForAsync(settings.Find(input.Pipeline), input.Tick, within: null, context.CancellationToken);
}

/// <summary>How the run of a tick stands; one that was purged has ended.</summary>
internal sealed class LookAtTick(Runs runs) : TaskActivity<TickOf, TickEnd>
{
    public override async Task<TickEnd> RunAsync(TaskActivityContext context, TickOf input) =>
        await runs.FindForAsync(input.Pipeline, input.Tick, context.CancellationToken) switch
        {
            null or { RuntimeStatus: OrchestrationRuntimeStatus.Completed } => TickEnd.Completed,
            { IsCompleted: true } => TickEnd.Failed,
            _ => TickEnd.NotYet,
        };
}
