using System.Text.RegularExpressions;

namespace Workflow.App.Configuration;

/// <summary>The section <c>Events</c>: where events of objects come from, and how each entrance knows its callers. An entrance without settings is closed.</summary>
internal sealed partial record EventSettings
{
    public const string Section = "Events";

    /// <summary>Queues of SQS to take events from.</summary>
    public IReadOnlyList<QueueSettings> Queues { get; init; } = [];

    public SnsSettings Sns { get; init; } = new();

    /// <summary>The API destination of EventBridge.</summary>
    public KeySettings EventBridge { get; init; } = new();

    public EventGridSettings EventGrid { get; init; } = new();

    /// <summary>Events of S3 that something else passes on.</summary>
    public KeySettings S3 { get; init; } = new();

    public SlackSettings Slack { get; init; } = new();

    public static EventSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var settings = SettingsReader.Read<EventSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        foreach (var (index, queue) in settings.Queues.Index())
        {
            queue.Check($"{Section}:{nameof(Queues)}:{index}", errors);
        }

        settings.Sns.Check($"{Section}:{nameof(Sns)}", errors);
        settings.EventGrid.Check($"{Section}:{nameof(EventGrid)}", errors);
        return settings;
    }

    /// <summary>One queue.</summary>
    internal sealed record QueueSettings
    {
        private const int MostReceives = 1000;
        private static readonly TimeSpan ShortestVisibility = TimeSpan.FromSeconds(2);
        private static readonly TimeSpan LongestVisibility = TimeSpan.FromHours(12);

        /// <summary>The queue's address, as SQS names it.</summary>
        public string? Url { get; init; }

        /// <summary>The address of the queue for messages that nobody can take; without it they stay, for the queue's own redrive policy.</summary>
        public string? DeadLetter { get; init; }

        /// <summary>A message that fails this many times, and not because something is away, is put aside.</summary>
        public int MaxReceives { get; init; } = 5;

        /// <summary>How long a message is out of others' sight while it is taken; extended while that lasts.</summary>
        public TimeSpan Visibility { get; init; } = TimeSpan.FromSeconds(30);

        /// <summary>Receivers at once, of ten messages each.</summary>
        public int Receivers { get; init; } = 1;

        public string Name => Url!.Split('/')[^1];

        public void Check(string path, SettingErrors errors)
        {
            CheckUrl(nameof(Url), Url);
            if (DeadLetter is not null)
            {
                CheckUrl(nameof(DeadLetter), DeadLetter);
            }

            if (DeadLetter is not null && DeadLetter == Url)
            {
                errors.Add($"{path}:{nameof(DeadLetter)}", DeadLetter, "write another queue: this one would be read again");
            }

            if (MaxReceives is < 1 or > MostReceives)
            {
                errors.Add($"{path}:{nameof(MaxReceives)}", $"{MaxReceives}", $"write a number from 1 to {MostReceives}");
            }

            if (Visibility < ShortestVisibility || Visibility > LongestVisibility)
            {
                errors.Add($"{path}:{nameof(Visibility)}", $"{Visibility}", $"write a time span from {ShortestVisibility:c} to {LongestVisibility:c}");
            }

            if (Receivers is < 1 or > 20)
            {
                errors.Add($"{path}:{nameof(Receivers)}", $"{Receivers}", "write a number from 1 to 20");
            }

            void CheckUrl(string name, string? url)
            {
                if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https") || parsed.AbsolutePath.Split('/') is not [_, { Length: > 0 }, { Length: > 0 }])
                {
                    errors.Add($"{path}:{name}", url, "write the queue's URL, for example https://sqs.eu-central-1.amazonaws.com/000000000000/landing");
                }
            }
        }
    }

    /// <summary>SNS over HTTP: each message proves itself by its signature.</summary>
    internal sealed record SnsSettings
    {
        private static readonly TimeSpan LongestWindow = TimeSpan.FromDays(1);

        /// <summary>The ARNs of the topics whose messages are taken.</summary>
        public IReadOnlyList<string> Topics { get; init; } = [];

        /// <summary>How old a message may be. SNS itself tries for up to an hour.</summary>
        public TimeSpan Window { get; init; } = TimeSpan.FromHours(1);

        public void Check(string path, SettingErrors errors)
        {
            foreach (var topic in Topics.Where(topic => !TopicArns().IsMatch(topic)))
            {
                errors.Add($"{path}:{nameof(Topics)}", topic, "write the ARN of a topic, for example arn:aws:sns:eu-central-1:000000000000:landing");
            }

            if (Window <= TimeSpan.Zero || Window > LongestWindow)
            {
                errors.Add($"{path}:{nameof(Window)}", $"{Window}", $"write a time span up to {LongestWindow:c}");
            }
        }
    }

    /// <summary>An entrance whose callers know a secret.</summary>
    internal record KeySettings
    {
        /// <summary>The name of the secret: its field <c>key</c>, and <c>previous</c> while that is being replaced. Null where the entrance is closed.</summary>
        public string? Secret { get; init; }

        /// <summary>The header that brings the key.</summary>
        public string Header { get; init; } = "X-Event-Key";
    }

    internal sealed record EventGridSettings : KeySettings
    {
        /// <summary>The resource ids of the storage accounts whose events are taken.</summary>
        public IReadOnlyList<string> Topics { get; init; } = [];

        public void Check(string path, SettingErrors errors)
        {
            foreach (var topic in Topics.Where(topic => !ResourceIds().IsMatch(topic)))
            {
                errors.Add($"{path}:{nameof(Topics)}", topic, "write the resource id of a storage account, /subscriptions/…/providers/Microsoft.Storage/storageAccounts/NAME");
            }
        }
    }

    internal sealed record SlackSettings
    {
        /// <summary>The name of the secret whose field <c>signing_secret</c> Slack signs with. Null where the entrance is closed.</summary>
        public string? Secret { get; init; }

        /// <summary>The ids of the users who may start runs; all others of the workspace may look.</summary>
        public IReadOnlyList<string> Operators { get; init; } = [];
    }

    [GeneratedRegex("^arn:aws(-cn|-us-gov)?:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}([.]fifo)?$")]
    private static partial Regex TopicArns();

    [GeneratedRegex("^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft[.]Storage/storageAccounts/[a-z0-9]{3,24}$", RegexOptions.IgnoreCase)]
    private static partial Regex ResourceIds();
}
