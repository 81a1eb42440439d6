using System.Text.Json.Nodes;
using Workflow.Cloud.Local;
using Workflow.Cloud.Secrets;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Notifications;

/// <summary>Who is told of what, through a running service and the stand-ins.</summary>
public sealed class NotificationTests(PostgresFixture postgres)
{
    private const string File = "local://landing/csv/orders.csv";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_rule_tells_of_what_it_is_for()
    {
        await using var installation = await StartAsync(
            new { On = new[] { "Failure" }, Slack = "local:pager", Text = "{pipeline} is down at {state}: {reason}" },
            new { On = new[] { "Recovery" }, Slack = "local:pager" },
            new { On = new[] { "Quarantine" }, Slack = "local:quality", Text = "{quarantined} of {rowsIn} rows of {object} set aside" },
            new { On = new[] { "SchemaChange" }, Slack = "local:schema", Text = "{target} has {columns} now" },
            new { On = new[] { "Success", "Failure" }, Webhook = "local:crm" });

        await RunAsync(installation, null);
        await RunAsync(installation, "id,amount\n1,10\n");
        await RunAsync(installation, "id,amount,note\n2,20,new\n3\n");

        var slack = (await installation.SlackAsync()).ToLookup(message => message.Channel, message => message.Text);
        Assert.Equal(2, slack["pager"].Count());
        Assert.StartsWith("orders is down at find: There is no object at local://landing/csv/orders.csv", slack["pager"].First(), StringComparison.Ordinal);
        Assert.StartsWith("orders works again. orders completed on", slack["pager"].Last(), StringComparison.Ordinal);
        Assert.Equal([$"1 of 2 rows of {File} set aside"], slack["quality"]);
        Assert.Equal(["public.orders has note now"], slack["schema"]);
        var webhook = await new LocalWebhooks(installation.Data.Path, TimeProvider.System).ReadAsync(Cancellation);
        Assert.Equal(["run.failure", "run.success", "run.success"], webhook.Select(message => (string)message.Body["type"]!));
        Assert.Equal("2 1 1", string.Join(' ', new[] { "rowsIn", "loaded", "quarantined" }.Select(name => $"{webhook[2].Body["data"]![name]}")));
    }

    [Fact]
    public async Task More_than_a_rule_lets_through_is_left_out_and_to_be_seen()
    {
        await using var installation = await StartAsync(new { On = new[] { "Failure" }, Slack = "local:pager", AtMost = 2 });

        for (var run = 0; run < 4; run++)
        {
            await RunAsync(installation, null);
        }

        Assert.Equal(2, (await installation.SlackAsync()).Count);
        using var http = installation.CreateHttpClient();
        var shown = JsonNode.Parse(await http.GetStringAsync(new Uri("api/notifications?pipeline=orders", UriKind.Relative), Cancellation))!.AsArray();
        Assert.Equal([true, true, false, false], shown.Select(message => (bool)message!["leftOut"]!));
        Assert.Equal([false, false, true, true], shown.Select(message => message!["deliveredAt"] is not null));
        Assert.All(shown, message => Assert.Equal("Failure Slack local:pager", $"{message!["event"]} {message["channel"]} {message["target"]}"));
    }

    [Fact]
    public async Task What_could_not_be_delivered_is_shown_with_its_reason_and_fails_no_run()
    {
        await using var installation = await StartAsync(new { On = new[] { "Success" }, Webhook = "nowhere" }, new { On = new[] { "Success" }, Webhook = "metadata" }, new { On = new[] { "Success" }, Slack = "file", Webhook = "local:crm" });
        var secret = new Dictionary<string, string> { ["url"] = "http://169.254.169.254/latest", ["key"] = "whsec_" + Convert.ToBase64String(new byte[32]) };
        var secrets = new LocalSecretStore(installation.Data.Secrets);
        await secrets.PutAsync("metadata", secret, Cancellation);
        await secrets.PutAsync("file", new Dictionary<string, string> { ["url"] = "/services/T0/B0" }, Cancellation);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, await RunAsync(installation, "id,amount\n1,10\n"));

        using var http = installation.CreateHttpClient();
        var shown = JsonNode.Parse(await http.GetStringAsync(new Uri("api/notifications", UriKind.Relative), Cancellation))!.AsArray().ToDictionary(message => (string)message!["target"]!, message => (string?)message!["failure"]);
        Assert.Contains("nothing is sent there", shown["metadata"], StringComparison.Ordinal);
        Assert.Contains("There is no secret 'nowhere'", shown["nowhere"], StringComparison.Ordinal);
        Assert.Equal("The field 'url' of secret 'file' is not the address of a webhook: write one that begins with https://.", shown["file"]);
        Assert.Single(await new LocalWebhooks(installation.Data.Path, TimeProvider.System).ReadAsync(Cancellation));
    }

    private async Task<Installation> StartAsync(params object[] rules)
    {
        var installation = (await Installation.CreateAsync(postgres)).With("orders", "csv-to-warehouse", new { Table = "orders", Key = "id", Notify = rules });
        return await installation.StartServiceAsync();
    }

    private static async Task<OrchestrationRuntimeStatus> RunAsync(Installation installation, string? content)
    {
        if (content is not null)
        {
            installation.Drop(File, content);
        }

        return (await installation.RunAsync("orders", new { @object = File }, Guid.NewGuid().ToString("N"))).Status;
    }
}
