using System.Text.RegularExpressions;

namespace Workflow.App.Configuration;

/// <summary>What an Azure Functions app binds to, besides what pipelines say.</summary>
internal sealed partial record FunctionsSettings
{
    /// <summary>The app setting, or the prefix of those, that names the storage account of <c>az://</c> objects and of the queue.</summary>
    public string StorageConnection { get; init; } = "AzureWebJobsStorage";

    /// <summary>The storage queue that events of objects come by. With it none are bound to blobs: an object told twice in two ways would be two runs.</summary>
    public string? Queue { get; init; }

    public const string Section = "Functions";

    public static FunctionsSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var settings = SettingsReader.Read<FunctionsSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        if (settings.Queue is { } queue && !QueueNames().IsMatch(queue))
        {
            errors.Add($"{Section}:{nameof(Queue)}", queue, "name a storage queue with 3 to 63 of a-z, 0-9 and single hyphens between them");
        }

        if (string.IsNullOrWhiteSpace(settings.StorageConnection))
        {
            errors.Add($"{Section}:{nameof(StorageConnection)}", settings.StorageConnection, "name an app setting, for example AzureWebJobsStorage");
        }

        return settings;
    }

    [GeneratedRegex("^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$")]
    private static partial Regex QueueNames();
}
