using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Schedules;
using Workflow.Durable;

namespace Workflow.App.Api;

/// <summary>Schedules: looked at, paused and resumed, and their ticks run afterwards.</summary>
internal static class SchedulesApi
{
    private const int MaxPage = 1_000;
    private const int MaxBackfill = 10_000;

    public static void MapSchedules(this IEndpointRouteBuilder routes)
    {
        var schedules = routes.MapGroup("/api/schedules");
        var schedule = schedules.MapGroup("/{name}").OfPipeline("name");
        schedules.MapGet("/", ListAsync).Needs(Role.Viewer).ByCaller().WithSummary("The schedules, each with its next ticks.");
        schedule.MapGet("/", GetAsync).Needs(Role.Viewer).WithSummary("A schedule with its next ticks.");
        schedule.MapGet("/ticks", TicksAsync).Needs(Role.Viewer).WithSummary("The ticks of a span of time, each with its run.");
        schedule.MapPost("/pause", PauseAsync).Needs(Role.Operator).WithSummary("Pauses a schedule.");
        schedule.MapPost("/resume", ResumeAsync).Needs(Role.Operator).WithSummary("Lets a paused schedule go on.");
        schedule.MapPost("/backfill", BackfillAsync).Needs(Role.Operator).WithSummary("Runs the ticks of a span of time.");
    }

    private static async Task<Ok<ScheduleView[]>> ListAsync(HttpContext context, Settings settings, ScheduleTable table, CancellationToken cancellation) =>
        TypedResults.Ok((await ReadAsync(settings, table, cancellation)).Where(schedule => Caller.Of(context).MaySee(schedule.Pipeline)).ToArray());

