using Workflow.App.Hosting;
using Workflow.App.Notifications;
using Workflow.Testing;

namespace Workflow.App.Tests.Notifications;

public sealed class NotificationLogTests(PostgresFixture postgres)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_that_was_delivered_is_not_sent_again_and_one_that_was_not_is()
    {
        await using var database = await CreateAsync();
        var log = new NotificationLog(database);

        Assert.False((await log.BeginAsync(Message("one"), null, Hour, Cancellation)).WasDelivered);
        await log.EndAsync(Message("one"), "Slack answered 503", Cancellation);
        Assert.False((await log.BeginAsync(Message("one"), null, Hour, Cancellation)).WasDelivered);
        await log.EndAsync(Message("one"), null, Cancellation);

        Assert.True((await log.BeginAsync(Message("one"), null, Hour, Cancellation)).WasDelivered);
        Assert.False((await log.BeginAsync(Message("one") with { Target = "elsewhere" }, null, Hour, Cancellation)).WasDelivered);
        Assert.Equal(2, (await log.ListAsync(null, null, null, 10, Cancellation)).Count);
    }

    [Fact]
    public async Task Of_many_at_once_as_many_are_let_through_as_the_rule_says_and_the_next_one_says_how_many_were_not()
    {
        await using var database = await CreateAsync();
        var log = new NotificationLog(database);

        var turns = await Task.WhenAll(Enumerable.Range(0, 8).Select(message => log.BeginAsync(Message($"{message}"), 3, Hour, Cancellation)));

        Assert.Equal(3, turns.Count(turn => !turn.IsLeftOut));
        Assert.False((await log.BeginAsync(Message("another") with { Pipeline = "users" }, 3, Hour, Cancellation)).IsLeftOut);
        var next = await log.BeginAsync(Message("after") with { Text = "more" }, 4, Hour, Cancellation);
        Assert.Equal((false, 5), (next.IsLeftOut, next.LeftOutBefore));
        Assert.Equal(0, (await log.BeginAsync(Message("last"), null, Hour, Cancellation)).LeftOutBefore);
    }

    private async Task<ServiceDatabase> CreateAsync() => new(await postgres.CreateDatabaseAsync(Cancellation), "durable");

    private static OutgoingNotification Message(string key) => new(key, NotificationChannel.Slack, "local:etl", "orders", "run", "Failure", "orders failed", "orders failed");
}
