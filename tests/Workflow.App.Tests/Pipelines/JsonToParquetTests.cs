using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Workflow.App.Api;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Local;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Data.DuckDb;
using Workflow.Data.Parquet;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>json-to-parquet whole: real files, real DuckDB, the stand-ins for SNS and the Glue Data Catalog.</summary>
[TakesLong]
public sealed class JsonToParquetTests(PostgresFixture postgres)
{
    private const string Topic = "arn:aws:sns:us-east-1:000000000000:etl";
    private const string Orders = """
        [{"order_id":"1","total":"10.50","day":"2024-03-01","customer":{"name":"Kalo","city":"Oslo"},"lines":[{"sku":"a","count":2}],"debug":1},
         {"order_id":"2","total":"ten","day":"2024-03-01","customer":{"name":"Mirensa"},"lines":[]},
         {"order_id":"3","total":"-1","day":"2024-03-02","customer":{"name":"Tuvel"},"lines":[]}]
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static object Options => new
    {
        Object = "local://landing/json/",
        Output = "local://lake/orders/",
        Columns = new object[]
        {
            new { From = "order_id", To = "id", Type = "bigint" }, new { From = "total", Type = "decimal(10,2)" }, new { From = "day", Type = "date" },
            new { From = "customer.city" }, new { From = "lines" },
        },
        Rules = new object[] { new { Name = "total is positive", Kind = "Range", Columns = new[] { "total" }, Min = "0" } },
        PartitionBy = new[] { "day" },
        Database = "lake",
        Table = "orders",
        Topic,
        TryEvery = "00:00:00.1000000",
        LookEvery = "00:00:00.1000000",
    };

    [Fact]
    public async Task JSON_becomes_a_partitioned_dataset_that_the_catalog_knows()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", Orders);
        installation.Drop("local://landing/json/b.json.gz", Gzip("{\"order_id\":4,\"total\":7,\"day\":\"2024-03-02\",\"customer\":{\"city\":\"Bergen\"},\"lines\":[{\"sku\":\"b\",\"count\":1}]}\n"));

        var run = await installation.RunAsync("orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal((4, 2, 2, 2), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "partitions")));
        Assert.Equal(["1|10.50|2024-03-01|Oslo|a", "4|7.00|2024-03-02|Bergen|b"], await RowsAsync(installation, "id, total, day, city, lines[1].sku"));
        Assert.All(
            installation.Objects("lake").Where(name => name.EndsWith(".parquet", StringComparison.Ordinal)),
            name => Assert.Equal(["SNAPPY"], installation.Compressions($"local://lake/{name}")));
        var table = await TableAsync(installation);
        Assert.Equal("id bigint, total decimal(10,2), city string, lines array<struct<sku:string,count:bigint>>", Columns(table.Definition["StorageDescriptor"]!["Columns"]!));
        Assert.Equal("day date", Columns(table.Definition["PartitionKeys"]!));
        var version = run.Output!.Value.GetProperty("version").GetString();
        Assert.Equal(
            [$"2024-03-01 local://lake/orders/day=2024-03-01/{version}/", $"2024-03-02 local://lake/orders/day=2024-03-02/{version}/"],
            table.Partitions.Select(partition => $"{partition["Values"]![0]} {partition["StorageDescriptor"]!["Location"]}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_is_refused_is_kept_with_rule_reason_source_and_line()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", Orders);

        var run = await installation.RunAsync("orders", new { @object = "local://landing/json/a.json" });

        var kept = installation.Read(run.Output!.Value.GetProperty("quarantineObject").GetString()!).Split('\n');
        Assert.Equal("rule,reason,source,line,content", kept[0]);
        Assert.StartsWith("cast,\"total is not decimal(10,2): \"\"ten\"\"\",local://landing/json/a.json,2,", kept[1], StringComparison.Ordinal);
        Assert.StartsWith("total is positive,", kept[2], StringComparison.Ordinal);
        Assert.Contains(",local://landing/json/a.json,3,", kept[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_run_replaces_its_partitions_and_leaves_no_old_files()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", """[{"order_id":1,"total":1,"day":"2024-03-01"},{"order_id":2,"total":2,"day":"2024-03-02"}]""");
        await installation.RunAsync("orders", new { });
        installation.Drop("local://landing/json/a.json", """[{"order_id":3,"total":3,"day":"2024-03-02"}]""");

        await installation.RunAsync("orders", new { });

        Assert.Equal(["1|2024-03-01", "3|2024-03-02"], await RowsAsync(installation, "id, day"));
        Assert.Equal(2, installation.Objects("lake").Count(file => file.EndsWith(".parquet", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_rule_that_stops_leaves_the_dataset_as_it_was_and_is_told_with_the_state()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", """[{"order_id":1,"total":1,"day":"2024-03-01"}]""");
        await installation.RunAsync("orders", new { });
        var before = installation.Objects("lake");

        var run = await installation.RunAsync("orders", new { rules = new[] { new { Name = "enough rows", Kind = "RowCount", Min = "100" } } });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Equal(before, installation.Objects("lake"));
        var failure = (await MessagesAsync(installation))[^1];
        Assert.Equal("Glue Job Status", failure.Subject);
        Assert.Contains("orders failed at transform", failure.Text, StringComparison.Ordinal);
        Assert.Contains("enough rows", failure.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_catalog_that_is_away_for_a_moment_is_tried_again()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", """[{"order_id":1,"total":1,"day":"2024-03-01"}]""");
        await FailAsync(installation, new(Times: 4, Service: "glue", Code: "InternalServiceException", Status: 500));

        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await installation.RunAsync("orders", new { })).Status);
        Assert.Single((await TableAsync(installation)).Partitions);
    }

    [Fact]
    public async Task What_a_run_could_not_register_or_clean_up_the_next_does_whatever_that_one_writes()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", """[{"order_id":1,"total":1,"day":"2024-03-01"},{"order_id":2,"total":2,"day":"2024-03-02"}]""");
        await installation.RunAsync("orders", new { });
        installation.Drop("local://landing/json/a.json", """[{"order_id":3,"total":3,"day":"2024-03-01"}]""");
        await FailAsync(installation, new(Times: 1, Service: "glue", Code: "AccessDeniedException"));
        Assert.Equal("RegisterParquet", (await installation.RunAsync("orders", new { })).Failure?.Step);
        installation.Drop("local://landing/json/a.json", """[{"order_id":4,"total":4,"day":"2024-03-03"}]""");
        await FailAsync(installation, new(Times: 1, Service: "glue", Code: "AccessDeniedException"));
        Assert.Equal("RegisterParquet", (await installation.RunAsync("orders", new { })).Failure?.Step);
        installation.Drop("local://landing/json/a.json", "[]");

        var run = await installation.RunAsync("orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        var held = await FilesAsync(installation);
        Assert.Equal(held.Select(file => file[..(file.LastIndexOf('/') + 1)]), (await TableAsync(installation)).Partitions.Select(partition => (string)partition["StorageDescriptor"]!["Location"]!).Order(StringComparer.Ordinal));
        Assert.Equal(held, installation.Objects("lake").Where(name => name.EndsWith(".parquet", StringComparison.Ordinal)).Select(name => $"local://lake/{name}"));
        Assert.Equal(["2|2024-03-02", "3|2024-03-01", "4|2024-03-03"], await RowsAsync(installation, "id, day"));
    }

    [Fact]
    public async Task A_publication_that_fails_half_way_is_taken_back()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", """[{"order_id":1,"total":1,"day":"2024-03-01"}]""");
        await installation.RunAsync("orders", new { });
        installation.Drop("local://landing/json/a.json", """[{"order_id":2,"total":2,"day":"2024-03-01"},{"order_id":3,"total":3,"day":"2024-03-02"}]""");
        // Where the second partition's manifest would be lies a folder.
        installation.Drop("local://lake/orders/day=2024-03-02/_manifest.json/in-the-way", "");
        var before = installation.Objects("lake");

        var run = await installation.RunAsync("orders", new { });

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "PublishParquet"), (run.Status, run.Failure!.Step));
        Assert.Equal(before, installation.Objects("lake"));
        Assert.Equal(["1|2024-03-01"], await RowsAsync(installation, "id, day"));
        Assert.Contains("orders failed at publish", (await MessagesAsync(installation))[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_takes_too_long_is_broken_off_and_leaves_the_dataset_as_it_was()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", """[{"order_id":1,"total":1,"day":"2024-03-01"}]""");
        await installation.RunAsync("orders", new { });
        var before = installation.Objects("lake");

        var run = await installation.RunAsync("orders", new
        {
            timeout = "00:00:02",
            rules = new[] { new { name = "endless", query = "select _row from temp_data, range(100000000000000) r(i) where hash(i) = id" } },
        });

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "StageParquet"), (run.Status, run.Failure!.Step));
        Assert.Contains("it did not end within 00:00:02", run.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, installation.Objects("lake"));
    }

    [Fact]
    public async Task A_run_whose_time_passes_when_it_has_published_is_finished_and_says_so()
    {
        await using var installation = await StartAsync(Options);
        installation.Drop("local://landing/json/a.json", """[{"order_id":1,"total":1,"day":"2024-03-01"}]""");
        await FailAsync(installation, new(Times: 1, Service: "glue", DelayMilliseconds: 16_000));

        var run = await installation.RunAsync("orders", new { timeout = "00:00:15" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Single((await TableAsync(installation)).Partitions);
        Assert.Contains("It ended after its limit of 00:00:15", (await MessagesAsync(installation))[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prefix_without_objects_leaves_everything_as_it_is()
    {
        await using var installation = await StartAsync(Options);

        var run = await installation.RunAsync("orders", new { });

        Assert.Equal((OrchestrationRuntimeStatus.Completed, 0), (run.Status, Number(run, "rowsIn")));
        Assert.Empty(installation.Objects("lake"));
    }

    [Fact]
    public async Task Killed_after_each_activity_it_ends_with_the_same_dataset()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("orders", "json-to-parquet", Options);
        installation.Drop("local://landing/json/a.json", Orders);

        var killed = await KilledRun.CompleteAsync(installation, "orders", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.All(["StageParquet", "PublishParquet", "RegisterParquet", "CleanParquet", "FindRunBefore"], activity => Assert.Contains(killed.Kills, kill => kill.EndsWith(activity, StringComparison.Ordinal)));
        Assert.Equal(["1|10.50|2024-03-01"], await RowsAsync(installation, "id, total, day"));
        Assert.Single(installation.Objects("lake"), file => file.EndsWith(".parquet", StringComparison.Ordinal));
        Assert.Single((await TableAsync(installation)).Partitions);
        Assert.Single((await MessagesAsync(installation)).Select(message => message.Attributes["idempotency-key"]).Distinct());
    }

    private async Task<Installation> StartAsync(object options) =>
        await (await Installation.CreateAsync(postgres)).With("orders", "json-to-parquet", options).StartServiceAsync();

    /// <summary>What one who goes by the manifests reads.</summary>
    private static async Task<IReadOnlyList<string>> RowsAsync(Installation installation, string columns)
    {
        var paths = string.Join(", ", (await FilesAsync(installation)).Select(file => $"'{Path.Combine(installation.Data.Objects, file["local://".Length..])}'"));
        using var database = DuckDbDatabase.Open(new());
        using var connection = database.Connect();
        using var rows = connection.Query($"select concat_ws('|', {columns}) from read_parquet([{paths}], hive_partitioning = true) order by id", Cancellation);
        return [.. rows.Rows(Cancellation).Select(row => (string)row[0]!)];
    }

    private static Task<IReadOnlyList<string>> FilesAsync(Installation installation) =>
        new ParquetDataset(new([new LocalObjectStore(installation.Data.Objects, TimeProvider.System)]), ObjectAddress.Parse("local://lake/orders/")).ListAsync(Cancellation);

    private static async Task<LocalGlueTable> TableAsync(Installation installation) =>
        (await new LocalGlue(installation.Data.Path, TimeProvider.System).ReadTablesAsync(Cancellation))["lake.orders"];

    private static Task<IReadOnlyList<LocalSnsMessage>> MessagesAsync(Installation installation) =>
        new LocalSns(installation.Data.Path, new HashSet<string>(), TimeProvider.System).ReadAsync(Cancellation);

    private static async Task FailAsync(Installation installation, LocalAwsFault fault)
    {
        using var http = new HttpClient { BaseAddress = installation.Address };
        using var content = new StringContent(JsonSerializer.Serialize(fault, JsonSerializerOptions.Web), Encoding.UTF8, "application/json");
        (await http.PostAsync("/local/aws/faults", content, Cancellation)).EnsureSuccessStatusCode();
    }

    private static string Columns(System.Text.Json.Nodes.JsonNode columns) => string.Join(", ", columns.AsArray().Select(column => $"{column!["Name"]} {column["Type"]}"));

    private static long Number(Run run, string name) => run.Output!.Value.GetProperty(name).GetInt64();

    private static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }
}
