using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Workflow.App.Api;
using Workflow.App.Api.Access;

namespace Workflow.App.Tests.Api.Access;

/// <summary>Who is answered, and with what.</summary>
public sealed class AccessTests(AccessService service) : IClassFixture<AccessService>
{
    private const string NoSuchKey = "wf_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_endpoint_says_whom_it_is_for()
    {
        var silent = service.Installation.Service.Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => (endpoint.Metadata.GetMetadata<NeededRole>() is null) == (endpoint.Metadata.GetMetadata<OpenEndpoint>() is null))
            .Select(endpoint => endpoint.DisplayName);

        Assert.Empty(silent);
    }

    [Fact]
    public void Only_what_makes_up_for_it_is_open()
    {
        var open = service.Installation.Service.Endpoints.OfType<RouteEndpoint>().Where(endpoint => endpoint.Metadata.GetMetadata<OpenEndpoint>() is not null).ToArray();

        Assert.All(open, endpoint => Assert.NotEmpty(endpoint.Metadata.GetMetadata<OpenEndpoint>()!.Why));
        Assert.All(open.Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/local/", StringComparison.Ordinal)), endpoint => Assert.NotNull(endpoint.Metadata.GetMetadata<OnThisMachine>()));
    }

    [Theory]
    [InlineData("GET", "api/runs")]
    [InlineData("GET", "api/runs/mine-run")]
    [InlineData("GET", "api/nothing/there")]
    [InlineData("POST", "api/runs/mine-run/terminate")]
    [InlineData("DELETE", "api/pipelines")]
    [InlineData("GET", "get?user=x")]
    public async Task Without_a_key_there_is_one_answer_to_everything(string method, string path)
    {
        var answer = await service.SendAsync(method, path, credential: null);
        var other = await service.SendAsync("GET", "api/audit", credential: null);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
        Assert.Equal("Bearer realm=\"workflow\"", answer.Challenge);
        Assert.Equal((string?)other.Json["detail"], (string?)answer.Json["detail"]);
    }

    [Fact]
    public async Task Health_is_told_to_everybody() => Assert.Equal(HttpStatusCode.OK, (await service.SendAsync("GET", "health/live", credential: null)).Status);

    [Fact]
    public async Task A_key_is_taken_from_either_header_and_its_use_is_noted()
    {
        var key = await service.KeyAsync(Role.Viewer);

        Assert.Equal(HttpStatusCode.OK, (await service.SendAsync("GET", "api/pipelines", key)).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.SendAsync("GET", "api/pipelines", credential: null, apiKeyHeader: key)).Status);
        Assert.NotNull((await service.Keys.ListAsync(Cancellation)).Single(view => key.Contains(view.Id, StringComparison.Ordinal)).LastUsedAt);
    }

    [Theory]
    [InlineData("api/pipelines?key={0}")]
    [InlineData("api/pipelines?anything={0}&top=1")]
    [InlineData("api/pipelines?access_token=abc")]
    [InlineData("health/live?code={0}")]
    public async Task A_key_in_the_address_is_refused_and_not_repeated(string path)
    {
        var key = await service.KeyAsync(Role.Viewer);

        var answer = await service.SendAsync("GET", path.Replace("{0}", key, StringComparison.Ordinal), key);

        Assert.Equal(HttpStatusCode.BadRequest, answer.Status);
        Assert.Contains("Send it as a header", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(ApiKey.Prefix, answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whatever_is_wrong_with_a_key_the_answer_is_the_same()
    {
        var revoked = await service.KeyAsync(Role.Admin);
        Assert.Equal(HttpStatusCode.OK, (await service.SendAsync("GET", "api/runs", revoked)).Status);
        Assert.True(ApiKey.TryParse(revoked, out var parsed));
        Assert.True(await service.Keys.RevokeAsync(parsed.Id, Cancellation));
        var other = ApiKey.Create() with { Id = parsed.Id };

        var answers = new List<Answer>();
        foreach (var wrong in new[] { NoSuchKey, other.Reveal(), revoked, "wf_short", "x.y.z", new string('x', 3_000) })
        {
            answers.Add(await service.SendAsync("GET", "api/runs", wrong));
        }

        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.Unauthorized, "Bearer realm=\"workflow\", error=\"invalid_token\""), (answer.Status, answer.Challenge)));
        Assert.Single(answers.Select(answer => (string?)answer.Json["detail"]).Distinct());
    }

    [Theory]
    [InlineData("Viewer", "GET", "api/runs", HttpStatusCode.OK)]
    [InlineData("Viewer", "POST", "api/runs/mine-run/suspend", HttpStatusCode.Forbidden)]
    [InlineData("Viewer", "POST", "api/pipelines/mine/runs", HttpStatusCode.Forbidden)]
    [InlineData("Operator", "POST", "api/runs/mine-run/suspend", HttpStatusCode.Accepted)]
    [InlineData("Operator", "POST", "api/runs/mine-run/resume", HttpStatusCode.Accepted)]
    [InlineData("Operator", "DELETE", "api/runs/mine-run", HttpStatusCode.Forbidden)]
    [InlineData("Operator", "GET", "api/keys", HttpStatusCode.Forbidden)]
    [InlineData("Operator", "GET", "api/audit", HttpStatusCode.Forbidden)]
    [InlineData("Admin", "DELETE", "api/runs/mine-run", HttpStatusCode.Conflict)]
    [InlineData("Admin", "GET", "api/keys", HttpStatusCode.OK)]
    public async Task A_role_may_do_what_it_may(string role, string method, string path, HttpStatusCode status)
    {
        var answer = await service.SendAsync(method, path, await service.KeyAsync(Enum.Parse<Role>(role)));

        Assert.Equal(status, answer.Status);
        Assert.Equal(status == HttpStatusCode.Forbidden, answer.Body.Contains("does not allow this", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_caller_of_some_pipelines_sees_those_and_their_runs_and_what_runs_below_them()
    {
        var key = await service.KeyAsync(Role.Viewer, "MINE");

        var pipelines = (await service.SendAsync("GET", "api/pipelines", key)).Json.AsArray();
        var runs = (await service.SendAsync("GET", "api/runs?prefix=mine", key)).Json["runs"]!.AsArray();
        var others = (await service.SendAsync("GET", "api/runs?pipeline=theirs", key)).Json["runs"]!.AsArray();
        var below = await service.SendAsync("GET", "api/runs/mine-below", key);

        Assert.Equal(AccessService.Mine, (string?)Assert.Single(pipelines)!["name"]);
        Assert.Equal(["mine-below", "mine-run"], runs.Select(run => (string)run!["instance"]!).Intersect(["mine-run", "mine-below"]).Order(StringComparer.Ordinal));
        Assert.Empty(others);
        Assert.DoesNotContain((await service.SendAsync("GET", "api/runs", key)).Json["runs"]!.AsArray(), run => ((string)run!["instance"]!).StartsWith("theirs-", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, below.Status);
    }

    [Theory]
    [InlineData("GET", "api/runs/{0}")]
    [InlineData("GET", "api/runs/{0}/history")]
    [InlineData("POST", "api/runs/{0}/terminate")]
    [InlineData("POST", "api/runs/{0}/events/Go")]
    public async Task A_run_of_another_pipeline_is_as_if_it_were_not_there(string method, string path)
    {
        var key = await service.KeyAsync(Role.Operator, AccessService.Mine);
        var body = method == "POST" ? "{}" : null;

        foreach (var run in new[] { "theirs-run", "theirs-below" })
        {
            var theirs = await service.SendAsync(method, path.Replace("{0}", run, StringComparison.Ordinal), key, body);
            var nobodys = await service.SendAsync(method, path.Replace("{0}", "nobodys", StringComparison.Ordinal), key, body);

            Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (theirs.Status, nobodys.Status));
            Assert.Equal(((string?)nobodys.Json["detail"])!.Replace("nobodys", run, StringComparison.Ordinal), (string?)theirs.Json["detail"]);
        }
    }

    [Fact]
    public async Task A_caller_of_some_pipelines_starts_those_and_learns_nothing_of_others()
    {
        var key = await service.KeyAsync(Role.Operator, AccessService.Mine);

        var mine = await service.StartAsync(AccessService.Mine, key);
        var theirs = await service.StartAsync(AccessService.Theirs, key);
        var nobodys = await service.StartAsync("nobodys", key);
        var taken = await service.StartAsync(AccessService.Mine, key, "?instance=theirs-run");
        await service.StartAsync(AccessService.Theirs, await service.KeyAsync(Role.Operator), "?instance=left,right");
        var takenInParts = await service.StartAsync(AccessService.Mine, key, "?instance=left&instance=right");

        Assert.Equal(HttpStatusCode.Accepted, mine.Status);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (theirs.Status, nobodys.Status));
        Assert.Equal((string?)nobodys.Json["detail"], (string?)theirs.Json["detail"]);
        Assert.All([taken, takenInParts], answer =>
        {
            Assert.Equal(HttpStatusCode.Conflict, answer.Status);
            Assert.DoesNotContain(AccessService.Theirs, (string)answer.Json["detail"]!, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("api/pipelines/mine/runs?instance={0}")]
    [InlineData("runtime/webhooks/durabletask/orchestrators/mine/{0}")]
    public async Task Nobody_takes_the_ids_of_another_pipelines_runs(string path)
    {
        foreach (var key in new[] { await service.KeyAsync(Role.Operator, AccessService.Mine), await service.KeyAsync(Role.Operator) })
        {
            foreach (var (id, status) in new[]
            {
                ("theirs-20401122T030000Z", 400), ("THEIRS-20401122T030000Z", 400), ("theirs-backfill-20401122T030000Z-20401122T030000Z", 400), ("theirs-of-mine", 400),
                ("mine-20401122T030000Z", 202), ("theirs", 202), ("order-20401122T030000Z", 202), ("0f8fad5b-d9cb-469f-a165-70867728950e", 202),
            })
            {
                var answer = await service.SendAsync("POST", path.Replace("{0}", id, StringComparison.Ordinal), key, """{"object":"local://access/csv/none.csv"}""");

                Assert.True(status == (int)answer.Status, $"{id}: {answer.Status} {answer.Body}");
            }
        }
    }

    [Fact]
    public async Task The_Durable_Functions_paths_show_and_steer_what_a_caller_may_see_and_nothing_else()
    {
        const string Instances = "runtime/webhooks/durabletask/instances";
        var key = await service.KeyAsync(Role.Admin, AccessService.Mine);
        var started = await service.SendAsync("POST", "runtime/webhooks/durabletask/orchestrators/mine/durable-mine", key, """{"object":"local://access/csv/none.csv"}""");
        var theirs = await service.SendAsync("POST", "runtime/webhooks/durabletask/orchestrators/theirs", key, "{}");

        var listed = (await service.SendAsync("GET", $"{Instances}?top=1000", key)).Json.AsArray().Select(run => ((string)run!["instanceId"]!)).ToArray();
        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Forbidden), (started.Status, theirs.Status));
        Assert.Equal(["durable-mine", "mine-below", "mine-run"], listed.Intersect(["durable-mine", "mine-below", "mine-run"]).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(listed, id => id is "theirs-run" or "theirs-below");
        foreach (var (method, path, body) in new[]
        {
            ("GET", "", null), ("POST", "/raiseEvent/Go", "{}"), ("POST", "/suspend", null), ("POST", "/resume", null), ("POST", "/rewind", null), ("DELETE", "", null), ("POST", "/terminate", (string?)null),
        })
        {
            Assert.NotEqual(HttpStatusCode.NotFound, (await service.SendAsync(method, $"{Instances}/durable-mine{path}", key, body)).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await service.SendAsync(method, $"{Instances}/theirs-run{path}", key, body)).Status);
            Assert.Equal(HttpStatusCode.NotFound, (await service.SendAsync(method, $"{Instances}/theirs-below{path}", key, body)).Status);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await service.SendAsync("DELETE", $"{Instances}?createdTimeFrom=2020-01-01T00:00:00Z", key)).Status);
        Assert.Equal("Pending", (string?)(await service.SendAsync("GET", $"{Instances}/theirs-run", await service.KeyAsync(Role.Viewer))).Json["runtimeStatus"]);
    }

    [Fact]
    public async Task A_key_sees_the_messages_of_its_pipeline_however_the_name_was_written()
    {
        await service.ExecuteAsync("INSERT INTO durable_service.notifications (key, channel, target, pipeline, instance, event, subject, text) SELECT name, 'Slack', 'local:etl', name, name || '-run', 'Failure', name, name FROM unnest(ARRAY['mine', 'theirs']) AS name");
        var key = await service.KeyAsync(Role.Viewer, "MINE");

        foreach (var query in new[] { "", "?pipeline=Mine" })
        {
            Assert.Equal(AccessService.Mine, (string?)Assert.Single((await service.SendAsync("GET", $"api/notifications{query}", key)).Json.AsArray())!["pipeline"]);
        }

        Assert.Equal("[]", (await service.SendAsync("GET", "api/notifications?pipeline=theirs", key)).Body);
    }

    [Theory]
    [InlineData("GET", "api/runs?prefix=%00")]
    [InlineData("GET", "api/runs?pipeline=%00&parent=%00")]
    [InlineData("GET", "api/runs?after=x")]
    [InlineData("GET", "api/runs?after=bnVsbA==")]
    [InlineData("GET", "api/runs?after=eyJDcmVhdGVkIjoiMDAwMS0wMS0wMVQwMDowMDowMFoifQ==")]
    [InlineData("GET", "api/runs?after=eyJDcmVhdGVkIjoiMjAyNS0wMS0wMVQwMDowMDowMFoiLCJJbnN0YW5jZUlkIjoiXHUwMDAwIn0=")]
    [InlineData("GET", "api/runs?since=0001-01-01T00:00:00Z&before=9999-12-31T23:59:59.9999999Z")]
    [InlineData("GET", "api/runs?since=0001-01-01T00:00:00%2B14:00")]
    [InlineData("GET", "api/runs?top=-5")]
    [InlineData("GET", "api/runs?top=2147483648")]
    [InlineData("GET", "api/runs?top=1&top=2&roots=perhaps")]
    [InlineData("GET", "api/runs?status=")]
    [InlineData("GET", "api/runs?status=,")]
    [InlineData("GET", "api/runs?status=1")]
    [InlineData("GET", "api/runs/%2e%2e%2ftheirs-run")]
    [InlineData("GET", "api/runs/mine-run%2f..%2ftheirs-run")]
    [InlineData("GET", "api/runs/%ED%A0%80")]
    [InlineData("GET", "api/runs/%F0%9F%92%A9")]
    [InlineData("GET", "api/runs/%20")]
    [InlineData("GET", "api/runs/{long}")]
    [InlineData("GET", "api/runs/mine-run?wait=-1")]
    [InlineData("GET", "api/runs/mine-run?wait=99999999999")]
    [InlineData("HEAD", "api/runs")]
    [InlineData("OPTIONS", "api/runs")]
    [InlineData("PATCH", "api/runs/mine-run")]
    [InlineData("FOO", "api/runs/mine-run")]
    [InlineData("POST", "api/runs/mine-run")]
    [InlineData("POST", "api/runs/mine-run/suspend?reason=%00")]
    [InlineData("POST", "api/runs/mine-run/resume?reason={long}")]
    [InlineData("POST", "api/runs/mine-run/events/%20", "{}")]
    [InlineData("POST", "api/runs/mine-run/events/%F0%9F%92%A9", "\"\\ud800\"")]
    [InlineData("POST", "api/runs/mine-run/events/Deep", "{deep}")]
    [InlineData("GET", "api/runs/mine-run/history")]
    [InlineData("GET", "runtime/webhooks/durabletask/instances/mine-run?showHistory=true&showHistoryOutput=true")]
    [InlineData("POST", "api/pipelines/mine/runs?instance=", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs?instance=%00", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs?instance=%0d%0aX-Evil:1", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs?instance=%2e%2e", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs?instance={long}", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs?instance=%ED%A0%80", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs?instance=a%3Fb%23c%25%5C%22%3Cd%3E", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs?instance=one&instance=two", "{object}")]
    [InlineData("POST", "api/pipelines/mine/runs", "{\"object\":\"local://a/\\ud800\"}")]
    [InlineData("POST", "api/pipelines/mine/runs", "{\"object\":\"local://a/\\u0000\"}")]
    [InlineData("POST", "api/pipelines/mine/runs", "{\"object\":\"local://a/b\",\"object\":\"local://a/c\"}")]
    [InlineData("POST", "api/pipelines/mine/runs", "{\"object\":\"local://a/b\",\"OBJECT\":\"local://a/c\"}")]
    [InlineData("POST", "api/pipelines/mine/runs", "{\"object\":{deep}}")]
    [InlineData("POST", "api/pipelines/mine/runs", "{\"attempts\":1e999}")]
    [InlineData("POST", "api/pipelines/mine/runs", "{\"\":1}")]
    [InlineData("POST", "api/pipelines/mine/runs", "null")]
    [InlineData("POST", "api/pipelines/mine/runs", "")]
    [InlineData("POST", "runtime/webhooks/durabletask/orchestrators/mine/%20", "{object}")]
    [InlineData("POST", "runtime/webhooks/durabletask/orchestrators/mine/a/b", "{object}")]
    [InlineData("GET", "runtime/webhooks/durabletask/instances?top=0&createdTimeTo=9999-12-31T23:59:59.9999999Z")]
    [InlineData("GET", "runtime/webhooks/durabletask/instances?runtimeStatus=&instanceIdPrefix=%00")]
    [InlineData("GET", "api/notifications?pipeline=mine&instance=%00&before=0001-01-01T00:00:00Z")]
    [InlineData("GET", "api/schedules/%00")]
    [InlineData("POST", "api/schedules/mine/backfill?from=%00&to=9999-12-31")]
    [InlineData("PUT", "api/pipelines/mine/bookmarks?object=%00")]
    [InlineData("GET", "get?user=%00")]
    [InlineData("GET", "api/check-ins/x?after=%00")]
    [InlineData("GET", "api/audit?pipeline=%00&instance=%00")]
    [InlineData("GET", "api/audit?since=0001-01-01T00:00:00Z&after=99999999999999999999")]
    [InlineData("POST", "api/keys", "{\"name\":\"\\ud800\",\"role\":\"Viewer\"}")]
    [InlineData("DELETE", "api/keys/%20{long}")]
    public async Task What_is_asked_oddly_is_no_failure_of_ours(string method, string path, string? body = null)
    {
        const int DeepestJson = 60;
        path = path.Replace("{long}", new('é', 300), StringComparison.Ordinal);
        body = body?.Replace("{deep}", new string('[', DeepestJson) + new string(']', DeepestJson), StringComparison.Ordinal).Replace("{object}", """{"object":"local://access/csv/none.csv"}""", StringComparison.Ordinal);

        foreach (var key in new[] { await service.KeyAsync(Role.Admin), await service.KeyAsync(Role.Admin, AccessService.Mine) })
        {
            var answer = await service.SendAsync(method, path, key, body);

            Assert.True((int)answer.Status < 500, $"{answer.Status} {answer.Body}");
        }
    }

    [Fact]
    public async Task Even_an_admin_of_some_pipelines_has_no_say_over_the_installation()
    {
        var key = await service.KeyAsync(Role.Admin, AccessService.Mine);

        foreach (var path in new[] { "api/keys", "api/audit" })
        {
            Assert.Equal(HttpStatusCode.Forbidden, (await service.SendAsync("GET", path, key)).Status);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await service.SendAsync("DELETE", "api/runs?status=Failed", key)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await service.SendAsync("GET", "get?user=ann", key)).Status);
        Assert.Equal("[]", (await service.SendAsync("GET", "api/notifications?pipeline=theirs", key)).Body);
    }

    [Fact]
    public async Task Keys_are_made_listed_and_revoked_by_admins()
    {
        var admin = await service.KeyAsync(Role.Admin);

        var made = await service.SendAsync("POST", "api/keys", admin, """{"name":"reports","role":"Viewer","pipelines":["mine"],"expires":"2999-01-01T00:00:00Z"}""");
        var key = (string)made.Json["key"]!;
        var listed = (await service.SendAsync("GET", "api/keys", admin)).Json.AsArray().Single(view => (string?)view!["name"] == "reports")!;
        var used = await service.SendAsync("GET", "api/runs", key);
        var revoked = await service.SendAsync("DELETE", made.Location!.ToString(), admin);
        var after = await service.SendAsync("GET", "api/runs", key);

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK, HttpStatusCode.NoContent, HttpStatusCode.Unauthorized), (made.Status, used.Status, revoked.Status, after.Status));
        Assert.Equal(("Viewer", "mine"), ((string)listed["role"]!, (string)listed["pipelines"]![0]!));
        Assert.DoesNotContain(key[^43..], listed.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, (await service.SendAsync("DELETE", "api/keys/000000000000", admin)).Status);
    }

    [Theory]
    [InlineData("""{"name":"","role":"Viewer"}""", "Name a key")]
    [InlineData("""{"name":"x","role":"Viewer","pipelines":[]}""", "no use")]
    [InlineData("""{"name":"x","role":"Viewer","pipelines":["orders"]}""", "no pipeline 'orders'")]
    [InlineData("""{"name":"x","role":"Viewer","expires":"2001-01-01T00:00:00Z"}""", "time to come")]
    [InlineData("""{"name":"x","role":"Owner"}""", "not JSON")]
    public async Task A_key_that_would_be_of_no_use_is_not_made(string body, string says)
    {
        var answer = await service.SendAsync("POST", "api/keys", await service.KeyAsync(Role.Admin), body);

        Assert.True((int)answer.Status is 400 or 404);
        Assert.Contains(says, (string?)answer.Json["detail"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_change_has_a_row_that_says_who_what_and_how_it_ended()
    {
        var key = await service.KeyAsync(Role.Operator);
        await service.StartAsync(AccessService.Theirs, key, "?instance=theirs-audited");
        await service.SendAsync("POST", "api/runs/theirs-audited/terminate?reason=enough", key);
        await service.SendAsync("POST", "api/runs/theirs-audited/events/Go", key, "{");
        await service.SendAsync("GET", "api/runs/theirs-audited", key);
        await service.SendAsync("POST", "api/runs/theirs-audited/resume", await service.KeyAsync(Role.Viewer));

        var page = (await service.SendAsync("GET", "api/audit?instance=theirs-audited", await service.KeyAsync(Role.Admin))).Json;

        var rows = page["entries"]!.AsArray().Reverse().Select(row => $"{row!["action"]} {row["outcome"]} {row["status"]} {row["role"]} {row["pipeline"]} {row["address"]}");
        Assert.Equal(
            [
                "POST /api/pipelines/{name}/runs Done 202 Operator theirs 127.0.0.1",
                "POST /api/runs/{instance}/terminate Done 202 Operator theirs 127.0.0.1",
                "POST /api/runs/{instance}/events/{name} Refused 400 Operator theirs 127.0.0.1",
                "POST /api/runs/{instance}/resume Refused 403 Viewer theirs 127.0.0.1",
            ],
            rows);
        Assert.Contains("?reason=enough", (string?)page["entries"]![2]!["request"], StringComparison.Ordinal);
        Assert.StartsWith("key ", (string?)page["entries"]![0]!["caller"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_audit_is_read_by_pages()
    {
        var admin = await service.KeyAsync(Role.Admin);
        for (var time = 0; time < 3; time++)
        {
            await service.SendAsync("DELETE", "api/keys/000000000000", admin);
        }

        var first = (await service.SendAsync("GET", "api/audit?top=2", admin)).Json;
        var second = (await service.SendAsync("GET", $"api/audit?top=2&after={first["after"]}", admin)).Json;

        Assert.Equal(2, first["entries"]!.AsArray().Count);
        Assert.True((long)second["entries"]![0]!["entry"]! < (long)first["entries"]![1]!["entry"]!);
        Assert.Equal(HttpStatusCode.BadRequest, (await service.SendAsync("GET", "api/audit?after=x", admin)).Status);
    }

    [Fact]
    public async Task A_token_of_the_issuer_is_as_good_as_a_key()
    {
        var token = service.Issuer.Issue(new JsonObject { ["aud"] = "workflow", ["sub"] = "ann@example.com", ["roles"] = new JsonArray("on-call"), ["pipelines"] = new JsonArray(AccessService.Mine) });
        var nobody = service.Issuer.Issue(new JsonObject { ["aud"] = "workflow", ["sub"] = "bo@example.com", ["roles"] = new JsonArray("visitors"), ["pipelines"] = new JsonArray("*") });
        var forOthers = service.Issuer.Issue(new JsonObject { ["aud"] = "another", ["sub"] = "ann@example.com", ["roles"] = new JsonArray("on-call") });

        var started = await service.StartAsync(AccessService.Mine, token, "?instance=mine-by-ann");
        var rows = await service.Audit.ListAsync(null, "mine-by-ann", null, null, 10, Cancellation);

        Assert.Equal(HttpStatusCode.Accepted, started.Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await service.StartAsync(AccessService.Theirs, token)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await service.SendAsync("GET", "api/runs", nobody)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await service.SendAsync("GET", "api/runs", forOthers)).Status);
        Assert.Equal($"ann@example.com of {service.Issuer.Issuer}", Assert.Single(rows.Entries).Caller);
    }
}
