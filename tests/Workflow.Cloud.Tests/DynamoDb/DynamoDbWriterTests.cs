using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Workflow.Cloud.DynamoDb;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.DynamoDb;

public sealed class DynamoDbWriterTests(DynamoDbFixture dynamo)
{
    private readonly DynamoDbTable _table = new(DynamoDbFixture.TableName(), "id_operacao", "dominio");

    [Fact]
    public async Task Items_are_written_in_batches_into_a_table_that_is_created_if_it_is_not_there()
    {
        var seen = new Fault();
        using var client = await dynamo.CreateClientAsync(seen, TestContext.Current.CancellationToken);

        var written = await WriteAsync(client, Items(60));

        Assert.Equal(new DynamoDbWritten(60, 60, 0), written);
        Assert.Equal([25, 25, 10], seen.Batches);
        Assert.Equal(60, await CountAsync(client));
    }

    [Fact]
    public async Task Items_written_again_are_the_same_items()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);

        await WriteAsync(client, Items(30));
        await WriteAsync(client, Items(30));

        Assert.Equal(30, await CountAsync(client));
    }

    [Fact]
    public async Task What_comes_back_unprocessed_is_sent_again_until_nothing_is_lost()
    {
        // Of each batch the first three get through.
        var fault = new Fault { Processed = 3 };
        using var client = await dynamo.CreateClientAsync(fault, TestContext.Current.CancellationToken);

        var written = await WriteAsync(client, Items(30));

        Assert.Equal([25, 22, 19, 16, 13, 10, 7, 4, 1, 5, 2], fault.Batches);
        Assert.Equal(22 + 19 + 16 + 13 + 10 + 7 + 4 + 1 + 2, written.Returned);
        Assert.Equal(30, await CountAsync(client));
    }

    [Theory]
    [InlineData("ProvisionedThroughputExceededException", HttpStatusCode.BadRequest)]
    [InlineData("ThrottlingException", HttpStatusCode.BadRequest)]
    [InlineData("InternalServerError", HttpStatusCode.InternalServerError)]
    public async Task A_batch_that_is_throttled_is_sent_again_less_often_each_time(string error, HttpStatusCode status)
    {
        var fault = new Fault { Error = (error, status), Times = 4 };
        using var client = await dynamo.CreateClientAsync(fault, TestContext.Current.CancellationToken);

        await WriteAsync(client, Items(10));

        Assert.Equal(10, await CountAsync(client));
        // Half of 50, 100, 200 and 400 ms at least.
        Assert.True(fault.Between(0, 4) > TimeSpan.FromMilliseconds(375), $"{fault.Between(0, 4)}");
        Assert.True(fault.Between(3, 4) > TimeSpan.FromMilliseconds(200), $"{fault.Between(3, 4)}");
    }

    [Fact]
    public async Task What_is_wrong_with_the_items_is_not_tried_again()
    {
        var fault = new Fault { Error = ("ValidationException", HttpStatusCode.BadRequest), Times = 1 };
        using var client = await dynamo.CreateClientAsync(fault, TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<AmazonDynamoDBException>(() => WriteAsync(client, Items(10)));

        Assert.Single(fault.Batches);
    }

    [Fact]
    public async Task No_more_than_its_share_is_asked_of_a_table_with_provisioned_capacity()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        await client.CreateTableAsync(
            new CreateTableRequest(_table.Name, [new("id_operacao", KeyType.HASH), new("dominio", KeyType.RANGE)])
            {
                ProvisionedThroughput = new(5, 200),
                AttributeDefinitions = [new("id_operacao", ScalarAttributeType.S), new("dominio", ScalarAttributeType.S)],
            },
            TestContext.Current.CancellationToken);
        var since = Stopwatch.GetTimestamp();

        var written = await WriteAsync(client, Items(75, size: 1_500), share: 0.5);

        // 150 units at 100 a second, of which the last batch's 50 are not waited for.
        Assert.Equal(150, written.Units);
        Assert.True(Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(0.95), $"{Stopwatch.GetElapsedTime(since)}");
    }

    [Fact]
    public async Task The_size_of_an_item_is_counted_as_the_table_counts_it()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        var empty = new DynamoDbItem([("id_operacao", "1"), ("dominio", "A#B"), ("dados", "")]);
        var largest = new DynamoDbItem([("id_operacao", "1"), ("dominio", "A#B"), ("dados", new('x', DynamoDbItem.Largest - empty.Size))]);
        var larger = new DynamoDbItem([("id_operacao", "1"), ("dominio", "A#B"), ("dados", new('x', DynamoDbItem.Largest - empty.Size + 1))]);

        await WriteAsync(client, [largest]);

        Assert.Equal(DynamoDbItem.Largest, largest.Size);
        await Assert.ThrowsAsync<AmazonDynamoDBException>(() => WriteAsync(client, [larger]));
    }

    private Task<DynamoDbWritten> WriteAsync(IAmazonDynamoDB client, IEnumerable<DynamoDbItem> items, double share = 1) =>
        new DynamoDbWriter(client, _table, share, TimeProvider.System).WriteAsync(items, TestContext.Current.CancellationToken);

    private static IEnumerable<DynamoDbItem> Items(int count, int size = 10) =>
        Enumerable.Range(0, count).Select(id => new DynamoDbItem([("id_operacao", $"{id}"), ("dominio", "A#B"), ("dados", new('x', size))]));

    private async Task<int> CountAsync(IAmazonDynamoDB client) =>
        (await client.ScanAsync(new ScanRequest(_table.Name), TestContext.Current.CancellationToken)).Items.Count;

    /// <summary>Stands in front of the server and answers batches as one does that has no capacity left.</summary>
    private sealed class Fault : DelegatingHandler
    {
        private readonly List<long> _times = [];

        /// <summary>How many items of a batch get through; the others come back.</summary>
        public int Processed { get; init; } = int.MaxValue;

        /// <summary>What the first batches are answered with instead.</summary>
        public (string Name, HttpStatusCode Status)? Error { get; init; }

        public int Times { get; init; }

        /// <summary>The sizes of the batches that were sent.</summary>
        public List<int> Batches { get; } = [];

        public TimeSpan Between(int first, int second) => Stopwatch.GetElapsedTime(_times[first], _times[second]);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (!request.Headers.GetValues("X-Amz-Target").Single().EndsWith("BatchWriteItem", StringComparison.Ordinal))
            {
                return await base.SendAsync(request, cancellationToken);
            }

            var body = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!;
            var (table, items) = ((JsonObject)body["RequestItems"]!).Select(pair => (pair.Key, (JsonArray)pair.Value!)).Single();
            Batches.Add(items.Count);
            _times.Add(Stopwatch.GetTimestamp());
            if (Error is var (name, status) && Batches.Count <= Times)
            {
                return new(status) { Content = Json(new JsonObject { ["__type"] = $"com.amazonaws.dynamodb.v20120810#{name}", ["message"] = "made up" }) };
            }

            var unprocessed = new JsonArray([.. items.Skip(Processed).Select(item => item!.DeepClone())]);
            while (items.Count > Processed)
            {
                items.RemoveAt(items.Count - 1);
            }

            request.Content = Json(body);
            var response = await base.SendAsync(request, cancellationToken);
            if (unprocessed.Count > 0)
            {
                response.Content = Json(new JsonObject { ["UnprocessedItems"] = new JsonObject { [table] = unprocessed } });
                response.Headers.Remove("x-amz-crc32");
            }

            return response;
        }

        private static StringContent Json(JsonNode body) => new(body.ToJsonString(), Encoding.UTF8, "application/x-amz-json-1.0");
    }
}
