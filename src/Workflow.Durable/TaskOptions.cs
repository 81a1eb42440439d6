namespace Workflow.Durable;

/// <summary>How to call an activity or sub-orchestration.</summary>
public record TaskOptions(RetryPolicy? Retry = null);

/// <summary>How to call a sub-orchestration, with an instance id of your own.</summary>
public sealed record SubOrchestrationOptions(RetryPolicy? Retry = null, string? InstanceId = null) : TaskOptions(Retry);

/// <summary>
/// Retries by durable timers: attempt n+1 starts <c>min(first × coefficient^(n-1), max interval)</c> after attempt n failed.
/// </summary>
public sealed record RetryPolicy
{
    /// <param name="maxNumberOfAttempts">All attempts together, at least 1.</param>
    /// <param name="firstRetryInterval">Before the second attempt; not negative.</param>
    /// <param name="backoffCoefficient">At least 1; 1 keeps the interval constant.</param>
    /// <param name="maxRetryInterval">Cap of one interval; null for an hour.</param>
    /// <param name="retryTimeout">No attempt starts this long after the first one did; null for no limit.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside what its parameter says.</exception>
    public RetryPolicy(
        int maxNumberOfAttempts,
        TimeSpan firstRetryInterval,
        double backoffCoefficient = 1.0,
        TimeSpan? maxRetryInterval = null,
        TimeSpan? retryTimeout = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxNumberOfAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(firstRetryInterval, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(backoffCoefficient, 1.0);
        MaxNumberOfAttempts = maxNumberOfAttempts;
        FirstRetryInterval = firstRetryInterval;
        BackoffCoefficient = backoffCoefficient;
        MaxRetryInterval = maxRetryInterval ?? TimeSpan.FromHours(1);
        RetryTimeout = retryTimeout ?? Timeout.InfiniteTimeSpan;
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxRetryInterval, FirstRetryInterval, nameof(maxRetryInterval));
    }

    public int MaxNumberOfAttempts { get; }

    public TimeSpan FirstRetryInterval { get; }

    public double BackoffCoefficient { get; }

    public TimeSpan MaxRetryInterval { get; }

    public TimeSpan RetryTimeout { get; }

    /// <summary>Exception types (and what derives from them) that no retry can mend.</summary>
    public IReadOnlyList<Type> NonRetryableErrors { get; init; } = [];

    /// <summary>A last word per failure: false ends the retries. It is replayed, so it must be pure.</summary>
    public Func<TaskFailureDetails, bool> HandleFailure { get; init; } = _ => true;

    internal bool Allows(TaskFailureDetails failure) =>
        !failure.IsNonRetriable && !NonRetryableErrors.Any(failure.IsCausedBy) && HandleFailure(failure);

    internal TimeSpan IntervalAfter(int attempt)
    {
        var ticks = FirstRetryInterval.Ticks * Math.Pow(BackoffCoefficient, attempt - 1);
        return ticks < MaxRetryInterval.Ticks ? TimeSpan.FromTicks((long)ticks) : MaxRetryInterval;
    }
}
