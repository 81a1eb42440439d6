using Workflow.Cloud.Objects;

namespace Workflow.App.Pipelines;

/// <summary>
/// Where an object goes once it has been dealt with: the same path in an area beside the one it landed in,
/// <c>landing/csv/a/x.csv</c> to <c>landing/processed/a/x.csv</c>. An object that lies in no area gets one at the top of its bucket.
/// </summary>
internal static class Areas
{
    public const string Landing = "csv";
    public const string Processed = "processed";
    public const string Error = "error";
    public const string Quarantine = "quarantine";

    private static readonly string[] All = [Landing, Processed, Error, Quarantine];

    public static ObjectAddress In(string area, ObjectAddress landed)
    {
        var segments = landed.Key.Split('/');
        var at = Array.FindIndex(segments, 0, segments.Length - 1, All.Contains);
        return landed.WithKey(at < 0 ? $"{area}/{landed.Key}" : string.Join('/', [.. segments[..at], area, .. segments[(at + 1)..]]));
    }

    /// <summary>An area that objects under the prefix would be moved to, and that lies under the prefix itself: they would be found again for ever.</summary>
    public static ObjectAddress? FindLoop(ObjectAddress prefix) =>
        new[] { Processed, Error, Quarantine }
            .Select(area => In(area, prefix.WithKey(prefix.Key + "x")))
            .FirstOrDefault(moved => moved.Key.StartsWith(prefix.Key, StringComparison.Ordinal));
}
