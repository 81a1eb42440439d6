using System.Text.Json.Nodes;
using Workflow.App.Hosting;
using Workflow.App.Pipelines;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers.Events;

/// <summary>What an object's event came to: the run it started, or why it started none.</summary>
/// <param name="Ignored">Of <see cref="IgnoredBecause"/>.</param>
internal sealed record Arrival(string? Instance, string? Ignored);

/// <summary>
/// Makes one run of the events of one object. Where the pipeline also watches, the store is asked what is there now, and the run is the
/// one that the watch starts. Where events are all there is, the run's id is made of what they say (bucket, key, version or ETag,
/// sequencer), and the store is not asked: whoever starts runs need not be allowed to read. The two ids differ, because an event does not
/// know the time that the store shows, and a listing does not show the sequencer.
/// </summary>
/// <remarks>
/// An event that is older than another of the same key starts nothing: what it tells of has been overwritten, and its run would do the
/// newer one's work a second time.
/// </remarks>
internal sealed class ObjectArrivals(Runs runs, ObjectStores stores, ServiceDatabase database, TimeProvider time)
{
    // Events that come later than this after a newer one are not expected.
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(30);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromHours(1);

    private long _sweepAfter;

    public Task<Arrival> StartAsync(Pipeline pipeline, ToldEvent.Created created, CancellationToken cancellation) =>
        pipeline.Trigger!.Watch ? StartAsSeenAsync(pipeline, created, cancellation) : StartAsToldAsync(pipeline, created, cancellation);

    /// <summary>The id of the run of an event where events are all there is.</summary>
    public static string InstanceFor(string pipeline, ToldEvent.Created created) =>
        Runs.InstanceFor(pipeline, $"{created.Address}\n{created.Version ?? created.ETag}\n{created.Sequencer}");

    private async Task<Arrival> StartAsSeenAsync(Pipeline pipeline, ToldEvent.Created created, CancellationToken cancellation)
    {
        if (await stores.For(created.Address).FindAsync(created.Address, cancellation) is not { } there)
        {
            return new(null, IgnoredBecause.Gone);
        }

        if (created.ETag is { } tag && tag != there.ETag)
        {
            return new(null, IgnoredBecause.Superseded);
        }

        var isKnown = await runs.ExistsAsync(pipeline.Name, Runs.InstanceFor(pipeline.Name, there), cancellation);
        var instance = await runs.StartForAsync(pipeline, there, cancellation);
        return instance is null || (isKnown && instance == Runs.InstanceFor(pipeline.Name, there)) ? new(null, IgnoredBecause.Duplicate) : new(instance, null);
    }

    private async Task<Arrival> StartAsToldAsync(Pipeline pipeline, ToldEvent.Created created, CancellationToken cancellation)
    {
        var instance = InstanceFor(pipeline.Name, created);
        if (await runs.ExistsAsync(pipeline.Name, instance, cancellation))
        {
            return new(null, IgnoredBecause.Duplicate);
        }

        if (created.Sequencer is { } sequencer && !await IsNewestAsync(pipeline.Name, created.Address, sequencer, cancellation))
        {
            return new(null, IgnoredBecause.Superseded);
        }

        return new(await runs.StartAsync(pipeline.Name, new JsonObject { ["Object"] = created.Address.ToString() }, instance, cancellation), null);
    }

    /// <summary>Noted before the run is started: if that fails, the event comes again and is still the newest.</summary>
    private async Task<bool> IsNewestAsync(string pipeline, ObjectAddress address, string sequencer, CancellationToken cancellation)
    {
        // Of different length, the shorter is padded with zeros on the right; without them they compare as texts do.
        var position = sequencer.ToUpperInvariant().TrimEnd('0');
        var now = time.GetUtcNow();
        await using var connection = await database.OpenAsync(cancellation);
        await using var note = connection.CreateCommand();
        note.CommandText = SqlText.Read("Triggers/Events/note_sequencer.sql");
        foreach (var value in (object[])[pipeline, address.ToString(), position, now])
        {
            note.Parameters.Add(new() { Value = value });
        }

        var newest = (string)(await note.ExecuteScalarAsync(cancellation))!;
        await SweepAsync(connection, now, cancellation);
        return newest == position;
    }

    private async Task SweepAsync(Npgsql.NpgsqlConnection connection, DateTimeOffset now, CancellationToken cancellation)
    {
        var due = Interlocked.Read(ref _sweepAfter);
        if (now.UtcTicks < due || Interlocked.CompareExchange(ref _sweepAfter, (now + SweepEvery).UtcTicks, due) != due)
        {
            return;
        }

        await using var sweep = connection.CreateCommand();
        sweep.CommandText = SqlText.Read("Triggers/Events/forget_sequencers.sql");
        sweep.Parameters.Add(new() { Value = now - Remembered });
        await sweep.ExecuteNonQueryAsync(cancellation);
    }
}
