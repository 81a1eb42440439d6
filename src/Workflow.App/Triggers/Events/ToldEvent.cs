using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers.Events;

/// <summary>One thing that an envelope tells of.</summary>
internal abstract record ToldEvent
{
    /// <summary>An object was written.</summary>
    /// <param name="Source">The id of the Azure resource it is in; null for S3.</param>
    /// <param name="ETag">Without quotes.</param>
    /// <param name="Version">Where the bucket keeps versions.</param>
    /// <param name="Sequencer">Later changes of the same key have greater ones.</param>
    public sealed record Created(ObjectAddress Address, string? Source, string? ETag, string? Version, string? Sequencer) : ToldEvent;

    /// <summary>A rule of EventBridge says that it is time.</summary>
    /// <param name="Pipeline">As the event's detail says, or by the name of the rule.</param>
    /// <param name="Tick">The same for each delivery of the same tick.</param>
    public sealed record Scheduled(string Pipeline, string Tick) : ToldEvent;

    /// <summary>Understood, and nothing to do with us.</summary>
    public sealed record Ignored(string Reason) : ToldEvent;

    /// <summary>Nobody will ever understand it.</summary>
    public sealed record Malformed(string Reason) : ToldEvent;
}

/// <summary>Why an event starts no run, in the words of the counters.</summary>
internal static class IgnoredBecause
{
    /// <summary>Sent to see whether the way is open.</summary>
    public const string Test = "test";

    /// <summary>An object was deleted, restored, tagged …</summary>
    public const string NotCreation = "not a creation";

    /// <summary>Of something else than objects, or of somebody else's.</summary>
    public const string Foreign = "foreign";

    /// <summary>No pipeline's trigger matches the object.</summary>
    public const string NoPipeline = "no pipeline";

    /// <summary>Its run is there already.</summary>
    public const string Duplicate = "duplicate";

    /// <summary>The object has been written again since, and that is another event.</summary>
    public const string Superseded = "superseded";

    /// <summary>The object is not there any more.</summary>
    public const string Gone = "gone";
}
