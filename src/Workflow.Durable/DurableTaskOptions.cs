namespace Workflow.Durable;

/// <summary>Where the task hub is and how much of it one host takes in hand.</summary>
public sealed class DurableTaskOptions
{
    /// <summary>No host takes longer than this to stop.</summary>
    public static readonly TimeSpan MaxShutdownTimeout = TimeSpan.FromMinutes(10);

    /// <summary>Npgsql's form. The role may create the hub's schema at the first start.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>The schema that holds the hub: 1 to 40 of a-z, 0-9 and _. Hosts that share a hub share its work.</summary>
    public string TaskHub { get; set; } = "durable";

    /// <summary>Activities running at once in this host.</summary>
    public int MaxConcurrentActivities { get; set; } = 10 * Environment.ProcessorCount;

    /// <summary>Instances in this host's hands at once.</summary>
    public int MaxConcurrentOrchestrators { get; set; } = 500 * Environment.ProcessorCount;

    /// <summary>Orchestrators kept in memory while they wait for something far away; the least recently used go first, and are replayed when needed.</summary>
    public int MaxCachedOrchestrators { get; set; } = 1000;

    /// <summary>How long a host that falls silent keeps what it has in hand. A host whose connection breaks loses it after two seconds.</summary>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// What the texts of an activity's failure go through before anybody else sees them: history, spans, the orchestrator. For a host that
    /// knows what must not be shown.
    /// </summary>
    public Func<string, string> Redact { get; set; } = text => text;

    /// <summary>How long activities that run when the host is told to stop may take to end; what runs on then is cancelled, and done again elsewhere.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>All that is wrong, each naming the setting, the value and what would be right.</summary>
    public IEnumerable<string> Errors()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString))
        {
            yield return $"{nameof(ConnectionString)} is empty; give the PostgreSQL connection string of the task hub.";
        }

        if (MaxConcurrentActivities < 1)
        {
            yield return $"{nameof(MaxConcurrentActivities)} is {MaxConcurrentActivities}; give 1 or more.";
        }

        if (MaxConcurrentOrchestrators < 1)
        {
            yield return $"{nameof(MaxConcurrentOrchestrators)} is {MaxConcurrentOrchestrators}; give 1 or more.";
        }

        if (MaxCachedOrchestrators < 0)
        {
            yield return $"{nameof(MaxCachedOrchestrators)} is {MaxCachedOrchestrators}; give 0 or more.";
        }

        if (LeaseDuration < TimeSpan.FromSeconds(1) || LeaseDuration > TimeSpan.FromHours(1))
        {
            yield return $"{nameof(LeaseDuration)} is {LeaseDuration}; give a second to an hour.";
        }

        if (ShutdownTimeout < TimeSpan.Zero || ShutdownTimeout > MaxShutdownTimeout)
        {
            yield return $"{nameof(ShutdownTimeout)} is {ShutdownTimeout}; give nothing to {MaxShutdownTimeout.TotalMinutes} minutes.";
        }
    }
}
