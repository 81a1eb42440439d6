using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Triggers.Events.Inbound;
using Workflow.Cloud.Local;
using Workflow.Cloud.Secrets;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests;

/// <summary>
/// A service with secrets of every kind (databases, webhooks, a web identity, sessions of AWS, Salesforce, the keys of callers and of the entrances
/// for events), runs that succeed and runs that are refused; then all it has written is searched for them.
/// </summary>
public sealed class NothingSecretIsShownTests(PostgresFixture postgres)
{
    private const string Audience = "api://aws-workflow";
    private const string Subject = "7d9a0a3c-1111-4222-8333-9b5f6c7d8e90";
    private const string Role = "arn:aws:iam::000000000000:role/workflow";
    private const string Right = "right \"pass/word+1";
    private const string Wrong = "wrong-pass&word-2";
    private const string Webhook = "http://127.0.0.2:9/services/T0000000/B0000000/Xx1Yy2Zz3";
    private const string InboundKey = "inbound/key+that=is-shown";
    private const string InboundKeyBefore = "the inbound key before it";
    private const string SigningSecret = "8f742231b10e8888abcd99yyyzzz85a6";
    private const string WebhookKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx";
    private const string WebhookPath = "/hooks/B1111111/Yy2Zz3Xx1Ww4";
    private static readonly string[] Salesforce = ["salesforce \"pass/word+2", "SalesforceSecurityToken3", "salesforce client+secret/4"];
    private static readonly string[] StandInsOwn = ["secretsmanager.json", "sessions.json"];

