namespace Workflow.Durable.Replay;

/// <summary>What orchestrators must see to themselves, because the engine that keeps them does not.</summary>
/// <param name="LosesActivities">An activity whose host died is told as failed, not done again.</param>
/// <param name="SwallowsTakenIds">A sub-orchestration whose id is that of an instance under way is never heard of again.</param>
/// <param name="LongestTimer">A longer wait is made of several timers.</param>
internal sealed record Engine(bool LosesActivities, bool SwallowsTakenIds, TimeSpan LongestTimer)
{
    /// <summary>Our own task hub sees to all of it.</summary>
    public static Engine TaskHub { get; } = new(false, false, TimeSpan.MaxValue);

    /// <summary>The Durable Task extension of Azure Functions. Its storage holds a message back for six days at most.</summary>
    public static Engine DurableExtension { get; } = new(true, true, TimeSpan.FromDays(3));
}
