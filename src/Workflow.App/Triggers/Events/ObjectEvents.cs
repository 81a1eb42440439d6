using System.Runtime.ExceptionServices;
using System.Text.Json;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;

namespace Workflow.App.Triggers.Events;

/// <summary>What became of the events in an envelope.</summary>
/// <param name="Started">Runs that are new.</param>
/// <param name="Ignored">Events that started nothing: of no object, of nobody's pipeline, or told before.</param>
internal sealed record EventsAccepted(int Started, int Ignored);

/// <summary>Nobody will ever understand it: to be put aside, not to be tried again.</summary>
internal sealed class MalformedEventException(string reason) : Exception(reason);

/// <summary>Starts the runs that events ask for: the one door for all of them, however they came.</summary>
internal sealed class ObjectEvents(Settings settings, ObjectArrivals arrivals, Runs runs, EventCounts counts, ILogger<ObjectEvents> logger)
{
    /// <summary>
    /// Returns once each run that the events in the envelope ask for is durable; the same envelope again is the same runs. An event that
    /// fails by itself keeps none of the others back.
    /// </summary>
    /// <exception cref="MalformedEventException">Something in it is none that we know; what was well formed has been taken.</exception>
    public async Task<EventsAccepted> AcceptAsync(JsonElement body, CancellationToken cancellation)
    {
        var outcomes = new List<string?>();
        var malformed = new List<string>();
        Exception? failure = null;
        foreach (var told in EventEnvelope.Open(body))
        {
            switch (told)
            {
                case ToldEvent.Created created when IsForeign(created):
                    outcomes.Add(IgnoredBecause.Foreign);
                    break;
                case ToldEvent.Created created when PipelinesOf(created) is { Count: > 0 } pipelines:
                    foreach (var pipeline in pipelines)
                    {
                        await TakeAsync(() => StartAsync(pipeline, created, cancellation));
                    }

                    break;
                case ToldEvent.Created:
                    outcomes.Add(IgnoredBecause.NoPipeline);
                    break;
                case ToldEvent.Scheduled scheduled:
                    await TakeAsync(() => StartAsync(scheduled, cancellation));
                    break;
                case ToldEvent.Ignored ignored:
                    outcomes.Add(ignored.Reason);
                    break;
                case ToldEvent.Malformed broken:
                    malformed.Add(broken.Reason);
                    break;
            }
        }

        foreach (var reason in outcomes.OfType<string>())
        {
            counts.Ignored(reason);
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);  // before what is malformed: this may succeed when it is told again
        }

        var started = outcomes.Count(outcome => outcome is null);
        return malformed.Count == 0 ? new(started, outcomes.Count - started) : throw new MalformedEventException(string.Join("; ", malformed.Distinct()));

        async Task TakeAsync(Func<Task<string?>> start)
        {
            try
            {
                outcomes.Add(await start());
            }
            catch (Exception failed) when (!Runs.AreAway(failed))
            {
                failure ??= failed;
            }
        }
    }

    private bool IsForeign(ToldEvent.Created created) =>
        created.Address.Scheme == "az" && !settings.Events.EventGrid.Topics.Contains(created.Source, StringComparer.OrdinalIgnoreCase);

    private IReadOnlyList<Pipeline> PipelinesOf(ToldEvent.Created created) => [.. settings.Pipelines.Where(pipeline => pipeline.Trigger?.Matches(created.Address) == true)];

    /// <returns>Why no run was started, or null where one was.</returns>
    private async Task<string?> StartAsync(Pipeline pipeline, ToldEvent.Created created, CancellationToken cancellation)
    {
        var arrival = await arrivals.StartAsync(pipeline, created, cancellation);
        if (arrival.Instance is { } instance)
        {
            counts.Started(pipeline.Name);
            logger.LogInformation("{Object} is run {Instance} of {Pipeline}, by its event.", created.Address, instance, pipeline.Name);
        }
        else
        {
            logger.LogInformation("The event of {Object} starts no run of {Pipeline}: {Reason}.", created.Address, pipeline.Name, arrival.Ignored);
        }

        return arrival.Ignored;
    }

    private async Task<string?> StartAsync(ToldEvent.Scheduled scheduled, CancellationToken cancellation)
    {
        if (settings.Pipelines.FirstOrDefault(known => known.Name.Equals(scheduled.Pipeline, StringComparison.OrdinalIgnoreCase)) is not { } pipeline)
        {
            return IgnoredBecause.NoPipeline;
        }

        var instance = Runs.InstanceFor(pipeline.Name, scheduled.Tick);
        if (await runs.ExistsAsync(pipeline.Name, instance, cancellation))
        {
            return IgnoredBecause.Duplicate;
        }

        await runs.StartAsync(pipeline.Name, null, instance, cancellation);
        counts.Started(pipeline.Name);
        logger.LogInformation("A scheduled event is run {Instance} of {Pipeline}.", instance, pipeline.Name);
        return null;
    }
}
