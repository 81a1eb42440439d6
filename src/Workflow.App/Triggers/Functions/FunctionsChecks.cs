using Workflow.App.Configuration;

namespace Workflow.App.Triggers.Functions;

/// <summary>What settings cannot mean in an Azure Functions app. Its machines come and go, and none is there for another.</summary>
internal static class FunctionsChecks
{
    /// <summary>Set by the platform on its machines, and not by a developer's host.</summary>
    private const string Platform = "WEBSITE_INSTANCE_ID";

    public static bool IsOnPlatform => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Platform));

    /// <returns>The settings as they are meant there: the service's own tables are beside the warehouse's where no other database is named.</returns>
    /// <exception cref="SettingsException">Something is; all of it is named.</exception>
    public static Settings Check(Settings settings)
    {
        Check(settings, IsOnPlatform);
        return settings with { Hub = settings.Hub ?? settings.Warehouse };
    }

    /// <param name="onPlatform">The app runs on Azure, not on a developer's machine, where what lies on the disk stays.</param>
    /// <exception cref="SettingsException">Something is; all of it is named.</exception>
    public static void Check(Settings settings, bool onPlatform)
    {
        var errors = new SettingErrors();
        if (settings.Warehouse is null)
        {
            errors.Add("ConnectionStrings:Warehouse", null, "name the warehouse's database; there is no embedded one in Azure Functions");
        }

        if (settings.Events.Queues.Count > 0)
        {
            errors.Add($"{EventSettings.Section}:Queues", null, "leave it out; no program polls SQS in Azure Functions, so let EventBridge or SNS call the API, or write into the storage queue of Functions:Queue");
        }

        if (settings.Functions.Queue is not null && settings.Events.EventGrid.Topics.Count == 0 && settings.Pipelines.FirstOrDefault(pipeline => pipeline.Trigger?.Prefix.Scheme == "az") is { } pipeline)
        {
            errors.Add($"{EventSettings.Section}:EventGrid:Topics", null, $"write the resource ids of the storage accounts whose events come by the queue; those of others are ignored, so nothing would start {pipeline.Name}");
        }

        if (onPlatform)
        {
            CheckPlaces(settings, errors);
        }

        errors.ThrowIfAny();
    }

    private static void CheckPlaces(Settings settings, SettingErrors errors)
    {
        foreach (var service in settings.Aws.Where(service => service.Value.IsLocal).Select(service => service.Key).Order(StringComparer.Ordinal))
        {
            errors.Add($"Aws:Endpoints:{service}", "local", "name a region's address, or leave it out; a stand-in would be another one on each machine");
        }

        foreach (var pipeline in settings.Pipelines.Where(pipeline => pipeline.Trigger?.Prefix.Scheme == "local"))
        {
            errors.Add($"Pipelines:{pipeline.Name}:Trigger:Object", pipeline.Trigger!.Prefix.ToString(), "name a place in an object store, az:// or s3://; what lies on a machine's disk goes with it");
        }
    }
}
