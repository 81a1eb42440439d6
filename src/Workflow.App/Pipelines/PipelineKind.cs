using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Configuration;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>A kind of pipeline: its name, the orchestrator that runs it and the activities that calls.</summary>
internal abstract record PipelineKind(string Name, string Summary)
{
    /// <summary>A run moves its object away, so that one that lies there waits to be run.</summary>
    public bool TakesObjectAway { get; init; }

    /// <summary>A run is about an object, which its settings or its input must name.</summary>
    public bool NeedsObject { get; init; } = true;

    /// <summary>A run takes only objects that are not processed, by the table of bookmarks.</summary>
    public bool KeepsBookmarks { get; init; }

    public abstract void AddOrchestrator(DurableTaskRegistry registry, string pipeline);

    public abstract void AddActivities(DurableTaskRegistry registry);

    public abstract PipelineInput Read(JsonObject settings, string path, SettingErrors errors);
}

internal sealed record PipelineKind<TOrchestrator, TInput>(string Name, string Summary, Action<DurableTaskRegistry> Activities) : PipelineKind(Name, Summary)
    where TOrchestrator : class, ITaskOrchestrator
    where TInput : PipelineInput
{
    public override void AddOrchestrator(DurableTaskRegistry registry, string pipeline) => registry.AddOrchestrator<TOrchestrator>(pipeline);

    public override void AddActivities(DurableTaskRegistry registry) => Activities(registry);

    public override PipelineInput Read(JsonObject settings, string path, SettingErrors errors)
    {
        var input = SettingsReader.Read<TInput>(settings, path, errors);
        input.Check(name => path.Length == 0 ? JsonNamingPolicy.CamelCase.ConvertName(name) : $"{path}:{name}", errors);
        return input;
    }
}
