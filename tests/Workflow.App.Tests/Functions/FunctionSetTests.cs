using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.App.Triggers.Functions;
using Workflow.App.Triggers.Schedules;
using Workflow.Durable;
using Workflow.Testing;
using AllPipelines = Workflow.App.Pipelines.Pipelines;

namespace Workflow.App.Tests.Functions;

/// <summary>The function.json files: made of what is registered and configured, nothing missing, nothing extra.</summary>
public sealed partial class FunctionSetTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Each_orchestrator_activity_and_trigger_is_a_function_of_a_name_that_the_host_takes()
    {
        var settings = Load();
        var registry = new DurableTaskRegistry();
        AllPipelines.Register(registry, settings.Pipelines);
        var functions = FunctionSet.Create(settings, registry).All;

        Assert.Equal(registry.Orchestrators, Names(functions, "orchestrationTrigger"));
        Assert.Equal(registry.Activities, Names(functions, "activityTrigger"));
        Assert.Equal(settings.Pipelines.Select(pipeline => $"start-{pipeline.Name}").Append("api").Order(StringComparer.Ordinal), Names(functions, "httpTrigger"));
        Assert.Equal(settings.Pipelines.Where(pipeline => pipeline.Schedule is not null).Select(pipeline => $"timer-{pipeline.Name}").Order(StringComparer.Ordinal), Names(functions, "timerTrigger"));
        Assert.All(functions, function => Assert.Matches(NameOfFunction(), function.Name));
        Assert.Equal(functions.Count, functions.Select(function => function.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    [Fact]
    public void No_binding_is_a_return_value_and_all_but_orchestrators_know_the_client()
    {
        var settings = Load();
        var functions = FunctionSet.Create(settings, Registry(settings)).All;

        Assert.All(functions.SelectMany(function => function.Bindings), binding => Assert.NotEqual("$return", binding["name"]!.GetValue<string>()));
        Assert.All(functions, function => Assert.Equal(function.Kind != FunctionKind.Orchestration, function.Bindings.Any(binding => binding["type"]!.GetValue<string>() == "durableClient")));
        Assert.All(functions.Where(function => function.Kind == FunctionKind.Http), function => Assert.Equal("function", function.Bindings[0]["authLevel"]!.GetValue<string>()));
    }

    [Fact]
    public void Objects_in_blob_storage_come_by_blob_triggers_or_by_the_queue()
    {
        var settings = Load(("drops", "az://landing/csv/{x}/", "csv-to-warehouse"), ("bucket", "s3://landing/csv/", "csv-to-warehouse"));

        var blob = Assert.Single(FunctionSet.Create(settings, Registry(settings)).All, function => function.Kind == FunctionKind.Blob);
        Assert.Equal("objects-drops", blob.Name);
        Assert.Equal(("landing/csv/{{x}}/{name}", "EventGrid"), (blob.Bindings[0]["path"]!.GetValue<string>(), blob.Bindings[0]["source"]!.GetValue<string>()));

        var queued = settings with { Functions = new() { Queue = "workflow-events", StorageConnection = "Events" } };
        var queue = Assert.Single(FunctionSet.Create(queued, Registry(settings)).All, function => function.Kind is FunctionKind.Blob or FunctionKind.Queue);
        Assert.Equal(("workflow-events", "Events"), (queue.Bindings[0]["queueName"]!.GetValue<string>(), queue.Bindings[0]["connection"]!.GetValue<string>()));
        Assert.Equal("""{"type":"queue","direction":"out","name":"poison","queueName":"workflow-events-poison","connection":"Events"}""", queue.Bindings[2].ToJsonString());
    }

    [Theory]
    [InlineData("20 * * * *", "UTC", "0 20 * * * *")]
    [InlineData("*/10 30 2 * * *", "UTC", "*/10 30 2 * * *")]
    [InlineData("cron(0 3,15 * * ? *)", "UTC", "0 0 3,15 * * *")]
    [InlineData("rate(10 minutes)", "Europe/Berlin", "0 */10 * * * *")]
    [InlineData("rate(6 hours)", "UTC", "0 0 */6 * * *")]
    [InlineData("rate(1 day)", "UTC", "0 0 0 * * *")]
    [InlineData("rate(7 minutes)", "UTC", Ncrontab.EachMinute)]
    [InlineData("0 3 * * *", "Europe/Berlin", Ncrontab.EachMinute)]
    [InlineData("cron(0 8 ? * MON-FRI *)", "UTC", Ncrontab.EachMinute)]
    [InlineData("cron(0 8 L * ? *)", "UTC", Ncrontab.EachMinute)]
    [InlineData("cron(0 8 * * ? 2030)", "UTC", Ncrontab.EachMinute)]
    public void A_timer_wakes_when_the_schedule_says_or_each_minute_where_it_cannot_say_so(string schedule, string zone, string expected)
    {
        var errors = new SettingErrors();
        var trigger = ScheduleTrigger.Read(new JsonObject { ["Schedule"] = schedule, ["TimeZone"] = zone }, "Trigger", errors);

        Assert.Empty(errors.All);
        Assert.Equal(expected, Ncrontab.For(trigger!));
        Assert.Equal(Ncrontab.EachMinute, Ncrontab.For(trigger! with { Overlap = OverlapPolicy.QueueOne }));
    }

    [Theory]
    [InlineData("1st", "begins with a letter")]
    [InlineData("host", "is not \"host\"")]
    [InlineData("LoadCsv", "a pipeline and an activity")]
    [InlineData("api", "a trigger")]
    public void A_name_that_no_function_can_have_is_told_with_the_reason(string pipeline, string says)
    {
        var settings = Load((pipeline, "az://landing/csv/", "csv-to-warehouse"));

        var wrong = Assert.Throws<SettingsException>(() => FunctionSet.Create(settings, Registry(settings)));

        var error = Assert.Single(wrong.Errors);
        Assert.StartsWith("Pipelines:", error.Key, StringComparison.Ordinal);
        Assert.Contains(says, error.Right, StringComparison.Ordinal);
    }

    [Fact]
    public void The_files_are_written_old_ones_go_and_what_else_is_there_stays()
    {
        var (before, after) = (Load(("old", "az://landing/csv/", "csv-to-warehouse")), Load(("new", "az://landing/csv/", "csv-to-warehouse")));
        var folder = _folder.File("app");
        Directory.CreateDirectory(Path.Combine(folder, "wwwroot"));
        FunctionFiles.Write(FunctionSet.Create(before, Registry(before)), folder);
        File.WriteAllText(Path.Combine(folder, "old", "notes.txt"), "kept");

        var functions = FunctionSet.Create(after, Registry(after));
        FunctionFiles.Write(functions, folder);

        Assert.Equal(functions.All.Select(function => function.Name), FunctionFiles.Find(folder));
        Assert.Empty(FunctionFiles.Compare(functions, folder));
        Assert.True(File.Exists(Path.Combine(folder, "old", "notes.txt")));
        Assert.True(Directory.Exists(Path.Combine(folder, "wwwroot")));
        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "new", "function.json")))!;
        Assert.Equal("""{"bindings":[{"type":"orchestrationTrigger","direction":"in","name":"request"}]}""", written.ToJsonString());
    }

    [Fact]
    public void A_folder_that_is_not_that_of_the_settings_is_told_function_by_function()
    {
        var (deployed, now) = (Load(("old", "az://landing/csv/", "csv-to-warehouse")), Load(("new", "az://landing/csv/", "csv-to-warehouse")));
        FunctionFiles.Write(FunctionSet.Create(deployed, Registry(deployed)), _folder.File("app"));
        File.WriteAllText(Path.Combine(_folder.File("app"), "Notify", "function.json"), "{}");

        var differences = FunctionFiles.Compare(FunctionSet.Create(now, Registry(now)), _folder.File("app"));

        Assert.Contains("new is not there", differences);
        Assert.Contains("objects-old is no function any more", differences);
        Assert.Contains("Notify has other bindings", differences);
    }

    [Fact]
    public void What_has_no_place_there_is_told_all_at_once()
    {
        var settings = Load(("here", "local://nothing/csv/", "csv-to-warehouse"));

        var wrong = Assert.Throws<SettingsException>(() => FunctionsChecks.Check(settings with { Events = new() { Queues = [new()] } }, onPlatform: true));

        Assert.Contains(wrong.Errors, error => error.Key == "ConnectionStrings:Warehouse");
        Assert.Contains(wrong.Errors, error => error.Key == "Events:Queues");
        Assert.Contains(wrong.Errors, error => error.Key == "Pipelines:here:Trigger:Object");
        Assert.Contains(wrong.Errors, error => error.Key.StartsWith("Aws:Endpoints:", StringComparison.Ordinal));
        Assert.Equal(["ConnectionStrings:Warehouse"], Assert.Throws<SettingsException>(() => FunctionsChecks.Check(settings, onPlatform: false)).Errors.Select(error => error.Key));
    }

    [Fact]
    public void A_message_of_the_queue_is_brought_again_for_an_hour_while_something_is_away()
    {
        var queues = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "host.json")))!["extensions"]!["queues"]!;

        Assert.True((int)queues["maxDequeueCount"]! * TimeSpan.Parse((string)queues["visibilityTimeout"]!, CultureInfo.InvariantCulture) >= TimeSpan.FromHours(1));
    }

    [Fact]
    public void Blobs_whose_events_come_by_the_queue_need_their_account_named()
    {
        var settings = Load(("blobs", "az://landing/csv/", "csv-to-warehouse")) with { Functions = new() { Queue = "workflow-events" }, Warehouse = "Host=warehouse" };

        Assert.Equal("Events:EventGrid:Topics", Assert.Single(Assert.Throws<SettingsException>(() => FunctionsChecks.Check(settings, onPlatform: false)).Errors).Key);
        FunctionsChecks.Check(settings with { Events = new() { EventGrid = new() { Topics = ["/subscriptions/0"] } } }, onPlatform: false);
    }

    private static string[] Names(IReadOnlyList<Function> functions, string trigger) =>
        [.. functions.Where(function => function.Bindings[0]["type"]!.GetValue<string>() == trigger).Select(function => function.Name)];

    private static DurableTaskRegistry Registry(Settings settings)
    {
        var registry = new DurableTaskRegistry();
        AllPipelines.Register(registry, settings.Pipelines);
        return registry;
    }

    /// <summary>The settings that the program comes with, and pipelines besides.</summary>
    private Settings Load(params (string Name, string Object, string Kind)[] pipelines)
    {
        var data = new DataFolder(_folder.File(Guid.NewGuid().ToString("N")));
        data.Create();
        var settings = new JsonObject([.. pipelines.Select(pipeline => KeyValuePair.Create(pipeline.Name, (JsonNode?)new JsonObject
        {
            ["Kind"] = pipeline.Kind,
            ["Trigger"] = new JsonObject { ["Object"] = pipeline.Object },
            ["Options"] = new JsonObject { ["Table"] = "users", ["Key"] = "user_id" },
        }))]);
        File.WriteAllText(data.SettingsFile, new JsonObject { ["Pipelines"] = settings }.ToJsonString());
        return Settings.Load(Settings.Sources(data));
    }

    [GeneratedRegex("^(?!host$)[A-Za-z][A-Za-z0-9_-]{0,127}$")]
    private static partial Regex NameOfFunction();
}
