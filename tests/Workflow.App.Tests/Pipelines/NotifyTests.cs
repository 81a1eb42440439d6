using System.Net;
using System.Text.Json.Nodes;
using Workflow.Cloud.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>Messages about runs, through a running service.</summary>
public sealed class NotifyTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Topic = "arn:aws:sns:eu-west-1:000000000000:runs";

    private Installation _installation = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() =>
        _installation = (await Installation.CreateAsync(postgres)).With("orders", "csv-to-warehouse", new { Table = "orders", Key = "id", Slack = "local:etl", Topic });

    public ValueTask DisposeAsync() => _installation.DisposeAsync();

    [Fact]
    public async Task A_message_goes_to_the_channel_and_to_the_topic()
    {
        await _installation.StartServiceAsync();
        _installation.Drop("local://landing/csv/orders.csv", "id,amount\n1,10\n");

        await _installation.RunAsync("orders", new { @object = "local://landing/csv/orders.csv" });

        var slack = Assert.Single(await _installation.SlackAsync());
        var sns = Assert.Single(await MessagesAsync());
        Assert.Equal((Topic, "orders completed", slack.Text, slack.Key), (sns.Topic, sns.Subject, sns.Text, sns.Attributes["idempotency-key"]));
    }

    [Fact]
    public async Task A_failure_is_published_with_the_failed_state_and_its_reason()
    {
        await _installation.StartServiceAsync();

        var run = await _installation.RunAsync("orders", new { @object = "local://landing/csv/nothing.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        var sns = Assert.Single(await MessagesAsync());
        Assert.Equal("orders failed", sns.Subject);
        Assert.Contains("orders failed at", sns.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_that_is_not_there_fails_no_run()
    {
        await _installation.StartServiceAsync();
        _installation.Drop("local://landing/csv/orders.csv", "id,amount\n1,10\n");

        var run = await _installation.RunAsync("orders", new { @object = "local://landing/csv/orders.csv", topic = "arn:aws:sns:eu-west-1:000000000000:nobody" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Single(await _installation.SlackAsync());
        Assert.Empty(await MessagesAsync());
    }

    [Fact]
    public async Task An_SNS_that_is_away_fails_no_run()
    {
        _installation.Settings["Aws"] = JsonNode.Parse($$"""{ "Endpoints": { "SNS": "http://127.0.0.1:{{FreePort.Next()}}" } }""");
        await _installation.StartServiceAsync();
        _installation.Drop("local://landing/csv/orders.csv", "id,amount\n1,10\n");

        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await _installation.RunAsync("orders", new { @object = "local://landing/csv/orders.csv" })).Status);
    }

    [Fact]
    public async Task The_stand_in_takes_signed_forms_and_no_others()
    {
        await _installation.StartServiceAsync();
        using var http = new HttpClient { BaseAddress = _installation.Address };
        using var form = new FormUrlEncodedContent([KeyValuePair.Create("Action", "Publish")]);

        using var response = await http.PostAsync("/local/aws/", form, Cancellation);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    private async Task<IReadOnlyList<LocalSnsMessage>> MessagesAsync() =>
        await new LocalSns(_installation.Data.Path, new HashSet<string>(), TimeProvider.System).ReadAsync(Cancellation);
}
