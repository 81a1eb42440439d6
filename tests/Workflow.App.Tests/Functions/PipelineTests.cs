using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.Durable;
using Workflow.Testing;
using Kind = Workflow.Durable.Protocol.HistoryEvent.EventTypeOneofCase;

namespace Workflow.App.Tests.Functions;

/// <summary>The same pipelines, unchanged, with the Durable Task extension as their engine and with our own hub: what comes of them is the same.</summary>
public sealed class PipelineTests(PostgresFixture postgres)
{
    private const string Users = "user_id,name,postcode\n1,Ann,00123\n2,Bo,04567\nx,Cy\n";
    private const string Customers = "create table customers (id int, name text, credit int, email text); insert into customers values (1,'old',10,'a@x'),(2,'Bo',null,'b@x'),(3,'Cy',7,null)";

    [Fact]
    public async Task Csv_to_warehouse_loads_moves_and_tells()
    {
        await CompareAsync(
            installation => installation.With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id", Slack = "local:etl" }),
            installation =>
            {
                installation.Drop("local://landing/csv/users.csv", Users);
                return Task.CompletedTask;
            },
            "users",
            new JsonObject { ["object"] = "local://landing/csv/users.csv" },
            async installation => string.Join('\n', [
                .. await installation.QueryAsync("select user_id, name, postcode from users order by 1"),
                .. await installation.QueryAsync("select source, rows_in, loaded, quarantined, skipped from load_ledger"),
                .. installation.Objects("landing"),
                .. (await installation.SlackAsync()).Select(message => message.Channel)]));
    }

    [Fact]
    public async Task A_folder_of_files_is_loaded_by_a_run_for_each()
    {
        await CompareAsync(
            installation => installation.With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id" }),
            installation =>
            {
                installation.Drop("local://landing/csv/a.csv", "user_id,name\n1,Ann\n");
                installation.Drop("local://landing/csv/b.csv", "user_id,name\n2,Bo\n");
                return Task.CompletedTask;
            },
            "users",
            new JsonObject { ["object"] = "local://landing/csv/" },
            async installation => string.Join('\n', [.. await installation.QueryAsync("select user_id, name from users order by 1"), .. installation.Objects("landing")]));
    }

    [Fact]
    public async Task Merge_sources_completes_a_file_from_a_table()
    {
        await CompareAsync(
            installation => installation.OpenToThisMachine().With("tenant", "merge-sources", new { Object = "local://sources/test.json", Secret = "tenant/database", Table = "customers", Output = "local://merged/tenant.csv" }),
            async installation =>
            {
                await installation.WriteDatabaseSecretAsync("tenant/database");
                await installation.ExecuteAsync(Customers);
                installation.Drop("local://sources/test.json", """[{"id":1,"name":"Ann","credit":null},{"id":2,"name":null,"tag":"x"}]""");
            },
            "tenant",
            [],
            installation => Task.FromResult(installation.Read("local://merged/tenant.csv")));
    }

    [Fact]
    public async Task Json_to_parquet_writes_a_dataset()
    {
        await CompareAsync(
            installation => installation.With("orders", "json-to-parquet", new
            {
                Object = "local://landing/json/",
                Output = "local://lake/orders/",
                Columns = new object[] { new { From = "order_id", Type = "bigint" }, new { From = "total", Type = "decimal(10,2)" }, new { From = "day", Type = "date" } },
                PartitionBy = new[] { "day" },
                Database = "lake",
                Table = "orders",
                TryEvery = "00:00:00.1000000",
                LookEvery = "00:00:00.1000000",
            }),
            installation =>
            {
                installation.Drop("local://landing/json/a.json", """[{"order_id":"1","total":"10.50","day":"2024-03-01"},{"order_id":"2","total":"ten","day":"2024-03-01"}]""");
                return Task.CompletedTask;
            },
            "orders",
            [],
            installation => Task.FromResult(string.Join('\n', installation.Objects("lake").Select(name => name.Split('/')[..2]).Select(parts => string.Join('/', parts)).Distinct())));
    }

