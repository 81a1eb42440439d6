using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests.Functions;

/// <summary>The triggers of the host: requests, ticks and events.</summary>
public sealed class TriggerTests(PostgresFixture postgres)
{
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

        Assert.Equal(HttpStatusCode.OK, test.StatusCode);
        Assert.Equal("""{"Outputs":{},"Logs":[],"ReturnValue":null}""", await test.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.OK, broken.StatusCode);
        var poison = (string?)(await broken.Content.ReadFromJsonAsync<JsonNode>(TestContext.Current.CancellationToken))!["Outputs"]!["poison"];
        Assert.Equal("""{"reason":"it is not JSON","messageId":"message-1","message":"not json"}""", poison);
    }

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
