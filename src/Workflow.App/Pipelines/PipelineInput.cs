using Workflow.App.Configuration;
using Workflow.App.Notifications;

namespace Workflow.App.Pipelines;

/// <summary>What a run of a pipeline is given. It is frozen when the run starts: later changes of the configuration do not reach it.</summary>
internal abstract record PipelineInput
{
    private const int MostAttempts = 100;

    /// <summary>The address of what to read; null in configuration, where each run names its own.</summary>
    public string? Object { get; init; }

    /// <summary>The tick of its schedule that the run is for, in UTC; null where no schedule asks for it. A run of the past is begun now, but is about then.</summary>
    public DateTimeOffset? ScheduledFor { get; init; }

    /// <summary>Where messages about the run go; see <see cref="NotifyInput.Slack"/>. Told is how each run ended.</summary>
    public string? Slack { get; init; }

    /// <summary>The ARN of the SNS topic where messages about the run go; see <see cref="NotifyInput.Topic"/>.</summary>
    public string? Topic { get; init; }

    /// <summary>Who else is told of what, and how often.</summary>
    public IReadOnlyList<NotifyRule> Notify { get; init; } = [];

    /// <summary>The DynamoDB table that each state of the run is recorded in; empty for none. Where a pipeline says nothing, the setting of this name for all pipelines holds.</summary>
    public string? StatusTable { get; init; }

    /// <summary>How often a step is tried whose failure may pass by itself.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Reports every value that will not do.</summary>
    /// <param name="key">The full key of a setting, for the error.</param>
    public virtual void Check(Func<string, string> key, SettingErrors errors)
    {
        Inputs.CheckAddress(nameof(Object), Object, "local://landing/csv/users.csv", key, errors);
        Inputs.CheckDynamoDbTable(nameof(StatusTable), StatusTable, key, errors);
        Inputs.CheckTopic(nameof(Topic), Topic, key, errors);
        foreach (var (index, rule) in Notify.Index())
        {
            rule.Check(name => key($"{nameof(Notify)}:{index}:{name}"), errors);
        }

        Inputs.CheckRange(nameof(Attempts), Attempts, MostAttempts, key, errors);
    }
}
