using System.Text.Json.Nodes;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;

namespace Workflow.App.Triggers;

/// <summary>Starts a run for each new object under a prefix.</summary>
/// <param name="Suffix">What the key ends with; empty for whatever it ends with.</param>
/// <param name="Interval">Between two looks at the prefix.</param>
/// <param name="Watch">Looks at the prefix itself. Events are taken either way; without it they are relied on alone.</param>
internal sealed record ObjectTrigger(ObjectAddress Prefix, string Suffix, TimeSpan Interval, bool Watch)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    // A look at a local folder costs next to nothing; one at a bucket is a paid request.
    private static readonly TimeSpan LocalDefault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RemoteDefault = TimeSpan.FromSeconds(30);

    /// <summary>An address that ends in a slash is a folder, and starts nothing.</summary>
    public bool Matches(ObjectAddress address) =>
        address.Scheme == Prefix.Scheme && address.Bucket == Prefix.Bucket && address.Name.Length > 0
        && address.Key.StartsWith(Prefix.Key, StringComparison.Ordinal) && address.Key.EndsWith(Suffix, StringComparison.Ordinal);

    /// <summary>Under the other's prefix there may be objects that both match.</summary>
    public bool IsIn(ObjectTrigger other) =>
        Prefix.ToString().StartsWith(other.Prefix.ToString(), StringComparison.Ordinal)
        && (Suffix.EndsWith(other.Suffix, StringComparison.Ordinal) || other.Suffix.EndsWith(Suffix, StringComparison.Ordinal));

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

        var isLocal = prefix.Scheme == "local";
        if (isLocal && !settings.Watch)
        {
            errors.Add($"{path}:Watch", "false", "local:// sends no events: leave it out, or nothing would start a run");
        }

        return new(prefix, settings.Suffix, settings.Interval ?? (isLocal ? LocalDefault : RemoteDefault), settings.Watch);
    }

    private sealed record Written
    {
        public string? Object { get; init; }

        public TimeSpan? Interval { get; init; }

        public string Suffix { get; init; } = "";

        public bool Watch { get; init; } = true;
    }
}
