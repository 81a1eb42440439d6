using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Workflow.App.Triggers.Events;

/// <summary>What came in since this process started, for whoever listens to <see cref="MeterName"/> and for the API.</summary>
internal sealed class EventCounts : IDisposable
{
    public const string MeterName = "Workflow.Events";

    private readonly Meter _meter = new(MeterName);
    private readonly Tally _started;
    private readonly Tally _ignored;
    private readonly Tally _refused;
    private readonly Tally _deadLettered;

    public EventCounts()
    {
        _started = new(_meter, "workflow.events.started", "Runs that events started.", "pipeline");
        _ignored = new(_meter, "workflow.events.ignored", "Events that started nothing.", "reason");
        _refused = new(_meter, "workflow.events.refused", "Requests that did not prove where they come from.", "entrance");
        _deadLettered = new(_meter, "workflow.events.dead_lettered", "Messages put aside, because nobody can take them.", "queue");
    }

    public void Started(string pipeline) => _started.Add(pipeline);

    /// <param name="reason">Of <see cref="IgnoredBecause"/>.</param>
    public void Ignored(string reason) => _ignored.Add(reason);

    public void Refused(string entrance) => _refused.Add(entrance);

    public void DeadLettered(string queue) => _deadLettered.Add(queue);

    public EventCountsView Read() => new(_started.Read(), _ignored.Read(), _refused.Read(), _deadLettered.Read());

    public void Dispose() => _meter.Dispose();

    private sealed class Tally(Meter meter, string name, string description, string tag)
    {
        private readonly Counter<long> _counter = meter.CreateCounter<long>(name, description: description);
        private readonly ConcurrentDictionary<string, long> _counts = new();

        public void Add(string what)
        {
            _counter.Add(1, new KeyValuePair<string, object?>(tag, what));
            _counts.AddOrUpdate(what, 1, static (_, count) => count + 1);
        }

        public SortedDictionary<string, long> Read() => new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);
    }
}

/// <param name="Started">Runs, by pipeline.</param>
/// <param name="Ignored">Events, by reason.</param>
/// <param name="Refused">Requests, by the entrance they came to.</param>
/// <param name="DeadLettered">Messages, by queue.</param>
internal sealed record EventCountsView(
    IReadOnlyDictionary<string, long> Started, IReadOnlyDictionary<string, long> Ignored, IReadOnlyDictionary<string, long> Refused, IReadOnlyDictionary<string, long> DeadLettered);
