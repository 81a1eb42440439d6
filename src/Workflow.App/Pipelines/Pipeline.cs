using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.App.Triggers;
using Workflow.App.Triggers.Schedules;

namespace Workflow.App.Pipelines;

/// <summary>
/// A configured pipeline: a kind under a name of its own, with its trigger and its options.
/// The name is the orchestrator's registered name, so it is the word for it everywhere: in the hub, the API and the command line.
/// </summary>
/// <param name="Trigger">Starts a run for each new object, or null.</param>
/// <param name="Schedule">Starts a run at each tick, or null.</param>
/// <param name="Options">The kind's input, as far as configuration gives it.</param>
internal sealed partial record Pipeline(string Name, PipelineKind Kind, ObjectTrigger? Trigger, ScheduleTrigger? Schedule, JsonObject Options)
{
    /// <summary>The input of one run: the options, overridden by what the run was given.</summary>
    /// <exception cref="SettingsException">Something in it is wrong; all of it is named.</exception>
    public PipelineInput ReadInput(JsonObject? given)
    {
        var errors = new SettingErrors();
        var input = Kind.Read(Merge(given), "", errors);
        if (errors.All.Count == 0 && Kind.NeedsObject && input.Object is null)
        {
            errors.Add("object", null, "name the object to read, for example local://landing/csv/orders.csv");
        }

        errors.ThrowIfAny();
        return input;
    }

    /// <summary>The input as far as configuration gives it.</summary>
    public PipelineInput Configured => Kind.Read(Options, "", new SettingErrors());

    /// <summary>The same pipeline, with an option that its entry does not give.</summary>
    public Pipeline WithDefault(string option, string value) =>
        Options.Any(given => given.Key.Equals(option, StringComparison.OrdinalIgnoreCase)) ? this : this with { Options = new([.. Options.Select(Copy), new(option, value)]) };

    public static Pipeline? Read(IConfigurationSection entry, SettingErrors errors)
    {
        if (!Names().IsMatch(entry.Key))
        {
            errors.Add(entry.Path, null, "name a pipeline with 1 to 60 of a-z, A-Z, 0-9, - and _");
        }

        if (entry.Key.Equals(Backfill.Name, StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(entry.Path, null, $"name it otherwise: {Backfill.Name} is what starts the ticks of others");
        }

        if ($"{entry.Key}-".Contains(Backfill.Id, StringComparison.OrdinalIgnoreCase))
        {
            errors.Add(entry.Path, null, $"name it otherwise: with {Backfill.Id.Trim('-')} behind a name begin the ids of that pipeline's backfills");
        }

        var given = SettingsReader.ToJson(entry);
        var (trigger, schedule) = ReadTrigger(TakeSection(given, "Trigger", entry.Path, errors), $"{entry.Path}:Trigger", errors);
        var options = TakeSection(given, "Options", entry.Path, errors) ?? [];
        var kindName = SettingsReader.Read<Entry>(given, entry.Path, errors).Kind;
        var kind = Pipelines.Kinds.FirstOrDefault(kind => kind.Name.Equals(kindName, StringComparison.OrdinalIgnoreCase));
        if (kind is null)
        {
            errors.Add($"{entry.Path}:Kind", kindName, $"write one of {string.Join(", ", Pipelines.Kinds.Select(known => known.Name))}");
            return null;
        }

        if (kind.TakesObjectAway && trigger is not null && Areas.FindLoop(trigger.Prefix) is { } loop)
        {
            errors.Add($"{entry.Path}:Trigger:Object", trigger.Prefix.ToString(), $"its objects would be moved to where it looks, {loop}; watch a folder of its own, for example {trigger.Prefix.WithKey($"{trigger.Prefix.Key}{Areas.Landing}/")}");
        }

        var input = kind.Read(options, $"{entry.Path}:Options", errors);
        if (input.ScheduledFor is not null)
        {
            errors.Add($"{entry.Path}:Options:ScheduledFor", $"{input.ScheduledFor:u}", "leave it out: each run has a tick of its own");
        }

        if (schedule is not null && kind.NeedsObject && input.Object is null)
        {
            errors.Add($"{entry.Path}:Options:Object", null, "name the object that each scheduled run reads, for example local://landing/json/");
        }

        return new(entry.Key, kind, trigger, schedule, options);
    }

    /// <summary>A trigger is told by what it names: a schedule, or the place of objects.</summary>
    private static (ObjectTrigger? Objects, ScheduleTrigger? Schedule) ReadTrigger(JsonObject? section, string path, SettingErrors errors) => section switch
    {
        null => (null, null),
        _ when section.Any(setting => setting.Key.Equals(nameof(Schedule), StringComparison.OrdinalIgnoreCase)) => (null, ScheduleTrigger.Read(section, path, errors)),
        _ => (ObjectTrigger.Read(section, path, errors), null),
    };

    private JsonObject Merge(JsonObject? given)
    {
        var merged = new JsonObject(Options.Select(Copy), new JsonNodeOptions { PropertyNameCaseInsensitive = true });
        foreach (var (name, value) in given ?? [])
        {
            merged[name] = value?.DeepClone();
        }

        return merged;
    }

    private static KeyValuePair<string, JsonNode?> Copy(KeyValuePair<string, JsonNode?> option) => new(option.Key, option.Value?.DeepClone());

    private static JsonObject? TakeSection(JsonObject given, string name, string path, SettingErrors errors)
    {
        var key = given.Select(setting => setting.Key).FirstOrDefault(key => key.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (key is null || !given.Remove(key, out var section) || section is null)
        {
            return null;
        }

        if (section is not JsonObject)
        {
            errors.Add($"{path}:{key}", section.ToJsonString(), "write a section of settings");
        }

        return section as JsonObject;
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,60}$")]
    private static partial Regex Names();

    private sealed record Entry
    {
        public string? Kind { get; init; }
    }
}

/// <summary>The run asked for is of a pipeline nobody configured.</summary>
internal sealed class UnknownPipelineException(string message) : UsageException(message);
