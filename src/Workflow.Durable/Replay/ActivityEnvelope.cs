namespace Workflow.Durable.Replay;

/// <summary>
/// What an activity needs to know of its step, where the engine carries nothing but an input. The input itself is a string in it,
/// so that nobody on the way reads its numbers and dates and writes them differently.
/// </summary>
/// <param name="Input">JSON.</param>
/// <param name="TaskId">The number of the step, the same for all attempts at it.</param>
internal sealed record ActivityCall(string? Input, string InstanceId, int TaskId, int Attempt);

/// <summary>What an activity answers: its output, or why it failed. The engine would keep of a failure no more than a sentence.</summary>
/// <param name="Output">JSON.</param>
internal sealed record ActivityAnswer(string? Output, TaskFailureDetails? Failure);

/// <summary>The host of an activity has gone, or its time ran out, before it could answer. It is asked for again.</summary>
internal sealed class LostActivityException(string message) : Exception(message)
{
    private const int Deliveries = 8;

    /// <summary>Some minutes: a host that is restarted is back by then.</summary>
    public static RetryPolicy Retries { get; } = new(Deliveries, TimeSpan.FromSeconds(1), backoffCoefficient: 2, TimeSpan.FromMinutes(1))
    {
        HandleFailure = failure => failure.IsCausedBy<LostActivityException>(),
    };
}
