using System.Globalization;
using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;

namespace Workflow.App.Notifications;

/// <summary>What of a run is worth a message, the words of <see cref="NotifyRule.On"/>.</summary>
internal enum RunEvent
{
    /// <summary>It failed.</summary>
    Failure,

    /// <summary>It completed, and the run of the pipeline that ended before it had failed.</summary>
    Recovery,

    /// <summary>It added columns to a table.</summary>
    SchemaChange,

    /// <summary>It set rows aside.</summary>
    Quarantine,

    /// <summary>It completed.</summary>
    Success,
}

/// <summary>Who is told of what, of the runs of one pipeline.</summary>
internal sealed partial record NotifyRule
{
    private const int MostAtMost = 10_000;
    private static readonly TimeSpan LongestPer = TimeSpan.FromDays(7);

    /// <summary>What is told: names of <see cref="RunEvent"/>. A run that is several of them is told of once, as the first in their order.</summary>
    public IReadOnlyList<string> On { get; init; } = [nameof(RunEvent.Failure)];

    /// <summary>A Slack channel, by the name of the secret that holds its webhook in the field <c>url</c>, or <c>local:channel</c>.</summary>
    public string? Slack { get; init; }

    /// <summary>An SNS topic, by its ARN.</summary>
    public string? Topic { get; init; }

    /// <summary>A signed webhook, by the name of the secret with the fields <c>url</c> and <c>key</c>, or <c>local:name</c>.</summary>
    public string? Webhook { get; init; }

    /// <summary>What is said, with names in braces (see <see cref="MessageTemplate"/>); null for the usual.</summary>
    public string? Text { get; init; }

    /// <summary>At most so many messages of the pipeline to the same target in <see cref="Per"/>; the next one says how many were left out. Null for all.</summary>
    public int? AtMost { get; init; }

    public TimeSpan Per { get; init; } = TimeSpan.FromHours(1);

    public bool IsFor(RunEvent happened) => On.Contains($"{happened}", StringComparer.OrdinalIgnoreCase);

    public void Check(Func<string, string> key, SettingErrors errors)
    {
        foreach (var unknown in On.Where(name => !Enum.GetNames<RunEvent>().Contains(name, StringComparer.OrdinalIgnoreCase)))
        {
            errors.Add(key(nameof(On)), unknown, $"write one or more of {string.Join(", ", Enum.GetNames<RunEvent>())}");
        }

        if (Slack is null && Topic is null && Webhook is null)
        {
            errors.Add(key(nameof(Slack)), null, $"say whom to tell: {nameof(Slack)}, {nameof(Topic)} or {nameof(Webhook)}");
        }

        Inputs.CheckTopic(nameof(Topic), Topic, key, errors);
        Inputs.CheckSpan(nameof(Per), Per, LongestPer, key, errors);
        if (AtMost is { } most)
        {
            Inputs.CheckRange(nameof(AtMost), most, MostAtMost, key, errors);
        }

        if (Text is not null && MessageTemplate.Unknown(Text) is { } wrong)
        {
            errors.Add(key(nameof(Text)), wrong, $"there is no such name; there are {string.Join(", ", MessageTemplate.Names.Select(name => $"{{{name}}}"))}");
        }
    }
}

/// <summary>A text with names in braces: <c>{pipeline} set {quarantined} rows aside</c>.</summary>
internal static partial class MessageTemplate
{
    public static IReadOnlyList<string> Names { get; } =
        ["event", "pipeline", "run", "object", "state", "reason", "rowsIn", "loaded", "quarantined", "skipped", "target", "quarantineObject", "columns", "message"];

    /// <summary>The first name that is none; null where all are.</summary>
    public static string? Unknown(string template) =>
        Braces().Matches(template).Select(match => match.Groups[1].Value).FirstOrDefault(name => !Names.Contains(name, StringComparer.Ordinal)) is { } unknown ? $"{{{unknown}}}" : null;

    /// <param name="values">By name; a name that is not there is empty.</param>
    public static string Fill(string template, IReadOnlyDictionary<string, object?> values) =>
        Braces().Replace(template, match => Convert.ToString(values.GetValueOrDefault(match.Groups[1].Value), CultureInfo.InvariantCulture) ?? "");

    [GeneratedRegex(@"\{([A-Za-z]*)\}")]
    private static partial Regex Braces();
}
