using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Configuration;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>What a run of a pipeline is given. It is frozen when the run starts: later changes of the configuration do not reach it.</summary>
internal interface IPipelineInput
{
    /// <summary>The address of the object to read; null in configuration, where each run names its own.</summary>
    string? Object { get; }

    /// <summary>Where messages about the run go; see <see cref="NotifyInput.Slack"/>.</summary>
    string? Slack { get; }

    /// <summary>Reports every value that will not do.</summary>
    /// <param name="key">The full key of a setting, for the error.</param>
    void Check(Func<string, string> key, SettingErrors errors);
}

/// <summary>A kind of pipeline: its name, the orchestrator that runs it and the activities that calls.</summary>
internal abstract record PipelineKind(string Name, string Summary)
{
    /// <summary>A run moves its object away, so that one that lies there waits to be run.</summary>
    public bool TakesObjectAway { get; init; }

    public abstract void AddOrchestrator(DurableTaskRegistry registry, string pipeline);

    public abstract void AddActivities(DurableTaskRegistry registry);

    public abstract IPipelineInput Read(JsonObject settings, string path, SettingErrors errors);
}

internal sealed record PipelineKind<TOrchestrator, TInput>(string Name, string Summary, Action<DurableTaskRegistry> Activities) : PipelineKind(Name, Summary)
    where TOrchestrator : class, ITaskOrchestrator
    where TInput : class, IPipelineInput
{
    public override void AddOrchestrator(DurableTaskRegistry registry, string pipeline) => registry.AddOrchestrator<TOrchestrator>(pipeline);

    public override void AddActivities(DurableTaskRegistry registry) => Activities(registry);

    public override IPipelineInput Read(JsonObject settings, string path, SettingErrors errors)
    {
        var input = SettingsReader.Read<TInput>(settings, path, errors);
        input.Check(name => path.Length == 0 ? JsonNamingPolicy.CamelCase.ConvertName(name) : $"{path}:{name}", errors);
        return input;
    }
}
