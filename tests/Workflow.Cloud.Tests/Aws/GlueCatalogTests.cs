using System.Text.Json.Nodes;
using Workflow.Cloud.Aws;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

public sealed class GlueCatalogTests : IAsyncLifetime
{
    private static readonly GlueTable Table = new("Sales", "Orders", "s3://lake/orders/", [new("id", "bigint"), new("lines", "array<struct<sku:string>>")], [new("day", "string"), new("load", "string")]);

    private readonly TempFolder _data = new();
    private AwsStandIn _aws = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private GlueClient Glue => _aws.Glue;

    public async ValueTask InitializeAsync()
    {
        _aws = await AwsStandIn.StartAsync(_data);
        await Glue.CreateDatabaseAsync("Sales", Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_table_is_read_back_as_it_was_written_and_its_names_are_in_lower_case()
    {
        Assert.Null(await Glue.FindTableAsync("sales", "orders", Cancellation));
        Assert.True(await Glue.CreateTableAsync(Table, Cancellation));

        var found = (await Glue.FindTableAsync("sales", "ORDERS", Cancellation))!;

        Assert.Equal(("orders", "s3://lake/orders/"), (found.Name, found.Location));
        Assert.Equal(Table.Columns, found.Columns);
        Assert.Equal(Table.PartitionKeys, found.PartitionKeys);
    }

    [Fact]
    public async Task What_is_there_already_is_left_and_then_updated()
    {
        await Glue.CreateDatabaseAsync("sales", Cancellation);
        Assert.True(await Glue.CreateTableAsync(Table, Cancellation));
        Assert.False(await Glue.CreateTableAsync(Table with { Location = "s3://lake/elsewhere/" }, Cancellation));
        Assert.Equal("s3://lake/orders/", (await Glue.FindTableAsync("sales", "orders", Cancellation))!.Location);

        await Glue.UpdateTableAsync(Table with { Location = "s3://lake/elsewhere/" }, Cancellation);

        Assert.Equal("s3://lake/elsewhere/", (await Glue.FindTableAsync("sales", "orders", Cancellation))!.Location);
    }

    [Fact]
    public async Task Partitions_beyond_one_batch_are_added_once_and_point_to_where_they_were_put_last()
    {
        await Glue.CreateTableAsync(Table, Cancellation);
        var partitions = Enumerable.Range(0, 250).Select(n => new GluePartition([$"2024-03-{n % 25}", $"{n}"], $"s3://lake/orders/{n}/")).ToArray();
        await Glue.PutPartitionsAsync(Table, partitions, Cancellation);
        await Glue.PutPartitionsAsync(Table, [partitions[7] with { Location = "s3://lake/orders/moved/" }, new(["2024-04-01", "250"], "s3://lake/orders/250/")], Cancellation);

        var found = await Glue.ListPartitionsAsync("sales", "orders", Cancellation).ToListAsync(Cancellation);

        Assert.Equal(251, found.Count);
        Assert.Equal("s3://lake/orders/moved/", found.Single(partition => partition.Values[1] == "7").Location);
        Assert.Equal(["2024-03-8", "8"], found[8].Values);
    }

    [Fact]
    public async Task Partitions_of_another_shape_than_the_keys_are_refused()
    {
        await Glue.CreateTableAsync(Table, Cancellation);

        Assert.Equal("InvalidInputException", (await Assert.ThrowsAsync<AwsRefusedException>(() => Glue.PutPartitionsAsync(Table, [new(["2024-03-01"], "s3://lake/x/")], Cancellation))).Code);
        Assert.Equal("EntityNotFoundException", (await Assert.ThrowsAsync<AwsRefusedException>(() => Glue.UpdateTableAsync(Table with { Name = "nobody" }, Cancellation))).Code);
        Assert.Equal("EntityNotFoundException", (await Assert.ThrowsAsync<AwsRefusedException>(() => Glue.CreateTableAsync(Table with { Database = "nobody" }, Cancellation))).Code);
    }

    [Fact]
    public async Task A_dataset_is_registered_with_its_database_and_again_without_a_change()
    {
        var catalog = new GlueCatalog(Glue);
        var partition = new GluePartition(["2024-03-01", "7"], "s3://lake/orders/day=2024-03-01/load=7/v1/");
        for (var time = 0; time < 2; time++)
        {
            await catalog.RegisterAsync(Table with { Database = "Lake" }, [partition], Cancellation);
        }

        var found = (await Glue.FindTableAsync("lake", "orders", Cancellation))!;
        Assert.Equal(Table.Columns, found.Columns);
        Assert.Equal(partition.Location, (await Glue.ListPartitionsAsync("lake", "orders", Cancellation).SingleAsync(Cancellation)).Location);
    }

    [Fact]
    public async Task What_others_have_written_about_a_table_stays()
    {
        var raw = new AwsJsonClient(new("Glue", "glue") { Api = "AWSGlue" }, _aws.Endpoints);
        await raw.CallAsync("CreateTable", (JsonObject)JsonNode.Parse("""
            { "DatabaseName": "sales", "TableInput": {
              "Name": "orders", "Description": "made elsewhere", "Parameters": { "owner": "finance" },
              "PartitionKeys": [{ "Name": "day", "Type": "string" }, { "Name": "load", "Type": "string" }],
              "StorageDescriptor": { "Location": "s3://lake/before/", "Compressed": true, "Columns": [{ "Name": "id", "Type": "int", "Comment": "of the shop" }] } } }
            """)!, Cancellation);

        await new GlueCatalog(Glue).RegisterAsync(Table, [], Cancellation);

        var table = (await raw.CallAsync("GetTable", new() { ["DatabaseName"] = "sales", ["Name"] = "orders" }, Cancellation))["Table"]!;
        Assert.Equal("made elsewhere finance", $"{table["Description"]} {table["Parameters"]!["owner"]}");
        Assert.Equal("True s3://lake/orders/", $"{table["StorageDescriptor"]!["Compressed"]!.GetValue<bool>()} {table["StorageDescriptor"]!["Location"]}");
        Assert.Equal("bigint of the shop", $"{table["StorageDescriptor"]!["Columns"]![0]!["Type"]} {table["StorageDescriptor"]!["Columns"]![0]!["Comment"]}");
    }

    [Fact]
    public async Task Values_are_in_the_order_of_the_keys_of_the_table_that_is_there()
    {
        await Glue.CreateTableAsync(Table with { PartitionKeys = [.. Table.PartitionKeys.Reverse()] }, Cancellation);

        await new GlueCatalog(Glue).RegisterAsync(Table, [new(["2024-03-01", "7"], "s3://lake/orders/x/")], Cancellation);

        Assert.Equal(["7", "2024-03-01"], (await Glue.ListPartitionsAsync("sales", "orders", Cancellation).SingleAsync(Cancellation)).Values);
    }

    [Fact]
    public async Task A_table_with_other_keys_is_refused_and_columns_it_had_stay()
    {
        await Glue.CreateTableAsync(Table with { Columns = [new("id", "int"), new("old", "string")] }, Cancellation);
        var catalog = new GlueCatalog(Glue);

        await catalog.RegisterAsync(Table, [], Cancellation);
        var refused = await Assert.ThrowsAsync<AwsRefusedException>(() => catalog.RegisterAsync(Table with { PartitionKeys = [new("day", "string")] }, [], Cancellation));

        Assert.Equal([new("id", "bigint"), new("lines", "array<struct<sku:string>>"), new("old", "string")], (await Glue.FindTableAsync("sales", "orders", Cancellation))!.Columns);
        Assert.Contains("is partitioned by day, load, and the files by day", refused.Message, StringComparison.Ordinal);
    }
}
