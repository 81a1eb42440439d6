using System.Text.Json.Nodes;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers;

/// <summary>Starts a run for each new object under a prefix.</summary>
/// <param name="Interval">Between two looks at the prefix.</param>
internal sealed record ObjectTrigger(ObjectAddress Prefix, TimeSpan Interval)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    // A look at a local folder costs next to nothing; one at a bucket is a paid request.
    private static readonly TimeSpan LocalDefault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RemoteDefault = TimeSpan.FromSeconds(30);

    public static ObjectTrigger? Read(JsonObject given, string path, SettingErrors errors)
    {
        var settings = SettingsReader.Read<Written>(given, path, errors);
        if (settings.Interval is { } interval && (interval < Shortest || interval > Longest))
        {
            errors.Add($"{path}:Interval", $"{interval}", $"write a time span from {Shortest:c} to {Longest:c}");
        }

        if (!ObjectAddress.TryParse(settings.Object, out var prefix))
        {
            errors.Add($"{path}:Object", settings.Object, "write the prefix to watch, for example local://landing/csv/");
            return null;
        }

        return new(prefix, settings.Interval ?? (prefix.Scheme == "local" ? LocalDefault : RemoteDefault));
    }

    private sealed record Written
    {
        public string? Object { get; init; }

        public TimeSpan? Interval { get; init; }
    }
}
