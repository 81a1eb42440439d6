using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests.Api;

/// <summary>The management API of Durable Functions, as what was written for it sees it.</summary>
public sealed partial class DurableFunctionsApiTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Instances = "runtime/webhooks/durabletask/instances";
    private const string Nothing = """{"object":"local://api/csv/none.csv"}""";

    private Installation _installation = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users", slack = "local:runs" });

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _installation.DisposeAsync();
    }

    /// <summary>Without a worker what is started stays pending.</summary>
    private async Task StartAsync(ServiceRoles roles)
    {
        await _installation.StartServiceAsync(roles);
        _http = _installation.CreateHttpClient();
    }

    [Fact]
    public async Task A_run_that_is_under_way_is_told_of_looked_at_and_steered_at_the_addresses_its_start_answers_with()
    {
        await StartAsync(ServiceRoles.None);

        using var started = await SendAsync("POST", "api/pipelines/users/runs?instance=a%20b", Nothing);
        var addresses = await JsonAsync(started);
        var root = $"{_installation.Address}{Instances}/a%20b";
        Assert.Equal((HttpStatusCode.Accepted, root, "10"), (started.StatusCode, started.Headers.Location!.AbsoluteUri, started.Headers.RetryAfter!.ToString()));
        Assert.Equal(("a b", "a b", "Pending", root), ((string?)addresses["id"], (string?)addresses["instance"], (string?)addresses["status"], (string?)addresses["statusQueryGetUri"]));

        using var status = await SendAsync("GET", $"{addresses["statusQueryGetUri"]}?taskHub=Any&connection=Storage&code=no-credential");
        var body = await JsonAsync(status);
        Assert.Equal((HttpStatusCode.Accepted, "5"), (status.StatusCode, status.Headers.RetryAfter!.ToString()));
        Assert.StartsWith(root, status.Headers.Location!.AbsoluteUri, StringComparison.Ordinal);
        Assert.Equal(
            ["name", "instanceId", "runtimeStatus", "input", "customStatus", "output", "createdTime", "lastUpdatedTime"], body.AsObject().Select(field => field.Key));
        Assert.Equal(("users", "Pending", "local://api/csv/none.csv"), ((string?)body["name"], (string?)body["runtimeStatus"], (string?)body["input"]!["object"]));
        Assert.Matches(ToTheSecond(), (string)body["createdTime"]!);
        Assert.Null((await JsonAsync(await SendAsync("GET", $"{root}?showInput=false")))["input"]);

        Assert.Equal(HttpStatusCode.Accepted, await StatusAsync("POST", ((string)addresses["sendEventPostUri"]!).Replace("{eventName}", "Go", StringComparison.Ordinal), "{}"));
        foreach (var name in new[] { "suspendPostUri", "resumePostUri", "terminatePostUri" })
        {
            using var steered = await SendAsync("POST", ((string)addresses[name]!).Replace("{text}", "because", StringComparison.Ordinal));
            Assert.Equal((HttpStatusCode.Accepted, ""), (steered.StatusCode, await steered.Content.ReadAsStringAsync(Cancellation)));
        }

        Assert.Equal(HttpStatusCode.PreconditionFailed, await StatusAsync("POST", (string)addresses["rewindPostUri"]!));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await StatusAsync("DELETE", (string)addresses["purgeHistoryDeleteUri"]!));
    }

    [Fact]
    public async Task Runs_are_started_and_listed_by_pages()
    {
        await StartAsync(ServiceRoles.None);
        for (var run = 0; run < 5; run++)
        {
            using var started = await SendAsync("POST", $"runtime/webhooks/durabletask/orchestrators/users/run-{run}", Nothing);
            Assert.Equal($"run-{run}", (string?)(await JsonAsync(started))["id"]);
        }

        using var named = await SendAsync("POST", "runtime/webhooks/durabletask/orchestrators/users", Nothing);
        Assert.Equal(HttpStatusCode.Accepted, named.StatusCode);

        var seen = new List<string>();
        string? token = null;
        do
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"{Instances}?top=2&instanceIdPrefix=run-&runtimeStatus=Pending,Running&runtimeStatus=Failed&createdTimeFrom=2020-01-01T00:00:00Z&showInput=false");
            request.Headers.Add("x-ms-continuation-token", token ?? "");
            using var answer = await _http.SendAsync(request, Cancellation);
            seen.AddRange((await JsonAsync(answer)).AsArray().Select(run => $"{run!["instanceId"]} {run["input"]}"));
            token = answer.Headers.TryGetValues("x-ms-continuation-token", out var next) ? next.Single() : null;
        }
        while (token is not null);

        Assert.Equal(["run-4 ", "run-3 ", "run-2 ", "run-1 ", "run-0 "], seen);
        Assert.Equal("[]", (await JsonAsync(await SendAsync("GET", $"{Instances}?createdTimeTo=2020-01-01T00:00:00Z"))).ToJsonString());
        Assert.Equal(HttpStatusCode.Conflict, await StatusAsync("POST", "runtime/webhooks/durabletask/orchestrators/users/run-1", """{"object":"local://api/csv/other.csv"}"""));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("POST", "runtime/webhooks/durabletask/orchestrators/nobody", Nothing));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("POST", "runtime/webhooks/durabletask/orchestrators/users", "{"));
        Assert.Equal(HttpStatusCode.BadRequest, await StatusAsync("DELETE", Instances));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("DELETE", $"{Instances}?createdTimeFrom=2020-01-01T00:00:00Z"));
        foreach (var (method, path) in new[] { ("GET", ""), ("DELETE", ""), ("POST", "/raiseEvent/Go"), ("POST", "/terminate"), ("POST", "/suspend"), ("POST", "/resume"), ("POST", "/rewind") })
        {
            Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(method, $"{Instances}/nobody{path}", path.Contains("Go", StringComparison.Ordinal) ? "{}" : null));
        }
    }

    [Fact]
    public async Task A_failed_run_is_rewound_reports_again_and_is_purged_when_it_has_ended()
    {
        await StartAsync(ServiceRoles.Worker);
        await _installation.RunAsync("users", new { @object = "local://api/csv/none.csv" }, "late");
        var root = $"{Instances}/late";
        using var failed = await SendAsync("GET", root);
        Assert.Equal((HttpStatusCode.OK, "Failed"), (failed.StatusCode, (string?)(await JsonAsync(failed))["runtimeStatus"]));
        Assert.Equal(HttpStatusCode.InternalServerError, await StatusAsync("GET", $"{root}?returnInternalServerErrorOnFailure=true"));
        Assert.Equal(HttpStatusCode.Gone, await StatusAsync("POST", $"{root}/terminate"));
        Assert.Equal(HttpStatusCode.Gone, await StatusAsync("POST", $"{root}/raiseEvent/Go", "{}"));

        Assert.Equal(HttpStatusCode.Accepted, await StatusAsync("POST", $"{root}/rewind?reason=too+early"));
        await _installation.Client.WaitAsync("late", Cancellation);
        _installation.Drop("local://api/csv/none.csv", "user_id,name\n1,Ann\n");
        await _installation.Client.SteerAsync("late", "rewind", "it has come", Cancellation);
        var ended = await _installation.Client.WaitAsync("late", Cancellation);

        Assert.Equal((Durable.OrchestrationRuntimeStatus.Completed, 1), (ended.Status, ended.Output!.Value.GetProperty("loaded").GetInt32()));
        Assert.Equal(["failed", "failed", "completed"], (await _installation.SlackAsync()).Select(message => message.Text.Split(' ')[1]));
        var history = (await JsonAsync(await SendAsync("GET", $"{root}?showHistory=true&showHistoryOutput=true")))["historyEvents"]!.AsArray();
        Assert.Equal(["too early", "it has come"], history.Where(line => (string?)line!["EventType"] == "ExecutionRewound").Select(line => (string?)line!["Reason"]));
        var found = history.Single(line => (string?)line!["EventType"] == "TaskCompleted" && (string?)line["FunctionName"] == "FindObjects")!;
        Assert.True((DateTime)found["ScheduledTime"]! <= (DateTime)found["Timestamp"]!);
        Assert.NotNull(found["Result"]);
        Assert.Equal("Completed", (string?)history[^1]!["OrchestrationStatus"]);
        Assert.Equal(HttpStatusCode.Gone, await StatusAsync("POST", $"{root}/rewind"));
        using var again = await SendAsync("POST", "api/runs/late/rewind");
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        Assert.Equal("""{"instancesDeleted":1}""", (await JsonAsync(await SendAsync("DELETE", root))).ToJsonString());
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync("GET", root));
    }

    private async Task<HttpStatusCode> StatusAsync(string method, string path, string? body = null)
    {
        using var answer = await SendAsync(method, path, body);
        return answer.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(string method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(new(method), path);
        request.Content = body is null ? null : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        return await _http.SendAsync(request, Cancellation);
    }

    private static async Task<JsonNode> JsonAsync(HttpResponseMessage answer) => (await answer.Content.ReadFromJsonAsync<JsonNode>(Cancellation))!;

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    private static partial Regex ToTheSecond();
}