    private readonly string _reader = $"reader_{Guid.NewGuid():N}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_secret_is_in_no_log_no_history_and_no_table()
    {
        await using var issuer = await LocalOidcIssuer.StartAsync(Cancellation);
        await using var installation = await PrepareAsync(issuer);
        var token = await File.ReadAllTextAsync(Path.Combine(installation.Data.Path, "web-token"), Cancellation);
        var (log, runs, keys) = await RunAsync(installation);

        Assert.True(runs[0].Run.Status == OrchestrationRuntimeStatus.Completed, runs[0].Run.Failure?.Message);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, runs[1].Run.Status);
        Assert.Contains("password authentication failed", runs[1].Run.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("invalid_client", runs[2].Run.Failure!.Message, StringComparison.Ordinal);
        var sessions = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(installation.Data.Path, "aws", "sessions.json"), Cancellation))!["sessions"]!.AsArray();
        Assert.NotEmpty(sessions);
        string[] secrets =
        [
            InboundKey, InboundKeyBefore, SigningSecret, WebhookKey, WebhookPath, .. Salesforce, .. keys,
            Right, Wrong, Webhook, new Uri(Webhook).AbsolutePath, token, new NpgsqlConnectionStringBuilder(installation.Warehouse).Password!,
            .. sessions.SelectMany(session => new[] { (string)session!["secretKey"]!, (string)session["token"]! }),
        ];

        AssertHasNone(secrets, "the log", log);
        AssertHasNone(secrets, "the runs", string.Join('\n', runs.Select(run => $"{JsonSerializer.Serialize(run.Run)} {run.History}")));
        AssertHasNone([.. secrets, LocalKey.Find(installation.Data).Key!.Secret], "the hub", await DumpAsync(installation.Hub));
        AssertHasNone(secrets, "the warehouse", await DumpAsync(installation.Warehouse));
        foreach (var file in Directory.EnumerateFiles(Path.Combine(installation.Data.Path, "aws")).Where(file => !StandInsOwn.Contains(Path.GetFileName(file))))
        {
            AssertHasNone(secrets, file, await File.ReadAllTextAsync(file, Cancellation));
        }

        // The searches would find them.
        Assert.Contains("MergeIntoCsv", log, StringComparison.Ordinal);
        Assert.Contains("MergeIntoCsv", await DumpAsync(installation.Hub), StringComparison.Ordinal);
        Assert.Contains(KnownSecrets.Mask, log, StringComparison.Ordinal);
    }

    private async Task<Installation> PrepareAsync(LocalOidcIssuer issuer)
    {
        var installation = (await Installation.CreateAsync(postgres)).OpenToThisMachine();
        foreach (var (pipeline, secret) in new[] { ("right", "sources/right"), ("wrong", "sources/wrong") })
        {
            installation.With(pipeline, "merge-sources", new { Object = "local://sources/orders.json", Secret = secret, Table = "people", Output = $"local://merged/{pipeline}.csv", Slack = "hooks/etl", Topic = LocalSns.TopicArn("runs"), Notify = new[] { new { On = new[] { "Success", "Failure" }, Webhook = "hooks/signed" } } });
        }

        installation.With("crm", "sync-salesforce", new { Object = "local://sources/segments.csv", Secret = "crm/salesforce", Attempts = 1, Slack = "hooks/etl" });
        installation.Drop("local://sources/segments.csv", "user_id,segment,email\n1,1,ann@example.com\n");
        installation.Settings["Events"] = new JsonObject { ["EventBridge"] = new JsonObject { ["Secret"] = "inbound/bridge" }, ["Slack"] = new JsonObject { ["Secret"] = "inbound/slack", ["Operators"] = new JsonArray("U1") } };
        installation.Settings["Secrets"] = new JsonObject { ["Store"] = "aws" };
        installation.Settings["Logging"] = new JsonObject { ["LogLevel"] = new JsonObject { ["Default"] = "Trace", ["Microsoft.AspNetCore"] = "Debug", ["Npgsql"] = "Trace" } };
        installation.Settings["Aws"] = new JsonObject
        {
            ["Region"] = "eu-central-1",
            ["Roles"] = new JsonArray(new JsonObject { ["Arn"] = Role, ["SessionName"] = "nightly" }),
            ["WebIdentity"] = new JsonObject { ["Source"] = "file", ["TokenFile"] = Path.Combine(installation.Data.Path, "web-token") },
        };
        installation.WriteSettings();
        installation.Drop("local://sources/orders.json", """[{"id":1,"name":null}]""");
        await installation.ExecuteAsync($"create table people (id int primary key, name text); insert into people values (1, 'Ann'); create role {_reader} login password '{Right}'; grant select on people to {_reader}");
        await WriteSecretsAsync(installation);

        var provider = new LocalIdentityProvider(issuer.Issuer, [Audience]);
        var sts = new LocalSts(installation.Data.Path, new(installation.Data.Path, TimeProvider.System), new());
        await sts.PutProviderAsync(provider, Cancellation);
        await sts.PutRoleAsync(new(Role, TrustPolicy.ForEntra(provider.Arn, provider.Name, Audience, Subject)), Cancellation);
        await File.WriteAllTextAsync(Path.Combine(installation.Data.Path, "web-token"), issuer.Issue(new() { ["aud"] = Audience, ["sub"] = Subject }), Cancellation);
        return installation;
    }

    private async Task WriteSecretsAsync(Installation installation)
    {
        var database = new NpgsqlConnectionStringBuilder(installation.Warehouse);
        var store = new LocalSecretsManager(installation.Data.Path, TimeProvider.System);
        foreach (var (name, password) in new[] { ("sources/right", Right), ("sources/wrong", Wrong) })
        {
            await store.PutAsync(new(name, JsonSerializer.Serialize(new { engine = "postgres", host = database.Host, port = database.Port, username = _reader, password, dbname = database.Database })), Cancellation);
        }

        foreach (var (name, fields) in new (string, object)[]
        {
            ("hooks/etl", new { url = Webhook }), ("hooks/signed", new { url = $"http://127.0.0.2:9{WebhookPath}", key = WebhookKey }),
            ("inbound/bridge", new { key = InboundKey, previous = InboundKeyBefore }), ("inbound/slack", new { signing_secret = SigningSecret }),
            ("crm/salesforce", new { login_url = "local", username = "sync@example.com", password = Salesforce[0], security_token = Salesforce[1], client_id = "local client", client_secret = Salesforce[2] }),
        })
        {
            await store.PutAsync(new(name, JsonSerializer.Serialize(fields)), Cancellation);
        }
    }

    /// <summary>In a process of its own: its log is what an operator sees, from the first line to the last.</summary>
    private static async Task<(string Log, IReadOnlyList<(Run Run, string History)> Runs, IReadOnlyList<string> Keys)> RunAsync(Installation installation)
    {
        await using var service = await WorkflowProcess.ServeAsync(installation);
        var address = (await service.FindAddressAsync(installation, Cancellation))!;
        using var client = installation.CreateClient(address);
        var keys = await CallAsync(address, LocalKey.Find(installation.Data).Key!);
        var runs = new List<(Run, string)>();
        foreach (var pipeline in new[] { "right", "wrong", "crm" })
        {
            var started = await client.StartAsync(pipeline, new JsonObject(), null, Cancellation);
            var ended = await client.WaitAsync(started.Instance, Cancellation);
            runs.Add((ended, JsonSerializer.Serialize(await client.HistoryAsync(ended.Instance, Cancellation))));
        }

        await service.KillAsync();
        var result = await service.WaitAsync();
        return ($"{result.Output}\n{result.Errors}", runs, keys);
    }

    /// <summary>Callers with keys that are right and with some that are not.</summary>
    /// <returns>What of the keys only their holders know.</returns>
    private static async Task<IReadOnlyList<string>> CallAsync(Uri address, ApiKey admin)
    {
        using var http = new HttpClient { BaseAddress = address };
        var made = await SendAsync("api/keys", """{"name":"reports","role":"Operator"}""", HttpStatusCode.Created, ("X-Api-Key", admin.Reveal()));
        Assert.True(ApiKey.TryParse((string?)JsonNode.Parse(made)!["key"], out var key));
        var wrong = ApiKey.Create() with { Id = key.Id };
        await SendAsync("api/pipelines/wrong/runs?instance=of-reports", """{"object":"local://sources/none.json"}""", HttpStatusCode.Accepted, ("Authorization", $"Bearer {key.Reveal()}"));
        await SendAsync("api/pipelines/wrong/runs", "{}", HttpStatusCode.Unauthorized, ("Authorization", $"Bearer {wrong.Reveal()}"));

        const string Event = """{"source":"aws.s3","detail-type":"Object Created","detail":{"bucket":{"name":"nobodys"},"object":{"key":"a.csv","etag":"1"}}}""";
        await SendAsync("api/events/eventbridge", Event, HttpStatusCode.OK, ("X-Event-Key", InboundKey));
        await SendAsync("api/events/eventbridge", Event, HttpStatusCode.Forbidden, ("X-Event-Key", $"{InboundKey} "), ("X-Event-Key", InboundKeyBefore));

        var now = $"{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()}";
        await SendAsync("api/slack/commands", "text=list&user_id=U1", HttpStatusCode.OK, ("X-Slack-Request-Timestamp", now), ("X-Slack-Signature", SharedKeys.Sign(SigningSecret, now, "text=list&user_id=U1"u8.ToArray())));
        return [key.Secret, wrong.Secret];

        async Task<string> SendAsync(string path, string body, HttpStatusCode status, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json") };
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var answer = await http.SendAsync(request, Cancellation);
            var text = await answer.Content.ReadAsStringAsync(Cancellation);
            Assert.True(status == answer.StatusCode, $"{path}: {answer.StatusCode} {text}");
            return text;
        }
    }

    /// <summary>Every column of every table, as text.</summary>
    private static async Task<string> DumpAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        var columns = new List<string>();
        await using (var find = source.CreateCommand("""
            select format(case data_type when 'bytea' then 'select encode(%I, ''escape'') from %I.%I' else 'select %I::text from %I.%I' end, column_name, table_schema, table_name)
            from information_schema.columns join information_schema.tables using (table_schema, table_name)
            where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
            """))
        await using (var found = await find.ExecuteReaderAsync(Cancellation))
        {
            while (await found.ReadAsync(Cancellation))
            {
                columns.Add(found.GetString(0));
            }
        }

        Assert.NotEmpty(columns);
        await using var all = source.CreateCommand(string.Join(" union all ", columns));
        await using var values = await all.ExecuteReaderAsync(Cancellation);
        var text = new System.Text.StringBuilder();
        while (await values.ReadAsync(Cancellation))
        {
            text.AppendLine(values.IsDBNull(0) ? "" : values.GetString(0));
        }

        return text.ToString();
    }

    private static void AssertHasNone(IEnumerable<string> secrets, string where, string text)
    {
        foreach (var secret in secrets)
        {
            foreach (var written in new[] { secret, JsonSerializer.Serialize(secret).Trim('"'), Uri.EscapeDataString(secret) })
            {
                var at = text.IndexOf(written, StringComparison.Ordinal);
                Assert.True(at < 0, $"{where} shows '{written}': …{text[Math.Max(0, at - 100)..Math.Min(text.Length, Math.Max(0, at) + 100)]}…");
            }
        }
    }
}
