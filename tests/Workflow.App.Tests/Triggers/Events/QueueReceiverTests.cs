using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Workflow.App.Configuration;
using Workflow.App.Triggers.Events;
using Workflow.Cloud.Objects;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>The receiver on a queue that fails as it is told. How it does on one that speaks the real protocol is in <see cref="SqsTests"/>.</summary>
public sealed class QueueReceiverTests : IAsyncLifetime
{
    private const string Event = """{"n":1}""";

    private readonly FakeTimeProvider _time = new();
    private readonly EventCounts _counts = new();
    private readonly CancellationTokenSource _stop = new();
    private ScriptedSqs _sqs = null!;
    private Task _running = Task.CompletedTask;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _sqs = await ScriptedSqs.StartAsync();

    [Fact]
    public async Task Ten_messages_are_taken_at_once_and_deleted_when_their_runs_are_durable_and_not_before()
    {
        var durable = new TaskCompletionSource();
        var begun = 0;
        _sqs.Give([.. Enumerable.Repeat((Event, 1), 10)]);
        Start(async (_, _) =>
        {
            Interlocked.Increment(ref begun);
            await durable.Task;
            return new(1, 0);
        });

        await Eventually.TrueAsync(() => begun == 10);
        Assert.Empty(_sqs.Calls("DeleteMessageBatch"));
        durable.SetResult();

        await Eventually.TrueAsync(() => _sqs.Calls("DeleteMessageBatch").Count == 1);
        Assert.Equal(10, _sqs.Calls("DeleteMessageBatch")[0]["Entries"]!.AsArray().Count);
        Assert.Equal(20, (int)_sqs.Calls("ReceiveMessage")[0]["WaitTimeSeconds"]!);
    }

    [Theory]
    [InlineData("not json", "it is not JSON")]
    [InlineData("{}", "it is none that we know")]
    public async Task What_nobody_will_ever_understand_goes_to_the_dead_letter_queue_at_once_with_its_reason(string body, string reason)
    {
        _sqs.Give((body, 1));
        Start((_, _) => throw new MalformedEventException("it is none that we know"));

        await Eventually.TrueAsync(() => _sqs.Calls("DeleteMessageBatch").Count == 1);

        var aside = Assert.Single(_sqs.Calls("SendMessage"));
        Assert.Equal(("https://sqs.us-east-1.amazonaws.com/000000000000/landing-dead", body), ((string?)aside["QueueUrl"], (string?)aside["MessageBody"]));
        Assert.Equal(reason, (string?)aside["MessageAttributes"]!["Reason"]!["StringValue"]);
        Assert.Equal("m0", (string?)aside["MessageAttributes"]!["MessageId"]!["StringValue"]);
        Assert.Equal(1, _counts.Read().DeadLettered["landing"]);
    }

    [Fact]
    public async Task What_fails_by_itself_is_tried_again_later_and_put_aside_after_so_many_times()
    {
        _sqs.Give((Event, 4), (Event, 5));
        Start((_, _) => throw new SettingsException([new("Object", "x", "write another")]));

        await Eventually.TrueAsync(() => _sqs.Calls("ChangeMessageVisibilityBatch").Count == 1);

        Assert.Equal("r1", (string?)Assert.Single(_sqs.Calls("DeleteMessageBatch")[0]["Entries"]!.AsArray())!["ReceiptHandle"]);
        Assert.StartsWith("it failed 5 times, at last: A setting is wrong", (string?)Assert.Single(_sqs.Calls("SendMessage"))["MessageAttributes"]!["Reason"]!["StringValue"], StringComparison.Ordinal);
        var later = Assert.Single(Assert.Single(_sqs.Calls("ChangeMessageVisibilityBatch"))["Entries"]!.AsArray())!;
        Assert.Equal(("r0", 8), ((string?)later["ReceiptHandle"], (int)later["VisibilityTimeout"]!));
    }

    [Fact]
    public async Task Without_a_dead_letter_queue_nothing_is_deleted()
    {
        _sqs.Give(("not json", 99));
        Start((_, _) => Task.FromResult(new EventsAccepted(1, 0)), new() { Url = "https://sqs.us-east-1.amazonaws.com/000000000000/landing" });

        await Eventually.TrueAsync(() => _sqs.Calls("ReceiveMessage").Count == 2);

        Assert.Empty(_sqs.Calls("DeleteMessageBatch"));
        Assert.Empty(_sqs.Calls("SendMessage"));
    }

    [Fact]
    public async Task A_message_that_cannot_be_put_aside_stays()
    {
        _sqs.Fail = operation => operation == "SendMessage" ? 400 : null;
        _sqs.Give(("not json", 1));
        Start((_, _) => Task.FromResult(new EventsAccepted(1, 0)));

        await Eventually.TrueAsync(() => _sqs.Calls("ReceiveMessage").Count == 2);

        Assert.Empty(_sqs.Calls("DeleteMessageBatch"));
        Assert.Empty(_counts.Read().DeadLettered);
    }

