using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.App.Tests.Triggers.Events;
using Workflow.App.Triggers.Events.Inbound;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Secrets;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Functions;

/// <summary>The triggers of the host: requests, ticks and events.</summary>
public sealed class TriggerTests(PostgresFixture postgres, AzuriteFixture azurite)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_whole_API_is_behind_the_hosts_HTTP_trigger_and_asks_who_calls()
    {
        await using var installation = await StartAsync();
        await using var engine = await StartEngineAsync(installation);

        var list = await engine.RequestAsync("api", "GET", "https://localhost/api/pipelines");
        var none = await engine.RequestAsync("api", "GET", "https://localhost/api/runs/nobody");
        var wrong = await engine.RequestAsync("start-users", "POST", "https://localhost/api/pipelines/users/runs", """{"tabel":"x"}""");
        engine.Key = null;
        var nobody = await engine.RequestAsync("api", "GET", "https://localhost/api/pipelines");

        Assert.Equal(("200", "404", "400", "401"), (list.Status, none.Status, wrong.Status, nobody.Status));
        Assert.Contains(list.Body.AsArray(), pipeline => pipeline!["name"]!.GetValue<string>() == "users");
        Assert.StartsWith("application/json", list.Headers["Content-Type"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("tabel", wrong.Body.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_started_by_HTTP_is_seen_and_steered_by_HTTP()
    {
        await using var installation = await StartAsync();
        await using var engine = await StartEngineAsync(installation);
        installation.Drop("local://landing/csv/users.csv", "user_id,name\n1,Ann\n");

        var started = await engine.RequestAsync("start-users", "POST", "http://localhost/api/pipelines/users/runs", """{"object":"local://landing/csv/users.csv"}""", ("Idempotency-Key", "once"));
        var again = await engine.RequestAsync("start-users", "POST", "http://localhost/api/pipelines/users/runs", """{"object":"local://landing/csv/users.csv"}""", ("Idempotency-Key", "once"));
        var id = started.Body["instance"]!.GetValue<string>();
        await engine.FinishAsync(engine.Find(id)!);
        var run = await engine.RequestAsync("api", "GET", $"http://localhost/api/runs/{id}");

        Assert.Equal(("202", "202"), (started.Status, again.Status));
        Assert.Equal(id, again.Body["instance"]!.GetValue<string>());
        Assert.Equal("Completed", run.Body["status"]!.GetValue<string>());
        Assert.Single(engine.All());
    }

    [Fact]
    public async Task A_key_for_one_pipeline_sees_and_steers_no_run_of_another()
    {
        await using var installation = await StartAsync(installation => installation.With("theirs", "csv-to-warehouse", new { Table = "theirs" }));
        await using var engine = await StartEngineAsync(installation);
        foreach (var pipeline in new[] { "users", "theirs" })
        {
            await engine.RequestAsync($"start-{pipeline}", "POST", $"http://localhost/api/pipelines/{pipeline}/runs?instance=of-{pipeline}", """{"object":"local://landing/csv/none.csv"}""");
        }

        await using var tables = new ServiceDatabase(installation.Hub, new DurableTaskOptions().TaskHub);
        engine.Key = (await new ApiKeys(tables, LocalKey.Find(installation.Data), TimeProvider.System).CreateAsync(new("users only", Role.Operator, ["Users"]), TestContext.Current.CancellationToken)).Reveal();

        var runs = await engine.RequestAsync("api", "GET", "http://localhost/api/runs");
        var durable = await engine.RequestAsync("api", "GET", "http://localhost/runtime/webhooks/durabletask/instances");
        var roots = await engine.RequestAsync("api", "GET", "http://localhost/api/runs?roots=true");
        var theirs = await engine.RequestAsync("api", "GET", "http://localhost/api/runs/of-theirs");
        var ended = await engine.RequestAsync("api", "POST", "http://localhost/api/runs/of-theirs/terminate");
        var started = await engine.RequestAsync("start-theirs", "POST", "http://localhost/api/pipelines/theirs/runs", "{}");
        var taken = await engine.RequestAsync("start-users", "POST", "http://localhost/api/pipelines/users/runs?instance=theirs-20401122T030000Z", """{"object":"local://landing/csv/none.csv"}""");
        var ours = await engine.RequestAsync("api", "GET", "http://localhost/api/runs/of-users");

        Assert.Equal("of-users", (string?)Assert.Single(runs.Body["runs"]!.AsArray())!["instance"]);
        Assert.Equal("of-users", (string?)Assert.Single(durable.Body.AsArray())!["instanceId"]);
        Assert.Equal(("501", "404", "404", "403", "400", "200"), (roots.Status, theirs.Status, ended.Status, started.Status, taken.Status, ours.Status));
        Assert.False(engine.Find("of-theirs")!.HasEnded);
        Assert.Equal(2, engine.All().Count);
    }

    [Fact]
    public async Task A_body_is_as_long_as_its_endpoint_takes()
    {
        await using var installation = await StartAsync();
        await using var engine = await StartEngineAsync(installation);

        var slack = await engine.RequestAsync("api", "POST", "http://localhost/api/slack/commands", new('x', SlackCommands.Longest + 1));
        var shorter = await engine.RequestAsync("api", "POST", "http://localhost/api/slack/commands", new('x', SlackCommands.Longest));
        var start = await engine.RequestAsync("start-users", "POST", "http://localhost/api/pipelines/users/runs", $$"""{"object":"{{new string('x', 2 << 20)}}"}""");

        Assert.Equal(("413", "403", "413"), (slack.Status, shorter.Status, start.Status));
    }

    [Fact]
    public async Task A_tick_that_the_host_tells_twice_is_one_run()
    {
        await using var installation = await StartAsync(installation =>
        {
            installation.With("primes", "quadratic-primes", new { }).Settings["Pipelines"]!["primes"]!["Trigger"] = new JsonObject { ["Schedule"] = "* * * * * *", ["Overlap"] = "Allow" };
            return installation;
        });
        await using var engine = await StartEngineAsync(installation);

        await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            using var answer = await engine.PostAsync("timer-primes", HostRequests.Timer(null, engine.Client));
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }));

        var runs = engine.All();
        Assert.NotEmpty(runs);
        Assert.All(runs, run => Assert.Equal("primes", run.Name));
        Assert.Equal(runs.Count, runs.Select(run => run.Id).Distinct().Count());
        Assert.All(runs, run => Assert.Matches("^primes-[0-9]{8}T[0-9]{6}Z$", run.Id));
    }

    [Fact]
    public async Task A_message_that_tells_of_nothing_is_acknowledged_and_one_that_nobody_understands_goes_to_the_poison_queue_with_its_reason()
    {
        await using var installation = await StartAsync(installation =>
        {
            installation.Settings["Functions"] = new JsonObject { ["Queue"] = "workflow-events" };
            return installation;
        });
        await using var engine = await StartEngineAsync(installation);

        using var test = await engine.PostAsync("events", HostRequests.Queue("""{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2024-03-01T00:00:00.000Z","Bucket":"landing"}""", engine.Client));
        using var broken = await engine.PostAsync("events", HostRequests.Queue("not json", engine.Client));

        // A run of it needs an object, which a schedule does not name.
        using var failed = await engine.PostAsync("events", HostRequests.Queue(Envelopes.Schedule("users", "2025-01-31T02:00:00Z"), engine.Client, dequeueCount: 4));
        using var given = await engine.PostAsync("events", HostRequests.Queue(Envelopes.Schedule("users", "2025-01-31T02:00:00Z"), engine.Client, dequeueCount: 5));

        Assert.Equal(HttpStatusCode.OK, test.StatusCode);
        Assert.Equal("""{"Outputs":{},"Logs":[],"ReturnValue":null}""", await test.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.InternalServerError, HttpStatusCode.OK), (broken.StatusCode, failed.StatusCode, given.StatusCode));
        Assert.Equal("""{"reason":"it is not JSON","messageId":"message-1","message":"not json"}""", await PoisonAsync(broken));
        Assert.Contains("it failed 5 times, at last: ", await PoisonAsync(given), StringComparison.Ordinal);

        static async Task<string?> PoisonAsync(HttpResponseMessage answer) => (string?)(await answer.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!["Outputs"]!["poison"];
    }

    [Fact]
    public async Task A_blob_is_one_run_however_often_the_host_brings_it_and_another_one_when_it_is_written_again()
    {
        var (store, container) = (await azurite.CreateStoreAsync(Cancellation), await azurite.CreateContainerAsync(Cancellation));
        var blob = new ObjectAddress("az", container, "csv/eu/a {b}.csv");
        await using var installation = await StartForBlobsAsync(container);
        await using var engine = await StartEngineAsync(installation);
        var invocation = HostRequests.Blob("user_id,name\n1,Ann\n", $"{container}/{blob.Key}", "eu/a {b}.csv", engine.Client);

        await WriteAsync("user_id,name\n1,Ann\n");
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => BringAsync()));
        var first = Assert.Single(engine.All());
        await engine.FinishAsync(first);
        await BringAsync();
        Assert.Single(engine.All());
        await WriteAsync("user_id,name\n2,Bo\n");
        await BringAsync();
        await engine.FinishAsync(Assert.Single(engine.All(), run => run != first));

        Assert.All(engine.All(), run => Assert.Equal(("users", "Completed", blob.ToString()), (run.Name, $"{run.Status}", (string?)JsonNode.Parse(run.Input!)!["object"])));
        Assert.Equal(["1|Ann", "2|Bo"], await installation.QueryAsync("select user_id, name from users order by user_id"));

        Task WriteAsync(string content) => store.WriteAsync(blob, new MemoryStream(Encoding.UTF8.GetBytes(content)), WriteCondition.Always, Cancellation);

        async Task BringAsync()
        {
            using var answer = await engine.PostAsync("objects-users", invocation);
            Assert.Equal((HttpStatusCode.OK, """{"Outputs":{},"Logs":[],"ReturnValue":null}"""), (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation)));
        }
    }

    [Fact]
    public async Task A_blob_that_cannot_be_looked_at_is_a_failure_that_the_host_brings_again_and_one_that_has_gone_is_none()
    {
        var container = await azurite.CreateContainerAsync(Cancellation);
        await using var installation = await StartForBlobsAsync(container);
        await using var engine = await StartEngineAsync(installation);

        Assert.Equal(HttpStatusCode.BadRequest, await BringAsync(HostRequests.Blob("", $"{container}/csv/a.csv", null, engine.Client)));
        Assert.Equal(HttpStatusCode.BadRequest, await BringAsync(new JsonObject { ["Metadata"] = new JsonObject() }));
        Assert.Equal(HttpStatusCode.OK, await BringAsync(HostRequests.Blob("", $"{container}/csv/gone.csv", "gone.csv", engine.Client)));
        await new LocalSecretStore(installation.Data.Secrets).PutAsync("local/storage", new Dictionary<string, string> { ["AccountKey"] = Convert.ToBase64String([1, 2, 3]) }, Cancellation);
        Assert.Equal(HttpStatusCode.InternalServerError, await BringAsync(HostRequests.Blob("", $"{container}/csv/a.csv", "a.csv", engine.Client)));
        Assert.Empty(engine.All());

        async Task<HttpStatusCode> BringAsync(JsonObject invocation)
        {
            using var answer = await engine.PostAsync("objects-users", invocation);
            Assert.NotEmpty(await answer.Content.ReadAsStringAsync(Cancellation));
            return answer.StatusCode;
        }
    }

    /// <summary>With the pipeline <c>users</c> on the blobs under <c>csv/</c>.</summary>
    private async Task<Installation> StartForBlobsAsync(string container) =>
        await (await (await Installation.CreateAsync(postgres)).WithAsync(azurite))
            .With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id" }, watch: $"az://{container}/csv/").StartServiceAsync(ServiceRoles.Functions);

    private async Task<Installation> StartAsync(Func<Installation, Installation>? configure = null)
    {
        var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id" });
        return await (configure?.Invoke(installation) ?? installation).StartServiceAsync(ServiceRoles.Functions);
    }

    private static async Task<ExtensionEngine> StartEngineAsync(Installation installation)
    {
        var engine = await ExtensionEngine.StartAsync(installation.Address);
        engine.Key = LocalKey.Find(installation.Data).Key!.Reveal();
        return engine;
    }
}
