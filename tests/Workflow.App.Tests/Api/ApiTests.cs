using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.Testing;

namespace Workflow.App.Tests.Api;

/// <summary>The HTTP API as a program of any language sees it.</summary>
public sealed class ApiTests(PostgresFixture postgres)
{
    private const string Users = "user_id,name\n1,Ann\n";

    [Fact]
    public async Task A_run_is_accepted_and_found_where_the_answer_says()
    {
        await using var api = await StartAsync();
        api.Installation.Drop("local://api/csv/users.csv", Users);

        using var accepted = await api.PostAsync("api/pipelines/users/runs", """{"object":"local://api/csv/users.csv"}""");
        var started = JsonNode.Parse(await accepted.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        var ended = await api.GetAsync($"api/runs/{started["instance"]}?wait=30");
        var status = await api.GetAsync(accepted.Headers.Location!.AbsoluteUri);

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal("Completed", (string?)ended["status"]);
        Assert.Equal("Completed", (string?)status["runtimeStatus"]);
        Assert.Equal(1, (int)ended["output"]!["loaded"]!);
        Assert.Equal("local://api/csv/users.csv", (string?)ended["input"]!["object"]);
    }

    [Fact]
    public async Task The_same_key_is_the_same_run()
    {
        await using var api = await StartAsync();

        using var first = await api.PostAsync("api/pipelines/users/runs", """{"object":"local://api/csv/none.csv"}""", ("Idempotency-Key", "7f3a"));
        using var second = await api.PostAsync("api/pipelines/users/runs", """{"object":"local://api/csv/none.csv"}""", ("Idempotency-Key", "7f3a"));
        using var other = await api.PostAsync("api/pipelines/users/runs", """{"object":"local://api/csv/none.csv"}""", ("Idempotency-Key", "81cc"));
        using var shouted = await api.PostAsync("api/pipelines/USERS/runs", """{"object":"local://api/csv/none.csv"}""", ("Idempotency-Key", "81cc"));
        using var empty = await api.PostAsync("api/pipelines/users/runs", """{"object":"local://api/csv/none.csv"}""", ("Idempotency-Key", ""));

        Assert.Equal(other.Headers.Location, shouted.Headers.Location);
        await AssertProblemAsync(empty, HttpStatusCode.BadRequest, "Idempotency-Key is empty");
        Assert.Equal(first.Headers.Location, second.Headers.Location);
        Assert.NotEqual(first.Headers.Location, other.Headers.Location);
        Assert.Equal(2, (await api.GetAsync("api/runs"))["runs"]!.AsArray().Count);
    }

    [Fact]
    public async Task An_instance_id_that_is_taken_by_another_run_is_a_conflict()
    {
        await using var api = await StartAsync();
        using var first = await api.PostAsync("api/pipelines/users/runs?instance=mine", """{"object":"local://api/csv/a.csv"}""");

        using var second = await api.PostAsync("api/pipelines/users/runs?instance=mine", """{"object":"local://api/csv/b.csv"}""");

        await AssertProblemAsync(second, HttpStatusCode.Conflict, "mine");
    }

    [Fact]
    public async Task Runs_are_listed_by_pages_and_filters()
    {
        await using var api = await StartAsync();
        for (var run = 0; run < 5; run++)
        {
            await api.Installation.RunAsync("users", new { @object = "local://api/csv/none.csv" }, $"run-{run}");
        }

        var instances = new List<string>();
        string? after = null;
        do
        {
            var page = await api.GetAsync($"api/runs?top=2{(after is null ? "" : $"&after={Uri.EscapeDataString(after)}")}");
            instances.AddRange(page["runs"]!.AsArray().Select(run => (string)run!["instance"]!));
            after = (string?)page["after"];
        }
        while (after is not null);

        Assert.Equal(["run-4", "run-3", "run-2", "run-1", "run-0"], instances);
        Assert.Equal(5, (await api.GetAsync("api/runs?status=failed&pipeline=users"))["runs"]!.AsArray().Count);
        Assert.Empty((await api.GetAsync("api/runs?status=Completed,Running"))["runs"]!.AsArray());
        Assert.Single((await api.GetAsync("api/runs?prefix=run-3"))["runs"]!.AsArray());
    }

    [Fact]
    public async Task Runs_are_listed_by_the_time_of_their_start_and_by_their_family()
    {
        var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" });
        await using var api = new Api(await installation.StartServiceAsync(App.Hosting.ServiceRoles.None));
        foreach (var id in new[] { "top", "child", "grandchild", "alone" })
        {
            await installation.Client.StartAsync("users", JsonNode.Parse("""{"object":"local://api/csv/none.csv"}"""), id, TestContext.Current.CancellationToken);
        }

        await using (var hub = NpgsqlDataSource.Create(installation.Hub))
        {
            await using var age = hub.CreateCommand(
                """
                UPDATE durable.instances SET parent_id = family.parent, created_at = family.created
                FROM (VALUES ('top', NULL, '2025-01-01T00:00Z'::timestamptz), ('child', 'top', '2025-01-02T00:00Z'), ('grandchild', 'child', '2025-01-03T00:00Z'), ('alone', NULL, '2025-01-04T00:00Z')) AS family (id, parent, created)
                WHERE instance_id = family.id
                """);
            await age.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal("alone grandchild child top", await IdsAsync(""));
        Assert.Equal("alone grandchild", await IdsAsync("since=2025-01-03T00:00:00Z"));
        Assert.Equal("child top", await IdsAsync("before=2025-01-03T00:00:00Z"));
        Assert.Equal("child", await IdsAsync("since=2025-01-02T01:00:00%2B01:00&before=2025-01-03T00:00:00Z"));
        Assert.Equal("child", await IdsAsync("parent=top"));
        Assert.Equal("grandchild", await IdsAsync("parent=child"));
        Assert.Equal("alone top", await IdsAsync("roots=true"));
        Assert.Equal("alone grandchild child top", await IdsAsync("roots=false"));
        Assert.Equal("", await IdsAsync("parent=top&roots=true"));

        async Task<string> IdsAsync(string query) => string.Join(' ', (await api.GetAsync($"api/runs?{query}"))["runs"]!.AsArray().Select(run => (string)run!["instance"]!));
    }

    [Fact]
    public async Task A_run_shows_its_history_and_is_purged_when_it_has_ended()
    {
        await using var api = await StartAsync();
        await api.Installation.RunAsync("users", new { @object = "local://api/csv/none.csv" }, "gone soon");

        var history = (await api.GetAsync("api/runs/gone%20soon/history")).AsArray();
        using var purged = await api.SendAsync(HttpMethod.Delete, "api/runs/gone%20soon");
        using var gone = await api.SendAsync(HttpMethod.Get, "api/runs/gone%20soon");

        Assert.Contains(history, entry => (string?)entry!["name"] == "FindObjects");
        Assert.Equal(HttpStatusCode.OK, purged.StatusCode);
        await AssertProblemAsync(gone, HttpStatusCode.NotFound, "gone soon");
    }

    [Fact]
    public async Task The_pipelines_are_listed_with_their_options()
    {
        await using var api = await StartAsync();

        var users = (await api.GetAsync("api/pipelines")).AsArray().Single(pipeline => (string?)pipeline!["name"] == "users")!;

        Assert.Equal("csv-to-warehouse", (string?)users["kind"]);
        Assert.Equal("users", (string?)users["options"]!["table"]);
    }

    [Theory]
    [InlineData("POST", "api/pipelines/orders/runs", "{}", HttpStatusCode.NotFound, "There is no pipeline 'orders'")]
    [InlineData("POST", "api/pipelines/users/runs", "{", HttpStatusCode.BadRequest, "not JSON")]
    [InlineData("POST", "api/pipelines/users/runs", "[]", HttpStatusCode.BadRequest, "JSON object")]
    [InlineData("POST", "api/pipelines/users/runs", "{}", HttpStatusCode.BadRequest, "object: name the object")]
    [InlineData("POST", "api/pipelines/users/runs", """{"object":"x"}""", HttpStatusCode.BadRequest, "address of an object")]
    [InlineData("POST", "api/pipelines/users/runs?instance=%40x", """{"object":"local://a/b"}""", HttpStatusCode.BadRequest, "instance id")]
    [InlineData("POST", "api/pipelines/users/runs?instance=a%2Fb", """{"object":"local://a/b"}""", HttpStatusCode.BadRequest, "no slash")]
    [InlineData("GET", "api/runs?status=done", null, HttpStatusCode.BadRequest, "'done' is no status")]
    [InlineData("GET", "api/runs?top=x", null, HttpStatusCode.BadRequest, "top")]
    [InlineData("GET", "api/runs/nobody", null, HttpStatusCode.NotFound, "nobody")]
    [InlineData("GET", "api/runs/nobody/history", null, HttpStatusCode.NotFound, "nobody")]
    [InlineData("POST", "api/runs/nobody/terminate", null, HttpStatusCode.NotFound, "nobody")]
    [InlineData("POST", "api/runs/nobody/events/Go", "{}", HttpStatusCode.NotFound, "nobody")]
    [InlineData("DELETE", "api/runs", null, HttpStatusCode.BadRequest, "which runs to purge")]
    [InlineData("DELETE", "api/runs?status=Running", null, HttpStatusCode.BadRequest, "Running")]
    public async Task A_wrong_request_is_answered_with_a_problem_that_says_what_is_wrong(string method, string path, string? body, HttpStatusCode status, string says)
    {
        await using var api = await StartAsync();

        using var answer = await api.SendAsync(new(method), path, body);

        await AssertProblemAsync(answer, status, says);
    }

    [Fact]
    public async Task A_body_over_a_mebibyte_is_refused_and_says_to_pass_a_reference()
    {
        await using var api = await StartAsync();
        await api.PostAsync("api/pipelines/users/runs?instance=one", """{"object":"local://api/csv/none.csv"}""");

        using var large = await api.PostAsync("api/runs/one/events/Go", $"\"{new string('x', (1 << 20) + 1)}\"");
        using var huge = await api.PostAsync("api/runs/one/events/Go", $"\"{new string('x', 3 << 20)}\"");

        Assert.True(large.StatusCode is HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.Conflict);
        await AssertProblemAsync(huge, HttpStatusCode.RequestEntityTooLarge, "send its address");
    }

    [Theory]
    [InlineData("Host", "evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("Host", "127.0.0.1.evil.example", HttpStatusCode.MisdirectedRequest)]
    [InlineData("Origin", "http://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("Origin", "null", HttpStatusCode.Forbidden)]
    [InlineData("Host", "localhost", HttpStatusCode.OK)]
    public async Task A_page_of_another_site_gets_nothing(string header, string value, HttpStatusCode status)
    {
        await using var api = await StartAsync();

        using var answer = await api.SendAsync(HttpMethod.Get, "api/runs", null, (header, value));

        Assert.Equal(status, answer.StatusCode);
    }

    [Fact]
    public async Task A_body_that_a_page_could_send_unasked_is_refused()
    {
        await using var api = await StartAsync();
        using var form = new HttpRequestMessage(HttpMethod.Post, "api/pipelines/users/runs") { Content = new StringContent("{}", Encoding.UTF8, "text/plain") };

        using var answer = await api.Http.SendAsync(form, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
    }

    [Fact]
    public async Task It_says_whether_it_is_there_and_whether_it_is_ready()
    {
        await using var api = await StartAsync();

        Assert.Equal("live", (string?)(await api.GetAsync("health/live"))["status"]);
        Assert.Equal("ready", (string?)(await api.GetAsync("health/ready"))["status"]);
    }

    private async Task<Api> StartAsync()
    {
        var installation = await Installation.CreateAsync(postgres);
        installation.With("users", "csv-to-warehouse", new { table = "users" });
        return new(await installation.StartServiceAsync());
    }

    private static async Task AssertProblemAsync(HttpResponseMessage answer, HttpStatusCode status, string says)
    {
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.Contains(says, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private sealed record Api(Installation Installation) : IAsyncDisposable
    {
        public HttpClient Http { get; } = Installation.CreateHttpClient();

        public Task<HttpResponseMessage> PostAsync(string path, string body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, body, headers);

        public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? body = null, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(method, path);
            request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            return await Http.SendAsync(request, TestContext.Current.CancellationToken);
        }

        public async Task<JsonNode> GetAsync(string path)
        {
            using var answer = await Http.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await Installation.DisposeAsync();
        }
    }
}
