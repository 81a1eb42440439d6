using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Workflow.App.Hosting;
using Workflow.Cloud.Aws;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>The service on a queue that speaks the protocol of SQS.</summary>
public sealed class SqsTests(PostgresFixture postgres, S3Fixture aws) : IAsyncLifetime
{
    private readonly string _name = $"landing-{Guid.NewGuid():N}";
    private AwsEndpoints _endpoints = null!;
    private string _queue = "";
    private string _dead = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private SqsClient Sqs => new(_endpoints);

    public async ValueTask InitializeAsync()
    {
        TestCredentials.Set();
        var endpoint = new AwsEndpoint(false, new(await aws.GetEndpointAsync(Cancellation)));
        _endpoints = new(new Dictionary<string, AwsEndpoint> { ["SQS"] = endpoint }, () => throw new InvalidOperationException(), new([], () => []));
        _queue = await CreateAsync(_name);
        _dead = await CreateAsync($"{_name}-dead");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_service_starts_runs_for_the_messages_of_its_queue_and_puts_poison_aside()
    {
        await using var installation = await Installation.CreateAsync(postgres);
        installation.Settings["Aws"] = new JsonObject { ["Endpoints"] = new JsonObject { ["SQS"] = await aws.GetEndpointAsync(Cancellation) } };
        installation.Settings["Events"] = new JsonObject { ["Queues"] = new JsonArray(new JsonObject { ["Url"] = _queue, ["DeadLetter"] = _dead }) };
        installation.With("gate", "quality-gate", new { Output = "local://good/" }).With("dropped", "quality-gate", new { Output = "local://good/" }, watch: "local://drop/");
        installation.Settings["Pipelines"]!["dropped"]!["Trigger"]!["Suffix"] = ".csv";
        installation.Drop("local://drop/b.txt", "not of this pipeline");
        installation.Drop("local://drop/c.csv", "a\n1\n");
        installation.Settings["Pipelines"]!["gate"]!["Trigger"] = new JsonObject { ["Object"] = "s3://landing/in/", ["Watch"] = "false" };
        foreach (var body in (string[])[Envelopes.S3("landing", "in/one two.csv"), Envelopes.InSns(Envelopes.S3("landing", "in/one two.csv")), "poison", Envelopes.TestEvent])
        {
            await Sqs.SendAsync(_queue, body, new Dictionary<string, string>(), Cancellation);
        }

        await installation.StartServiceAsync(ServiceRoles.Triggers);

        await Eventually.TrueAsync(async () => await CountAsync(_queue) == 0);
        var run = Assert.Single((await installation.Client.ListAsync("gate", null, 10, null, Cancellation)).Runs);
        Assert.Equal("s3://landing/in/one two.csv", run.Input!.Value.GetProperty("object").GetString());
        var poison = Assert.Single((await ReadAsync(_dead))["Messages"]!.AsArray())!;
        Assert.Equal(("poison", "it is not JSON"), ((string?)poison["Body"], (string?)poison["MessageAttributes"]!["Reason"]!["StringValue"]));

        using var owner = installation.CreateHttpClient();
        var counts = (await owner.GetFromJsonAsync<JsonObject>("/api/events", Cancellation))!;
        // Taken in the same moment, both messages may find no run yet, and both start it: it is one.
        Assert.Equal(2, (int?)counts["started"]!["gate"] + ((int?)counts["ignored"]!["duplicate"] ?? 0));
        Assert.Equal(1, (int?)counts["ignored"]!["test"]);
        Assert.Equal(1, (int?)counts["deadLettered"]![_name]);
        var dropped = await Eventually.GetAsync(async () => (await installation.Client.ListAsync("dropped", null, 10, null, Cancellation)).Runs, runs => runs.Count > 0);
        Assert.Equal("local://drop/c.csv", Assert.Single(dropped).Input!.Value.GetProperty("object").GetString());
        await NobodyIsAskedForAKeyOfTheApiAsync(installation.Address);
    }

    /// <summary>Those who prove themselves otherwise get as far as that, whatever type of body they send; who looks at the counts needs a key.</summary>
    private static async Task NobodyIsAskedForAKeyOfTheApiAsync(Uri address)
    {
        using var stranger = new HttpClient { BaseAddress = address };
        foreach (var (path, type) in (IEnumerable<(string, string)>)
            [("/api/events/sns", "text/plain"), ("/api/events/eventbridge", "application/json"), ("/api/events/eventgrid", "application/cloudevents+json"), ("/api/events/s3", "application/json"), ("/api/slack/commands", "application/x-www-form-urlencoded")])
        {
            using var refused = await stranger.PostAsync(path, new StringContent("{}", Encoding.UTF8, type), Cancellation);
            Assert.Equal((HttpStatusCode.Forbidden, ""), (refused.StatusCode, await refused.Content.ReadAsStringAsync(Cancellation)));
        }

        using var asked = await stranger.GetAsync("/api/events", Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, asked.StatusCode);
    }

    [Fact]
    public async Task A_message_that_was_taken_is_out_of_sight_until_it_is_shown_again_and_counts_its_receipts()
    {
        await Sqs.SendAsync(_queue, "a & b", new Dictionary<string, string> { ["Reason"] = "ü" }, Cancellation);
        var first = Assert.Single(await Sqs.ReceiveAsync(_queue, 10, TimeSpan.Zero, TimeSpan.FromSeconds(30), Cancellation));

        Assert.Empty(await Sqs.ReceiveAsync(_queue, 10, TimeSpan.Zero, TimeSpan.FromSeconds(30), Cancellation));
        Assert.Empty(await Sqs.ChangeVisibilityAsync(_queue, [first], TimeSpan.Zero, Cancellation));
        var second = Assert.Single(await Sqs.ReceiveAsync(_queue, 10, TimeSpan.Zero, TimeSpan.FromSeconds(30), Cancellation));

        Assert.Equal(("a & b", 1, 2), (first.Body, first.Receives, second.Receives));
        Assert.Empty(await Sqs.DeleteAsync(_queue, [second], Cancellation));
        Assert.Equal(0, await CountAsync(_queue));
    }

    [Fact]
    public async Task A_queue_that_is_not_there_is_refused()
    {
        var refused = await Assert.ThrowsAsync<AwsRefusedException>(() => Sqs.ReceiveAsync(_queue + "-not", 1, TimeSpan.Zero, TimeSpan.FromSeconds(30), Cancellation));

        Assert.Equal(("SQS", "ReceiveMessage"), (refused.Service, refused.Operation));
    }

    private async Task<string> CreateAsync(string name) => (string)(await CallAsync("CreateQueue", new() { ["QueueName"] = name }))["QueueUrl"]!;

    private async Task<int> CountAsync(string queue)
    {
        var attributes = (await CallAsync("GetQueueAttributes", new() { ["QueueUrl"] = queue, ["AttributeNames"] = new JsonArray("All") }))["Attributes"]!;
        return int.Parse((string)attributes["ApproximateNumberOfMessages"]!) + int.Parse((string)attributes["ApproximateNumberOfMessagesNotVisible"]!);
    }

    private Task<JsonObject> ReadAsync(string queue) => CallAsync("ReceiveMessage", new() { ["QueueUrl"] = queue, ["MaxNumberOfMessages"] = 10, ["MessageAttributeNames"] = new JsonArray("All") });

    private Task<JsonObject> CallAsync(string operation, JsonObject input) =>
        new AwsJsonClient(new("SQS", "sqs") { Api = "AmazonSQS", JsonVersion = "1.0" }, _endpoints).CallAsync(operation, input, Cancellation);
}
