using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Triggers.Functions;

/// <summary>
/// All functions of the app, made of what is registered and configured: an orchestrator and an activity are functions of their own names,
/// because that is how the Durable Task extension finds them.
/// </summary>
internal sealed partial class FunctionSet
{
    private static readonly string[] Methods = ["get", "post", "put", "patch", "delete"];

    private readonly Dictionary<string, Function> _functions;

    private FunctionSet(IEnumerable<Function> functions) => _functions = functions.ToDictionary(function => function.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>In the order of their names.</summary>
    public IReadOnlyList<Function> All => [.. _functions.Values.OrderBy(function => function.Name, StringComparer.Ordinal)];

    public Function? Find(string name) => _functions.GetValueOrDefault(name);

    /// <exception cref="SettingsException">Something is named as no function can be, or as another one is.</exception>
    public static FunctionSet Create(Settings settings, DurableTaskRegistry registry)
    {
        var errors = new SettingErrors();
        Function[] functions = [.. Durable(registry), Api(), .. settings.Pipelines.SelectMany(pipeline => Triggers(pipeline, settings.Functions)), .. Events(settings.Functions)];
        CheckNames(functions, settings, errors);
        errors.ThrowIfAny();
        return new(functions);
    }

    /// <summary>Those of orchestrators and activities alone.</summary>
    public static FunctionSet Create(DurableTaskRegistry registry) => new(Durable(registry));

    private static IEnumerable<Function> Durable(DurableTaskRegistry registry) =>
    [
        .. registry.Orchestrators.Select(name => new Function(name, FunctionKind.Orchestration, [Bindings.Orchestration()])),
        .. registry.Activities.Select(name => new Function(name, FunctionKind.Activity, [Bindings.Activity(), Bindings.DurableClient()])),
    ];

    private static Function Api() => Http("api", "{*path}", Methods);

    private static IEnumerable<Function> Triggers(Pipeline pipeline, FunctionsSettings settings)
    {
        yield return Http($"start-{pipeline.Name}", $"pipelines/{pipeline.Name}/runs", "post") with { Pipeline = pipeline };
        if (pipeline.Schedule is { } schedule)
        {
            yield return new($"timer-{pipeline.Name}", FunctionKind.Timer, [Bindings.Timer(Ncrontab.For(schedule)), Bindings.DurableClient()], pipeline);
        }

        if (pipeline.Trigger is { Prefix: { Scheme: "az" } prefix } && settings.Queue is null)
        {
            var path = $"{prefix.Bucket}/{prefix.Key.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal)}{{name}}";
            yield return new($"objects-{pipeline.Name}", FunctionKind.Blob, [Bindings.Blob(path, settings.StorageConnection), Bindings.DurableClient()], pipeline);
        }
    }

    private static IEnumerable<Function> Events(FunctionsSettings settings) => settings is { Queue: { } queue, StorageConnection: var connection }
        ? [new Function("events", FunctionKind.Queue, [Bindings.Queue(queue, connection), Bindings.DurableClient(), Bindings.PoisonQueue(queue, connection)])]
        : [];

    private static Function Http(string name, string route, params string[] methods) =>
        new(name, FunctionKind.Http, [Bindings.HttpTrigger(route, methods), Bindings.HttpResponse(), Bindings.DurableClient()]);

    private static void CheckNames(IReadOnlyList<Function> functions, Settings settings, SettingErrors errors)
    {
        foreach (var pipeline in settings.Pipelines.Where(pipeline => !Names().IsMatch(pipeline.Name)))
        {
            errors.Add($"Pipelines:{pipeline.Name}", null, "the name of an Azure function begins with a letter and is not \"host\"; name the pipeline so");
        }

        foreach (var same in functions.GroupBy(function => function.Name, StringComparer.OrdinalIgnoreCase).Where(same => same.Count() > 1))
        {
            errors.Add($"Pipelines:{same.Key}", null, $"there is {string.Join(" and ", same.Select(function => Describe(function.Kind)))} of this name, and each is an Azure function of its own; rename the pipeline");
        }
    }

    private static string Describe(FunctionKind kind) => kind switch
    {
        FunctionKind.Orchestration => "a pipeline",
        FunctionKind.Activity => "an activity",
        _ => "a trigger",
    };

    [GeneratedRegex("^(?!host$)[A-Za-z][A-Za-z0-9_-]{0,127}$", RegexOptions.IgnoreCase)]
    private static partial Regex Names();
}
