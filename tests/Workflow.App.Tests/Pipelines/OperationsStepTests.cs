using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.DynamoDBv2.Model;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Workflow.App.Bookmarks;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.App.Pipelines.OperationsToDynamoDb;
using Workflow.App.Tests.Triggers.Events;
using Workflow.Cloud.DynamoDb;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>Steps of operations-to-dynamodb by themselves, and what the program's own settings say of the pipeline.</summary>
public sealed class OperationsStepTests(PostgresFixture postgres, DynamoDbFixture dynamo) : IDisposable
{
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static JsonObject Shipped => JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "appsettings.json")))!["Pipelines"]!.AsObject();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task One_run_at_a_time_is_at_a_load_and_others_are_not_waited_for()
    {
        await using var database = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync(Cancellation));
        var first = await LoadTurn.TakeAsync(database, "operacoes", ["a", "b"], Cancellation);

        var second = LoadTurn.TakeAsync(database, "operacoes", ["b", "c"], Cancellation);
        await Eventually.TrueAsync(async () =>
        {
            await using var waiting = database.CreateCommand("select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())");
            return (long)(await waiting.ExecuteScalarAsync(Cancellation))! == 1;
        });
        await using (var other = await LoadTurn.TakeAsync(database, "operacoes", ["d"], Cancellation))
        await using (var elsewhere = await LoadTurn.TakeAsync(database, "another", ["a", "b"], Cancellation))
        {
            await other.EndAsync(Cancellation);
        }

        Assert.False(second.IsCompleted);
        await first.DisposeAsync();
        await (await second).DisposeAsync();
    }

    [Fact]
    public async Task A_turn_that_was_lost_is_no_turn()
    {
        await using var database = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync(Cancellation));
        await using var turn = await LoadTurn.TakeAsync(database, "operacoes", ["a"], Cancellation);
        await using var cut = database.CreateCommand("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
        await cut.ExecuteNonQueryAsync(Cancellation);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => turn.EndAsync(Cancellation));
    }

    [Fact]
    public async Task Files_are_taken_only_as_long_as_history_has_room_for_their_names()
    {
        var name = string.Join('/', Enumerable.Repeat(new string('é', 120), 5));
        for (var number = 0; number < 200; number++)
        {
            var file = _folder.File(Path.Combine("ops", "in", name, $"{number}.txt"));
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, "x", Cancellation);
        }

        await using var services = new ServiceCollection().AddLogging().AddDurableTaskClient(hub => hub.ConnectionString = "Host=nowhere").BuildServiceProvider();
        var stores = new ObjectStores([new LocalObjectStore(_folder.Path, TimeProvider.System)]);
        var databases = new Databases("", await postgres.CreateDatabaseAsync(Cancellation), Embedded: null);
        await using var warehouse = new Warehouse(databases, EventsHost.Read("{}"), redshift: null!, stores, TimeProvider.System);
        var take = new TakeOperations(stores, new BookmarkTable(warehouse, services.GetRequiredService<DurableTaskClient>()));

        var taken = await take.RunAsync(new("take", "i", "i/1", 1, Cancellation), new(new() { Object = "local://ops/in/", MaxFiles = 2_000 }, "ops", "i", "i", default));

        Assert.InRange(taken.Files.Count, 100, 199);
        Assert.InRange(JsonSerializer.Serialize(taken, JsonDataConverter.Options).Length, JsonDataConverter.MaxPayloadBytes / 4, JsonDataConverter.MaxPayloadBytes / 2 + 100);
        Assert.Equal(0, taken.NotTaken);
    }

    [Fact]
    public async Task The_share_of_the_settings_is_what_a_run_keeps_to()
    {
        using var client = await dynamo.CreateClientAsync(Cancellation);
        var settings = new OperationsToDynamoDbInput { Table = DynamoDbFixture.TableName(), CapacityShare = 0.25 };
        await client.CreateTableAsync(
            new CreateTableRequest(settings.Table, [new("id_operacao", Amazon.DynamoDBv2.KeyType.HASH), new("dominio", Amazon.DynamoDBv2.KeyType.RANGE)])
            {
                ProvisionedThroughput = new(100, 100),
                AttributeDefinitions = [new("id_operacao", Amazon.DynamoDBv2.ScalarAttributeType.S), new("dominio", Amazon.DynamoDBv2.ScalarAttributeType.S)],
            },
            Cancellation);
        List<DynamoDbItem> items = [.. Enumerable.Range(0, 101).Select(id => new DynamoDbItem([("id_operacao", $"{id}"), ("dominio", "A#B")]))];
        var time = new FakeTimeProvider();

        // 25 units a second: a batch of 25, or 100 keys, and then the pause that it has cost.
        var write = settings.Writer(client, time).WriteAsync(items.Take(26), Cancellation);
        await Eventually.TrueAsync(() => time.NextTimer is not null);
        Assert.Equal(TimeSpan.FromSeconds(1), time.NextTimer);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(26, (await write).Items);

        var read = settings.Reader(client, time).ReadAsync(items, Cancellation).ToListAsync(Cancellation);
        await Eventually.TrueAsync(() => time.NextTimer is not null);
        Assert.Equal(TimeSpan.FromSeconds(4), time.NextTimer);
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(26, (await read).Sum(found => found.Count));
    }

    [Fact]
    public void Versions_of_the_catalog_are_in_the_order_of_time_and_each_runs_own()
    {
        var start = new DateTime(2024, 10, 14, 6, 0, 0, DateTimeKind.Utc);
        var settings = new OperationsToDynamoDbInput { Object = "local://ops/in/" };
        string[] versions = [new OperationsRun(settings, "online", "a", "1", start).Version(), new OperationsRun(settings, "offline", "b", "2", start).Version()];

        Assert.All(versions, version => Assert.Matches("^20241014030000-[0-9a-f]{16}$", version));
        Assert.NotEqual(versions[0], versions[1]);
    }

    [Fact]
    public void The_program_comes_with_an_online_load_every_ten_minutes_and_an_offline_one_every_day()
    {
        var online = EventsHost.Read($$"""{ "Pipelines": {{Shipped.ToJsonString()}} }""").Find("operations-to-dynamodb");
        var offline = EventsHost.Read($$"""{ "Pipelines": {{Shipped.ToJsonString()}} }""").Find("operations-to-dynamodb-offline");

        Assert.Equal(("rate(10 minutes)", "local://landing/operations/online/"), Describe(online));
        Assert.Equal(("cron(0 3 * * ? *)", "local://landing/operations/offline/"), Describe(offline));
        Assert.Equal("America/Sao_Paulo", (string?)Shipped[offline.Name]!["Trigger"]!["TimeZone"]);

        static (string?, string?) Describe(App.Pipelines.Pipeline pipeline) => ((string?)Shipped[pipeline.Name]!["Trigger"]!["Schedule"], pipeline.ReadInput(null).Object);
    }

    [Fact]
    public void The_examples_of_bookmarks_name_a_pipeline_that_there_is()
    {
        foreach (var command in BookmarksCommand.Create().Subcommands)
        {
            using var help = new StringWriter();
            command.Parse(["--help"]).Invoke(new() { Output = help });
            var example = help.ToString().Split("Examples:")[1];
            Assert.Contains(Shipped, pipeline => example.Split([' ', '\n'], StringSplitOptions.TrimEntries).Contains(pipeline.Key));
        }
    }
}
