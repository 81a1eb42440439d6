using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Api;
using Workflow.Cloud.Local;
using Workflow.Cloud.Secrets;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests;

/// <summary>
/// A service with secrets of every kind (databases, a webhook, a web identity, sessions of AWS), runs that succeed and runs that are refused;
/// then all it has written is searched for them.
/// </summary>
public sealed class NothingSecretIsShownTests(PostgresFixture postgres)
{
    private const string Audience = "api://aws-workflow";
    private const string Subject = "7d9a0a3c-1111-4222-8333-9b5f6c7d8e90";
    private const string Role = "arn:aws:iam::000000000000:role/workflow";
    private const string Right = "right \"pass/word+1";
    private const string Wrong = "wrong-pass&word-2";
    private const string Webhook = "http://127.0.0.2:9/services/T0000000/B0000000/Xx1Yy2Zz3";
    private static readonly string[] StandInsOwn = ["secretsmanager.json", "sessions.json"];

    private readonly string _reader = $"reader_{Guid.NewGuid():N}";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_secret_is_in_no_log_no_history_and_no_table()
    {
        await using var issuer = await LocalOidcIssuer.StartAsync(Cancellation);
        await using var installation = await PrepareAsync(issuer);
        var token = await File.ReadAllTextAsync(Path.Combine(installation.Data.Path, "web-token"), Cancellation);
        var (log, runs) = await RunAsync(installation);

        Assert.True(runs[0].Run.Status == OrchestrationRuntimeStatus.Completed, runs[0].Run.Failure?.Message);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, runs[1].Run.Status);
        Assert.Contains("password authentication failed", runs[1].Run.Failure!.Message, StringComparison.Ordinal);
        var sessions = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(installation.Data.Path, "aws", "sessions.json"), Cancellation))!["sessions"]!.AsArray();
        Assert.NotEmpty(sessions);
        string[] secrets =
        [
            Right, Wrong, Webhook, new Uri(Webhook).AbsolutePath, token, new NpgsqlConnectionStringBuilder(installation.Warehouse).Password!,
            .. sessions.SelectMany(session => new[] { (string)session!["secretKey"]!, (string)session["token"]! }),
        ];

        AssertHasNone(secrets, "the log", log);
        AssertHasNone(secrets, "the runs", string.Join('\n', runs.Select(run => $"{JsonSerializer.Serialize(run.Run)} {run.History}")));
        AssertHasNone(secrets, "the hub", await DumpAsync(installation.Hub));
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
            installation.With(pipeline, "merge-sources", new { Object = "local://sources/orders.json", Secret = secret, Table = "people", Output = $"local://merged/{pipeline}.csv", Slack = "hooks/etl", Topic = LocalSns.TopicArn("runs") });
        }

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

        await store.PutAsync(new("hooks/etl", JsonSerializer.Serialize(new { url = Webhook })), Cancellation);
    }

    /// <summary>In a process of its own: its log is what an operator sees, from the first line to the last.</summary>
    private static async Task<(string Log, IReadOnlyList<(Run Run, string History)> Runs)> RunAsync(Installation installation)
    {
        await using var service = await WorkflowProcess.ServeAsync(installation);
        using var client = installation.CreateClient((await service.FindAddressAsync(installation, Cancellation))!);
        var runs = new List<(Run, string)>();
        foreach (var pipeline in new[] { "right", "wrong" })
        {
            var started = await client.StartAsync(pipeline, new JsonObject(), null, Cancellation);
            var ended = await client.WaitAsync(started.Instance, Cancellation);
            runs.Add((ended, JsonSerializer.Serialize(await client.HistoryAsync(ended.Instance, Cancellation))));
        }

        await service.KillAsync();
        var result = await service.WaitAsync();
        return ($"{result.Output}\n{result.Errors}", runs);
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
