using System.Text;
using System.Text.Json.Nodes;
using Amazon.DynamoDBv2;
using Workflow.Cloud.DynamoDb;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.DynamoDb;

public sealed class DynamoDbReaderTests(DynamoDbFixture dynamo)
{
    private readonly DynamoDbTable _table = new(DynamoDbFixture.TableName(), "id_operacao", "dominio");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Items_are_read_in_batches_and_those_that_are_not_there_are_left_out()
    {
        var asked = new Unprocessed { Processed = int.MaxValue };
        using var client = await WriteAsync(asked, 150);

        var found = await ReadAsync(client, 250);

        Assert.Equal([100, 100, 50], asked.Batches);
        Assert.Equal(Enumerable.Range(0, 150).Select(Item).Select(Text).Order(StringComparer.Ordinal), found.Select(Text).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_comes_back_unprocessed_is_asked_for_again()
    {
        var asked = new Unprocessed { Processed = 4 };
        using var client = await WriteAsync(asked, 10);

        Assert.Equal(10, (await ReadAsync(client, 12)).Count);
        Assert.Equal([12, 8, 4], asked.Batches);
    }

    [Fact]
    public async Task A_table_that_is_not_there_has_no_items()
    {
        using var client = await dynamo.CreateClientAsync(Cancellation);

        Assert.Empty(await ReadAsync(client, 3));
    }

    private async Task<IAmazonDynamoDB> WriteAsync(Unprocessed between, int count)
    {
        var client = await dynamo.CreateClientAsync(between, Cancellation);
        await new DynamoDbWriter(client, _table, 1, TimeProvider.System).WriteAsync(Enumerable.Range(0, count).Select(Item), Cancellation);
        return client;
    }

    private async Task<List<DynamoDbItem>> ReadAsync(IAmazonDynamoDB client, int count)
    {
        var keys = Enumerable.Range(0, count).Select(id => new DynamoDbItem([.. Item(id).Attributes.Take(2)]));
        return await new DynamoDbReader(client, _table, 1, TimeProvider.System).ReadAsync(keys, Cancellation).SelectMany(found => found).ToListAsync(Cancellation);
    }

    private static DynamoDbItem Item(int id) => new([("id_operacao", $"{id}"), ("dominio", "A#B"), ("dados", $"of {id}")]);

    private static string Text(DynamoDbItem item) => string.Join(", ", item.Attributes.Order());

    /// <summary>Stands in front of the server and answers as one does that has no capacity left for all keys of a batch.</summary>
    private sealed class Unprocessed : DelegatingHandler
    {
        public required int Processed { get; init; }

        /// <summary>How many keys were asked for each time.</summary>
        public List<int> Batches { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (!request.Headers.GetValues("X-Amz-Target").Single().EndsWith("BatchGetItem", StringComparison.Ordinal))
            {
                return await base.SendAsync(request, cancellationToken);
            }

            var body = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!;
            var (table, asked) = ((JsonObject)body["RequestItems"]!).Select(pair => (pair.Key, (JsonObject)pair.Value!)).Single();
            Assert.True((bool?)asked["ConsistentRead"]);
            var keys = (JsonArray)asked["Keys"]!;
            Batches.Add(keys.Count);
            var left = new JsonArray([.. keys.Skip(Processed).Select(key => key!.DeepClone())]);
            while (keys.Count > Processed)
            {
                keys.RemoveAt(keys.Count - 1);
            }

            request.Content = Json(body);
            var response = await base.SendAsync(request, cancellationToken);
            if (left.Count > 0)
            {
                var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))!;
                answer["UnprocessedKeys"] = new JsonObject { [table] = new JsonObject { ["Keys"] = left, ["ConsistentRead"] = true } };
                response.Content = Json(answer);
                response.Headers.Remove("x-amz-crc32");
            }

            return response;
        }

        private static StringContent Json(JsonNode body) => new(body.ToJsonString(), Encoding.UTF8, "application/x-amz-json-1.0");
    }
}
