using System.Text.Json.Nodes;
using Amazon.DynamoDBv2.Model;
using Workflow.Cloud.Local;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>What ingest-check-ins tells about a run: the status table and the topic, under one id.</summary>
public sealed class IngestCheckInsReportTests(PostgresFixture postgres, DynamoDbFixture dynamo)
{
    private const string Landed = "local://landing/table=dailycheckins/year=2024/month=3/day=3/dailycheckins.csv";
    private readonly string _table = DynamoDbFixture.TableName();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ned", "Ingestion Success", "load", "transform success, test success, load success")]
    [InlineData("", "Ingestion Fail", "test", "transform success, test fail")]
    public async Task The_status_table_and_the_topic_know_a_run_by_one_id(string user, string status, string latestState, string history)
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, $"user,timestamp,hours,project\n{user},2018-11-26 14:47:36 UTC,1,bizdev\n");

        await installation.RunAsync("check-ins", new { @object = Landed });

        var message = Assert.Single(await new LocalSns(installation.Data.Path, new HashSet<string>(), TimeProvider.System).ReadAsync(Cancellation));
        var said = JsonNode.Parse(message.Text)!;
        Assert.Equal((status, status, latestState, "daily_checkins"), (message.Subject, (string?)said["status"], (string?)said["latestState"], (string?)said["ingestedTable"]));
        Assert.Equal(user.Length == 0, ((string?)said["reason"])?.Contains("1 of 1 rows fail the test", StringComparison.Ordinal) == true);
        using var client = await dynamo.CreateClientAsync(Cancellation);
        var item = Assert.Single((await client.ScanAsync(new ScanRequest(_table), Cancellation)).Items);
        Assert.Equal(((string?)said["ingestedID"], "daily_checkins"), (item["ingestedID"].S, item["ingestedTable"].S));
        Assert.Equal(history, string.Join(", ", item["history"].L.Select(entry => $"{entry.M["state"].S} {entry.M["status"].S}")));
    }

    private async Task<Installation> StartAsync()
    {
        var installation = await (await Installation.CreateAsync(postgres))
            .With("check-ins", "ingest-check-ins", new { topic = LocalSns.TopicArn("check-ins") }).WithAsync(dynamo);
        installation.Settings["StatusTable"] = _table;
        return await installation.StartServiceAsync();
    }
}