    [Theory]
    [InlineData("hub")]
    [InlineData("store")]
    public async Task While_the_hub_or_the_store_is_away_nothing_is_put_aside_and_one_message_at_a_time_is_tried_ever_more_rarely(string what)
    {
        var isAway = true;
        _sqs.Give([.. Enumerable.Repeat((Event, 99), 10)]);
        Start((_, _) => isAway ? throw (what == "hub" ? new NpgsqlException("the hub is away") : new ObjectStoreException("the store is away")) : Task.FromResult(new EventsAccepted(1, 0)));

        foreach (var pause in (int[])[1, 2, 4])
        {
            await Eventually.TrueAsync(() => _time.NextTimer == TimeSpan.FromSeconds(pause));
            _sqs.Give((Event, 99));
            isAway = pause < 4;
            _time.Advance(TimeSpan.FromSeconds(pause));
        }

        await Eventually.TrueAsync(() => _sqs.Calls("ReceiveMessage").Count == 5);
        Assert.Equal([10, 1, 1, 1, 10], _sqs.Calls("ReceiveMessage").Select(call => (int)call["MaxNumberOfMessages"]!));
        Assert.Empty(_sqs.Calls("SendMessage"));
        Assert.Single(_sqs.Calls("DeleteMessageBatch"));
    }

    [Fact]
    public async Task While_the_queue_is_away_it_is_tried_again()
    {
        var isAway = true;
        _sqs.Fail = _ => isAway ? 403 : null;
        Start((_, _) => Task.FromResult(new EventsAccepted(1, 0)));
        await Eventually.TrueAsync(() => _time.NextTimer == TimeSpan.FromSeconds(1));

        isAway = false;
        _sqs.Give((Event, 1));
        _time.Advance(TimeSpan.FromSeconds(1));

        await Eventually.TrueAsync(() => _sqs.Calls("DeleteMessageBatch").Count == 1);
    }

    [Fact]
    public async Task While_it_is_taken_a_message_is_kept_out_of_sight()
    {
        var durable = new TaskCompletionSource();
        _sqs.Give((Event, 1));
        Start(async (_, _) =>
        {
            await durable.Task;
            return new(1, 0);
        });

        for (var time = 1; time <= 2; time++)
        {
            await Eventually.TrueAsync(() => _time.NextTimer == TimeSpan.FromSeconds(15));
            _time.Advance(TimeSpan.FromSeconds(15));
            await Eventually.TrueAsync(() => _sqs.Calls("ChangeMessageVisibilityBatch").Count == time);
        }

        Assert.All(_sqs.Calls("ChangeMessageVisibilityBatch"), call => Assert.Equal(30, (int)Assert.Single(call["Entries"]!.AsArray())!["VisibilityTimeout"]!));
        durable.SetResult();
        await Eventually.TrueAsync(() => _sqs.Calls("DeleteMessageBatch").Count == 1);
    }

    [Fact]
    public async Task Told_to_stop_it_finishes_what_it_has_in_hand_and_takes_no_more()
    {
        var durable = new TaskCompletionSource();
        var begun = new TaskCompletionSource();
        _sqs.Give((Event, 1));
        _sqs.Give((Event, 1));
        Start(async (_, _) =>
        {
            begun.TrySetResult();
            await durable.Task;
            return new(1, 0);
        });
        await begun.Task;

        await _stop.CancelAsync();
        Assert.False(_running.IsCompleted);
        durable.SetResult();
        await _running.WaitAsync(TimeSpan.FromSeconds(30), Cancellation);

        Assert.Single(_sqs.Calls("DeleteMessageBatch"));
        Assert.Single(_sqs.Calls("ReceiveMessage"));
    }

    [Fact]
    public async Task Told_to_stop_it_leaves_an_empty_queue_at_once()
    {
        Start((_, _) => Task.FromResult(new EventsAccepted(1, 0)));
        await Eventually.TrueAsync(() => _sqs.Calls("ReceiveMessage").Count == 1);

        await _stop.CancelAsync();

        await _running.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _sqs.DisposeAsync();
        _counts.Dispose();
        _stop.Dispose();
    }

    private void Start(Func<JsonElement, CancellationToken, Task<EventsAccepted>> accept, EventSettings.QueueSettings? settings = null) => _running = new QueueReceiver(
        new(_sqs.Client, settings ?? new() { Url = "https://sqs.us-east-1.amazonaws.com/000000000000/landing", DeadLetter = "https://sqs.us-east-1.amazonaws.com/000000000000/landing-dead" }),
        new(accept), _counts, _time, NullLogger.Instance).RunAsync(_stop.Token);
}
