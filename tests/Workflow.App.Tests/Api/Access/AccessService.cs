using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Api.Access;

/// <summary>One service for the tests of who may call it: two pipelines, a run of each with one run below it, nobody who works on them, and an issuer of tokens.</summary>
public sealed class AccessService(PostgresFixture postgres) : IAsyncLifetime
{
    public const string Mine = "mine";
    public const string Theirs = "theirs";
    private const string Input = """{"object":"local://access/csv/none.csv"}""";

    private ServiceDatabase _tables = null!;
    private HttpClient _http = null!;

    public LocalOidcIssuer Issuer { get; private set; } = null!;

    internal Installation Installation { get; private set; } = null!;

    internal ApiKeys Keys { get; private set; } = null!;

    internal AuditTable Audit { get; private set; } = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Issuer = await LocalOidcIssuer.StartAsync(Cancellation);
        Installation = (await Installation.CreateAsync(postgres)).With(Mine, "csv-to-warehouse", new { table = Mine }).With(Theirs, "csv-to-warehouse", new { table = Theirs });
        Installation.Settings["Access"] = new JsonObject
        {
            ["FailuresPerMinute"] = 10_000,
            ["Oidc"] = new JsonObject
            {
                [nameof(Issuer)] = Issuer.Issuer, ["Audience"] = "workflow", ["PipelinesClaim"] = "pipelines",
                ["Roles"] = new JsonObject { ["Viewer"] = "readers", ["Operator"] = new JsonArray("etl", "on-call") },
            },
        };
        Installation.Settings["Outbound"] = new JsonObject { ["Allow"] = "127.0.0.1" };
        await Installation.StartServiceAsync(ServiceRoles.None);
        _http = new() { BaseAddress = Installation.Address };
        _tables = new(Installation.Hub, new DurableTaskOptions().TaskHub);
        Keys = new(_tables, LocalKey.Find(Installation.Data), TimeProvider.System);
        Audit = new(_tables, TimeProvider.System);
        foreach (var pipeline in new[] { Mine, Theirs })
        {
            foreach (var run in new[] { $"{pipeline}-run", $"{pipeline}-below" })
            {
                await Installation.Client.StartAsync(pipeline, JsonNode.Parse(Input), run, Cancellation);
            }

            await ExecuteAsync($"UPDATE instances SET parent_id = '{pipeline}-run', name = 'Below' WHERE instance_id = '{pipeline}-below'");
        }
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _tables.DisposeAsync();
        await Installation.DisposeAsync();
        await Issuer.DisposeAsync();
    }

    internal async Task<string> KeyAsync(Role role, params string[] pipelines) =>
        (await Keys.CreateAsync(new($"a {role}", role, pipelines.Length > 0 ? pipelines : null), Cancellation)).Reveal();

    public async Task<Answer> SendAsync(string method, string path, string? credential, string? body = null, string? apiKeyHeader = null)
    {
        using var request = new HttpRequestMessage(new(method), path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = credential is null ? null : new AuthenticationHeaderValue("Bearer", credential);
        if (apiKeyHeader is not null)
        {
            request.Headers.Add("X-Api-Key", apiKeyHeader);
        }

        using var response = await _http.SendAsync(request, Cancellation);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation), response.Headers.WwwAuthenticate.ToString(), response.Headers.Location);
    }

    public Task<Answer> StartAsync(string pipeline, string? credential, string query = "") => SendAsync("POST", $"api/pipelines/{pipeline}/runs{query}", credential, Input);

    public async Task ExecuteAsync(string sql)
    {
        await using var hub = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Installation.Hub) { SearchPath = new DurableTaskOptions().TaskHub });
        await using var command = hub.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }
}

/// <param name="Challenge">The <c>WWW-Authenticate</c> header.</param>
public sealed record Answer(HttpStatusCode Status, string Body, string Challenge, Uri? Location)
{
    public JsonNode Json => JsonNode.Parse(Body)!;
}
