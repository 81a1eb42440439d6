using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workflow.Durable;

namespace Workflow.App.Configuration;

/// <summary>
/// The runtime's operational knobs, as <c>host.json</c> names them under <c>extensions.durableTask</c>: the file an Azure Functions host reads too.
/// </summary>
internal sealed partial record HostSettings
{
    /// <summary>The schema in the hub's database. Hosts with the same hub share their work.</summary>
    public string? HubName { get; init; }

    public int? MaxConcurrentActivityFunctions { get; init; }

    public int? MaxConcurrentOrchestratorFunctions { get; init; }

    /// <summary>Orchestrators kept in memory between turns.</summary>
    public int? MaxCachedOrchestrators { get; init; }

    /// <summary>How long the work of a host that went silent stays its own.</summary>
    public TimeSpan? LeaseDuration { get; init; }

    /// <summary>How long activities that run when the service is told to stop may take to end.</summary>
    public TimeSpan? ShutdownTimeout { get; init; }

    /// <summary>What the file does not say stays as the runtime has it.</summary>
    public void ApplyTo(DurableTaskOptions options)
    {
        options.TaskHub = HubName ?? options.TaskHub;
        options.MaxConcurrentActivities = MaxConcurrentActivityFunctions ?? options.MaxConcurrentActivities;
        options.MaxConcurrentOrchestrators = MaxConcurrentOrchestratorFunctions ?? options.MaxConcurrentOrchestrators;
        options.MaxCachedOrchestrators = MaxCachedOrchestrators ?? options.MaxCachedOrchestrators;
        options.LeaseDuration = LeaseDuration ?? options.LeaseDuration;
        options.ShutdownTimeout = ShutdownTimeout ?? options.ShutdownTimeout;
    }

    public static HostSettings Load(string file, SettingErrors errors)
    {
        if (!File.Exists(file))
        {
            return new();
        }

        try
        {
            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            var json = JsonNode.Parse(File.ReadAllText(file), documentOptions: options);
            if (json?["extensions"]?["durableTask"] is not JsonObject given)
            {
                return new();
            }

            CheckIdsAreKept(given, errors);
            foreach (var theirs in given.Select(setting => setting.Key).Where(key => OfTheExtension.Contains(key, StringComparer.OrdinalIgnoreCase)).ToArray())
            {
                given.Remove(theirs);
            }

            var settings = SettingsReader.Read<HostSettings>(given, Path, errors);
            settings.Check(errors);
            return settings;
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            errors.Add(file, null, $"it is not the JSON of a host file: {broken.Message}");
            return new();
        }
    }

    private const int MaxCount = 100_000;
    private const string Path = "host.json:extensions:durableTask";

    // What only the Durable Task extension of Azure Functions reads.
    private static readonly string[] OfTheExtension =
    [
        "storageProvider", "tracing", "notifications", "useGracefulShutdown", "maxOrchestrationActions", "maxEntityOperationBatchSize",
        "maxConcurrentEntityFunctions", "storeInputsInOrchestrationHistory", "useAppLease", "appLeaseOptions", "overridableExistingInstanceStates",
    ];

    /// <summary>One id is one run: of two starts the second must not take the first one's place.</summary>
    private static void CheckIdsAreKept(JsonObject given, SettingErrors errors)
    {
        const string Setting = "overridableExistingInstanceStates";
        var states = given.FirstOrDefault(setting => setting.Key.Equals(Setting, StringComparison.OrdinalIgnoreCase)).Value?.ToString();
        if (states is not null && !states.Equals("NonRunningStates", StringComparison.OrdinalIgnoreCase))
        {
            errors.Add($"{Path}:{Setting}", states, "leave it out; a start that is told twice would take the place of its own run");
        }
    }

    private void Check(SettingErrors errors)
    {
        if (HubName is { } hub && !HubNames().IsMatch(hub))
        {
            errors.Add($"{Path}:hubName", hub, "write 1 to 40 of a-z, 0-9 and _");
        }

        CheckCount("maxConcurrentActivityFunctions", MaxConcurrentActivityFunctions, 1);
        CheckCount("maxConcurrentOrchestratorFunctions", MaxConcurrentOrchestratorFunctions, 1);
        CheckCount("maxCachedOrchestrators", MaxCachedOrchestrators, 0);
        if (LeaseDuration is { } lease && (lease < TimeSpan.FromSeconds(1) || lease > TimeSpan.FromHours(1)))
        {
            errors.Add($"{Path}:leaseDuration", $"{lease}", "write a time span from 00:00:01 to 01:00:00");
        }

        if (ShutdownTimeout < TimeSpan.Zero || ShutdownTimeout > DurableTaskOptions.MaxShutdownTimeout)
        {
            errors.Add($"{Path}:shutdownTimeout", $"{ShutdownTimeout}", $"write a time span up to {DurableTaskOptions.MaxShutdownTimeout}");
        }

        void CheckCount(string name, int? value, int least)
        {
            if (value < least || value > MaxCount)
            {
                errors.Add($"{Path}:{name}", $"{value}", $"write a number from {least} to {MaxCount}");
            }
        }
    }

    [GeneratedRegex("^[a-z0-9_]{1,40}$")]
    private static partial Regex HubNames();
}
