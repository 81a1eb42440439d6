using Amazon.DynamoDBv2.Model;
using Workflow.App.Tests.Faults;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

[TakesLong]
public sealed class StatusTableTests(PostgresFixture postgres, DynamoDbFixture dynamo)
{
    private readonly string _table = DynamoDbFixture.TableName();

    [Fact]
    public async Task Each_state_of_a_run_is_recorded_and_the_item_shows_the_last()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://status/csv/users.csv", "user_id,name\n1,Ann\n");

        var run = await installation.RunAsync("users", new { @object = "local://status/csv/users.csv" });

        var item = Assert.Single(await ItemsAsync());
        Assert.Equal($"users move success users {run.Instance}", $"{item["ingestedTable"].S} {item["state"].S} {item["status"].S} {item["pipeline"].S} {item["instance"].S}");
        Assert.EndsWith(run.Instance, item["ingestedID"].S);
        Assert.Equal(["find success", "load success", "move success"], History(item));
    }

    [Fact]
    public async Task A_state_that_fails_is_recorded_with_its_reason()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://status/csv/users.csv", "name\nAnn\n");

        await installation.RunAsync("users", new { @object = "local://status/csv/users.csv" });

        var item = Assert.Single(await ItemsAsync());
        Assert.Equal(["find success", "load fail"], History(item));
        Assert.Equal("load fail", $"{item["state"].S} {item["status"].S}");
        Assert.Contains("user_id", item["reason"].S);
    }

    [Fact]
    public async Task Two_files_of_one_minute_have_ids_of_their_own()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://status/csv/a.csv", "user_id,name\n1,Ann\n");
        installation.Drop("local://status/csv/b.csv", "user_id,name\n2,Bo\n");

        await Task.WhenAll(
            installation.RunAsync("users", new { @object = "local://status/csv/a.csv" }),
            installation.RunAsync("users", new { @object = "local://status/csv/b.csv" }));

        Assert.Equal(2, (await ItemsAsync()).Select(item => item["ingestedID"].S).Distinct().Count());
    }

    [Fact]
    public async Task A_run_that_takes_over_the_id_of_one_that_is_gone_has_an_item_of_its_own()
    {
        await using var installation = await StartAsync();
        for (var time = 0; time < 2; time++)
        {
            installation.Drop("local://status/csv/users.csv", "user_id,name\n1,Ann\n");
            await installation.RunAsync("users", new { @object = "local://status/csv/users.csv" }, "same");
            await installation.Client.PurgeAsync("same", TestContext.Current.CancellationToken);
        }

        Assert.All(await ItemsAsync(), item => Assert.Equal(3, item["history"].L.Count));
        Assert.Equal(2, (await ItemsAsync()).Count);
    }

    [Fact]
    public async Task A_run_that_is_killed_after_each_activity_records_each_state_once()
    {
        await using var installation = await PrepareAsync();
        installation.Drop("local://status/csv/users.csv", "user_id,name\n1,Ann\n");

        var killed = await KilledRun.CompleteAsync(installation, "users", new { @object = "local://status/csv/users.csv" }, recordsToo: true);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Equal(3, killed.Kills.Count(kill => kill.EndsWith(nameof(App.Pipelines.RecordState), StringComparison.Ordinal)));
        Assert.Equal(["find success", "load success", "move success"], History(Assert.Single(await ItemsAsync())));
    }

    [Fact]
    public async Task A_status_that_cannot_be_written_fails_no_run()
    {
        await using var installation = await PrepareAsync();
        // Nobody listens there, and nobody signs for it either.
        installation.Settings["Aws"] = new System.Text.Json.Nodes.JsonObject { ["Endpoints"] = new System.Text.Json.Nodes.JsonObject { ["DynamoDB"] = $"http://127.0.0.1:{FreePort.Next()}" } };
        await installation.StartServiceAsync();
        installation.Drop("local://status/csv/users.csv", "user_id,name\n1,Ann\n");

        var run = await installation.RunAsync("users", new { @object = "local://status/csv/users.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
    }

    private async Task<Installation> StartAsync() => await (await PrepareAsync()).StartServiceAsync();

    private async Task<Installation> PrepareAsync()
    {
        var installation = await (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" }).WithAsync(dynamo);
        installation.Settings["StatusTable"] = _table;
        return installation;
    }

    private async Task<List<Dictionary<string, AttributeValue>>> ItemsAsync()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        return (await client.ScanAsync(new ScanRequest(_table), TestContext.Current.CancellationToken)).Items;
    }

    private static IEnumerable<string> History(Dictionary<string, AttributeValue> item) =>
        item["history"].L.Select(entry => $"{entry.M["state"].S} {entry.M["status"].S}");
}
