using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.App.Triggers.Events;
using Workflow.App.Triggers.Events.Lambda;
using Workflow.Cloud.Aws;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>What becomes of the messages of a batch. How it is asked over the API that Lambda gives it is in <see cref="LambdaTests"/>.</summary>
public sealed class LambdaFunctionTests(EventsHost host) : IClassFixture<EventsHost>, IAsyncLifetime
{
    private const string Queue = "https://sqs.eu-central-1.amazonaws.com/000000000000/landing";

    private readonly EventCounts _counts = new();
    private ScriptedSqs _sqs = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _sqs = await ScriptedSqs.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _sqs.DisposeAsync();
        _counts.Dispose();
    }

    [Fact]
    public async Task A_poison_message_goes_to_the_dead_letter_queue_with_its_reason_and_is_not_a_failure()
    {
        Assert.Empty(await HandleAsync(Envelopes.InLambdaSqs(Envelopes.S3("landing", "in/beside poison.csv"), "poison", "{}")));

        Assert.Contains(await host.RunsAsync("told"), run => run.Object == "s3://landing/in/beside poison.csv");
        var aside = _sqs.Calls("SendMessage").OrderBy(call => $"{call["MessageBody"]}", StringComparer.Ordinal).ToList();
        Assert.All(aside, call => Assert.Equal(($"{Queue}-dead", Queue, "1"), ((string?)call["QueueUrl"], Attribute(call, "Queue"), Attribute(call, "Receives"))));
        Assert.Equal([("poison", "m1", "it is not JSON"), ("{}", "m2", "it is no notification of S3, no message of SNS, and no event of EventBridge or Event Grid")], aside.Select(call => ((string)call["MessageBody"]!, Attribute(call, "MessageId"), Attribute(call, "Reason"))));
        Assert.Equal(2, _counts.Read().DeadLettered["landing"]);
    }

    // A run of it needs an object, which a schedule does not name; and the database keeps no NUL.
    public static TheoryData<string, int, string[]> Failing => new()
    {
        { Envelopes.Schedule("told", "2025-01-31T02:00:00Z"), 4, ["m0"] },
        { Envelopes.Schedule("told", "2025-01-31T02:00:00Z"), 5, [] },
        { Envelopes.S3("landing", "in/refused.csv", sequencer: "\0"), 4, ["m0"] },
        { Envelopes.S3("landing", "in/refused.csv", sequencer: "\0"), 5, [] },
    };

    [Theory, MemberData(nameof(Failing))]
    public async Task A_message_that_fails_by_itself_comes_again_and_is_put_aside_after_so_many_times(string message, int receives, string[] failed)
    {
        var envelope = JsonNode.Parse(Envelopes.InLambdaSqs(message))!;
        envelope["Records"]![0]!["attributes"]!["ApproximateReceiveCount"] = $"{receives}";

        Assert.Equal(failed, await HandleAsync(envelope.ToJsonString()));

        Assert.Equal(1 - failed.Length, _sqs.Calls("SendMessage").Count(call => Attribute(call, "Reason")!.StartsWith("it failed 5 times, at last: ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_message_that_cannot_be_put_aside_is_a_failure_and_the_others_are_not()
    {
        _sqs.Fail = operation => operation == "SendMessage" ? 400 : null;

        Assert.Equal(["m0"], await HandleAsync(Envelopes.InLambdaSqs("poison", Envelopes.TestEvent)));

        Assert.Empty(_counts.Read().DeadLettered);
    }

    [Fact]
    public async Task Without_a_dead_letter_queue_and_when_the_time_is_up_a_message_is_a_failure_and_nothing_is_sent()
    {
        Assert.Equal(["m0"], await HandleAsync(Envelopes.InLambdaSqs("poison"), deadLetter: null));
        Assert.Equal(["m0"], await HandleAsync(Envelopes.InLambdaSqs("poison"), queue: $"{Queue}-other"));
        Assert.Equal(["m0"], await HandleAsync(Envelopes.InLambdaSqs(Envelopes.S3("landing", "in/late.csv")), cancellation: new(canceled: true)));

        Assert.Empty(_sqs.Calls("SendMessage"));
    }

    [Theory]
    [InlineData(Queue, "arn:aws:sqs:eu-central-1:000000000000:landing", true)]
    [InlineData("http://localhost:4566/000000000000/landing", "arn:aws:sqs:eu-central-1:000000000000:landing", true)]
    [InlineData(Queue, "arn:aws:sqs:eu-west-1:000000000000:landing", false)]
    [InlineData(Queue, "arn:aws:sqs:eu-central-1:000000000001:landing", false)]
    [InlineData(Queue, "arn:aws:sqs:eu-central-1:000000000000:landing2", false)]
    [InlineData(Queue, "", false)]
    public void A_queue_is_known_by_its_ARN(string url, string arn, bool isSame) => Assert.Equal(isSame, SqsClient.IsSame(url, arn));

    private async Task<IEnumerable<string>> HandleAsync(string envelope, string queue = Queue, string? deadLetter = $"{Queue}-dead", CancellationToken? cancellation = null)
    {
        var settings = host.Configured with { Events = host.Configured.Events with { Queues = [new() { Url = queue, DeadLetter = deadLetter }] } };
        var function = new LambdaFunction(settings, _sqs.Client, host.Events, _counts, NullLogger<LambdaFunction>.Instance);
        return ((BatchAnswer)await function.HandleAsync(Encoding.UTF8.GetBytes(envelope), cancellation ?? Cancellation)).BatchItemFailures.Select(item => item.ItemIdentifier);
    }

    private static string? Attribute(JsonObject call, string name) => (string?)call["MessageAttributes"]![name]!["StringValue"];
}