    private static async Task<Ok<ScheduleView>> GetAsync(string name, Settings settings, ScheduleTable table, CancellationToken cancellation) =>
        TypedResults.Ok((await ReadAsync(settings, table, cancellation)).FirstOrDefault(schedule => schedule.Pipeline.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? throw NoSchedule(name));

    /// <summary>The ticks of a span of time, each with its run where there is one: what a backfill would run.</summary>
    /// <param name="from">A time, or a day in the schedule's zone.</param>
    /// <param name="to">The last time or day that counts.</param>
    private static async Task<Ok<TickPage>> TicksAsync(
        string name, string from, string to, Settings settings, ScheduleTable table, Runs runs, CancellationToken cancellation, int top = MaxPage)
    {
        var range = await TickRange.ReadAsync(name, from, to, settings, table, cancellation);
        top = Math.Clamp(top, 1, MaxPage);
        var ticks = range.Schedule.Between(range.From, range.To).Take(top + 1).ToList();
        var page = ticks.Take(top).Select(async tick =>
        {
            var run = await runs.FindForAsync(range.Pipeline, tick, cancellation);
            return new Tick(tick, run?.InstanceId ?? Runs.InstanceFor(range.Pipeline, tick), run?.RuntimeStatus);
        });
        return TypedResults.Ok(new TickPage(await Task.WhenAll(page), ticks.Count > top ? ticks[^1] : null));
    }

    private static Task<Ok<ScheduleView>> PauseAsync(string name, HttpContext context, Settings settings, ScheduleTable table, CancellationToken cancellation, string? reason = null) =>
        ChangeAsync(
            name,
            settings,
            table,
            (row, now) => row.PausedAt is null ? row with { PausedAt = now, PausedBy = Caller.Of(context).Name, PauseReason = reason } : row,
            cancellation);

    /// <summary>What would have been due meanwhile is left out.</summary>
    private static Task<Ok<ScheduleView>> ResumeAsync(string name, Settings settings, ScheduleTable table, CancellationToken cancellation) =>
        ChangeAsync(
            name,
            settings,
            table,
            (row, now) => row.PausedAt is null ? row : row with { PausedAt = null, PausedBy = null, PauseReason = null, NextTick = row.ReadSchedule()?.Next(now) },
            cancellation);

    /// <summary>Runs the ticks of a span of time; the answer is the run that does it. Asked for again while it has not ended, it is the same.</summary>
    private static async Task<Accepted<Run>> BackfillAsync(
        string name, string from, string to, Settings settings, ScheduleTable table, DurableTaskClient client, CancellationToken cancellation, int parallel = 1)
    {
        if (parallel is < 1 or > BackfillInput.MostParallel)
        {
            throw new BadRequestException($"'parallel' is {parallel}: write 1 to {BackfillInput.MostParallel}.");
        }

        var range = await TickRange.ReadAsync(name, from, to, settings, table, cancellation);
        if (range.Schedule.Between(range.From, range.To).Skip(MaxBackfill).Any())
        {
            throw new BadRequestException($"There are more than {MaxBackfill} ticks from {from} to {to}: take a shorter span of time.");
        }

        var options = new StartOrchestrationOptions(range.Id) { IfExists = ExistingInstance.Keep };
        var id = await client.ScheduleNewOrchestrationInstanceAsync(Backfill.Name, new BackfillInput(range.Pipeline, range.From, range.To, parallel), options, cancellation);
        var started = await client.GetInstanceAsync(id, getInputsAndOutputs: true, cancellation) ?? throw new InstanceNotFoundException(id);
        if (started.Name != Backfill.Name)
        {
            throw new RunConflictException($"Instance '{id}' is {started.RuntimeStatus} as a run of {started.Name}, not the backfill. Purge it, or ask for another span of time.");
        }

        return TypedResults.Accepted($"/api/runs/{Uri.EscapeDataString(id)}", Run.From(started));
    }

    /// <summary>Those that the database knows, and those that no host has seen to yet.</summary>
    private static async Task<ScheduleView[]> ReadAsync(Settings settings, ScheduleTable table, CancellationToken cancellation)
    {
        var (now, rows) = await table.ListAsync(cancellation);
        var unseen = settings.Pipelines.Where(pipeline => pipeline.Schedule is not null && rows.All(row => row.Pipeline != pipeline.Name));
        return [.. rows.Concat(unseen.Select(pipeline => ScheduleRow.Of(pipeline.Name, pipeline.Schedule!, now))).OrderBy(row => row.Pipeline, StringComparer.Ordinal).Select(row => ScheduleView.From(row, now))];
    }

    private static async Task<Ok<ScheduleView>> ChangeAsync(
        string name, Settings settings, ScheduleTable table, Func<ScheduleRow, DateTimeOffset, ScheduleRow> change, CancellationToken cancellation)
    {
        var pipeline = settings.Pipelines.FirstOrDefault(pipeline => pipeline.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (pipeline?.Schedule is { } trigger)
        {
            await table.AddAsync(ScheduleRow.Of(pipeline.Name, trigger, await table.ClockAsync(cancellation)), cancellation);
        }

        await using var locked = await table.LockAsync(pipeline?.Name ?? name, cancellation) ?? throw NoSchedule(name);
        var changed = change(locked.Row, locked.Now);
        if (changed != locked.Row)
        {
            await locked.SaveAsync(changed, tellOthers: true, cancellation);
        }

        return TypedResults.Ok(ScheduleView.From(changed, locked.Now));
    }

    private static UnknownPipelineException NoSchedule(string name) => new($"Pipeline '{name}' has no schedule. GET /api/schedules lists those there are.");

    /// <param name="From">The first time that counts.</param>
    /// <param name="To">The last time that counts; never in the future.</param>
    /// <param name="Id">Of the backfill that was asked for.</param>
    private sealed record TickRange(string Pipeline, Schedule Schedule, DateTimeOffset From, DateTimeOffset To, string Id)
    {
        public static async Task<TickRange> ReadAsync(string name, string from, string to, Settings settings, ScheduleTable table, CancellationToken cancellation)
        {
            var pipeline = settings.Find(name);
            var schedule = pipeline.Schedule?.Schedule ?? throw NoSchedule(pipeline.Name);
            var (first, last) = (Read("from", from, schedule.StartOf), Read("to", to, day => schedule.StartOf(day.AddDays(1)).AddTicks(-1)));
            if (first > last)
            {
                throw new BadRequestException($"'from' ({from}) is after 'to' ({to}).");
            }

            var now = await table.ClockAsync(cancellation);
            return new(pipeline.Name, schedule, first, last < now ? last : now, Backfill.InstanceFor(pipeline.Name, first, last));
        }

        private static DateTimeOffset Read(string name, string text, Func<DateOnly, DateTimeOffset> ofDay)
        {
            if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            {
                return ofDay(day);
            }

            return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
                ? time
                : throw new BadRequestException($"'{name}' is '{text}': write a day such as 2026-11-21, or a time such as 2026-11-21T08:00:00Z.");
        }
    }
}

/// <summary>A schedule as the API and the command line show it.</summary>
/// <param name="Next">The next ticks; of one that is paused, those it would have.</param>
/// <param name="QueuedTick">Waits for the run before it to end.</param>
/// <param name="LastTick">The latest that became a run, <paramref name="LastInstance"/>.</param>
/// <param name="LeftOut">The latest that became none.</param>
/// <param name="RemovedAt">Since when the settings do not name it.</param>
internal sealed record ScheduleView(
    string Pipeline, string Schedule, string TimeZone, OverlapPolicy Overlap, CatchUpPolicy CatchUp, TimeSpan CatchUpWindow, IReadOnlyList<DateTimeOffset> Next,
    DateTimeOffset? QueuedTick, DateTimeOffset? LastTick, string? LastInstance, LeftOutTick? LeftOut, SchedulePause? Paused, DateTimeOffset? RemovedAt)
{
    private const int Ahead = 5;

    public static ScheduleView From(ScheduleRow row, DateTimeOffset now)
    {
        var schedule = row.ReadSchedule();
        var begin = row is { Ticks: true, NextTick: { } next } ? next.AddTicks(-1) : now;
        return new(
            row.Pipeline, row.Expression, row.TimeZone, row.Overlap, row.CatchUp, row.CatchUpWindow,
            row.RemovedAt is null && schedule is not null ? [.. schedule.After(begin).Take(Ahead)] : [],
            row.QueuedTick, row.LastTick, row.LastInstance,
            row.LeftOutTick is { } leftOut ? new(leftOut, row.LeftOutReason!) : null,
            row.PausedAt is { } paused ? new(paused, row.PausedBy!, row.PauseReason) : null,
            row.RemovedAt);
    }
}

internal sealed record LeftOutTick(DateTimeOffset Tick, string Reason);

internal sealed record SchedulePause(DateTimeOffset Since, string By, string? Reason);

/// <param name="Status">Of its run; null where it has none.</param>
internal sealed record Tick(DateTimeOffset At, string Instance, OrchestrationRuntimeStatus? Status);

/// <param name="More">Where the next page begins; null on the last.</param>
internal sealed record TickPage(IReadOnlyList<Tick> Ticks, DateTimeOffset? More);