    [Fact]
    public async Task A_run_that_fails_says_why_in_the_same_words()
    {
        await using var installation = await StartAsync(Csv, ServiceRoles.Functions);
        await using var engine = await StartEngineAsync(installation);

        var ended = await RunAsync(engine, "users", new() { ["object"] = "local://landing/csv/none.csv" });
        var failure = RunFailure.From(ended.Failure);

        Assert.Equal(OrchestrationRuntimeStatus.Failed, ended.Status);
        Assert.Equal("FindObjects", failure.Step);
        Assert.Contains("local://landing/csv/none.csv", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_that_take_turns_see_each_other()
    {
        await using var installation = await StartAsync(
            installation => installation.With("checks", "ingest-check-ins", new { Table = "daily_checkins", Staging = "local://staging/check-ins/", HardTesting = false }), ServiceRoles.Functions);
        await using var engine = await StartEngineAsync(installation);
        installation.Drop("local://landing/check-ins/a.csv", "user,timestamp,hours,project\nann,2024-03-01 10:00 UTC,2,x\n");

        var ended = await RunAsync(engine, "checks", new() { ["object"] = "local://landing/check-ins/a.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, ended.Status);
    }

    private static Installation Csv(Installation installation) => installation.With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id" });

    /// <summary>Runs a pipeline with both engines and compares its output and what it leaves behind.</summary>
    private async Task CompareAsync(
        Func<Installation, Installation> configure, Func<Installation, Task> prepare, string pipeline, JsonObject input, Func<Installation, Task<string>> look)
    {
        await using var hub = await StartAsync(configure, ServiceRoles.Worker);
        await prepare(hub);
        var running = hub.RunAsync(pipeline, input.DeepClone());

        await using var functions = await StartAsync(configure, ServiceRoles.Functions);
        await prepare(functions);
        await using var engine = await StartEngineAsync(functions);
        var ended = await RunAsync(engine, pipeline, input);
        var expected = await running;
        Assert.Equal(OrchestrationRuntimeStatus.Completed, expected.Status);

        Assert.Equal(Comparable(expected.Output!.Value), Comparable(ended.Read<JsonElement>()));
        Assert.Equal(await look(hub), await look(functions));
        Assert.NotEqual(0, ended.Count(Kind.TaskCompleted));
    }

    private async Task<Installation> StartAsync(Func<Installation, Installation> configure, ServiceRoles roles)
    {
        var installation = configure(await Installation.CreateAsync(postgres));
        return await installation.StartServiceAsync(roles);
    }

    private static async Task<ExtensionEngine> StartEngineAsync(Installation installation)
    {
        var engine = await ExtensionEngine.StartAsync(installation.Address);
        engine.Key = LocalKey.Find(installation.Data).Key!.Reveal();
        return engine;
    }

    /// <summary>Starts a run by HTTP, as a caller of the app does, and lets the engine finish it.</summary>
    private static async Task<EngineInstance> RunAsync(ExtensionEngine engine, string pipeline, JsonObject input)
    {
        var started = await engine.RequestAsync($"start-{pipeline}", "POST", $"http://localhost/api/pipelines/{pipeline}/runs", input.ToJsonString());
        Assert.Equal("202", started.Status);
        return await engine.FinishAsync(engine.Find(started.Body["instance"]!.GetValue<string>())!);
    }

    /// <summary>Without what is another with every run: times, and names that come of them.</summary>
    private static string Comparable(JsonElement output) => string.Join('\n', output.EnumerateObject()
        .Where(property => property.Name is not ("version" or "ingestedId" or "quarantineObject" or "object"))
        .Select(property => $"{property.Name}: {JsonNode.Parse(property.Value.GetRawText())?.ToJsonString()}"));
}
