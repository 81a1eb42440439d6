using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using Workflow.Cloud.DynamoDb;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.DynamoDb;

public sealed class StatusTableTests(DynamoDbFixture dynamo)
{
    private static readonly DateTime Noon = new(2024, 3, 3, 12, 0, 0, DateTimeKind.Utc);
    private readonly string _table = DynamoDbFixture.TableName();

    [Fact]
    public async Task The_item_shows_the_latest_state_and_keeps_the_history_of_all()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        var status = new StatusTable(client, TimeProvider.System);

        Assert.True(await status.RecordAsync(_table, State(0, "transform"), TestContext.Current.CancellationToken));
        Assert.True(await status.RecordAsync(_table, State(1, "test", "rule 'user' failed"), TestContext.Current.CancellationToken));

        var item = await FindAsync(client);
        Assert.Equal("test fail rule 'user' failed", $"{item["state"].S} {item["status"].S} {item["reason"].S}");
        Assert.Equal("check-ins check-ins-1 2024-03-03T12:01:00.000Z", $"{item["pipeline"].S} {item["instance"].S} {item["time"].S}");
        Assert.Equal(["transform success", "test fail"], History(item));
        Assert.Equal("rule 'user' failed", item["history"].L[1].M["reason"].S);
    }

    [Fact]
    public async Task A_state_that_succeeds_after_one_that_failed_leaves_no_reason_behind()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        var status = new StatusTable(client, TimeProvider.System);

        await status.RecordAsync(_table, State(0, "test", "no"), TestContext.Current.CancellationToken);
        await status.RecordAsync(_table, State(1, "load"), TestContext.Current.CancellationToken);

        Assert.DoesNotContain("reason", (await FindAsync(client)).Keys);
    }

    [Fact]
    public async Task A_state_told_again_is_not_recorded_again_and_does_not_bring_the_item_back_to_it()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        var status = new StatusTable(client, TimeProvider.System);
        await status.RecordAsync(_table, State(0, "transform"), TestContext.Current.CancellationToken);
        await status.RecordAsync(_table, State(1, "load"), TestContext.Current.CancellationToken);

        Assert.False(await status.RecordAsync(_table, State(0, "transform"), TestContext.Current.CancellationToken));

        var item = await FindAsync(client);
        Assert.Equal("load", item["state"].S);
        Assert.Equal(["transform success", "load success"], History(item));
    }

    [Fact]
    public async Task States_that_end_at_once_on_a_table_that_is_not_there_are_all_recorded()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        var status = new StatusTable(client, TimeProvider.System);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(number => status.RecordAsync(_table, State(number, $"step{number}"), TestContext.Current.CancellationToken)));

        Assert.Equal(8, History(await FindAsync(client)).Distinct().Count());
    }

    private static StateRecord State(int number, string state, string? reason = null) =>
        new("20240303-check-ins-1", "daily_checkins", number, state, reason, "check-ins", "check-ins-1", Noon.AddMinutes(number));

    private async Task<Dictionary<string, AttributeValue>> FindAsync(IAmazonDynamoDB client)
    {
        var key = new Dictionary<string, AttributeValue> { ["ingestedID"] = new("20240303-check-ins-1"), ["ingestedTable"] = new("daily_checkins") };
        return (await client.GetItemAsync(_table, key, TestContext.Current.CancellationToken)).Item;
    }

    private static IEnumerable<string> History(Dictionary<string, AttributeValue> item) =>
        item["history"].L.Select(entry => $"{entry.M["state"].S} {entry.M["status"].S}");
}
