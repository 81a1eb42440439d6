using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Api.Access;

/// <summary>Where the service answers, under which names, and how much.</summary>
public sealed class ReachTests(PostgresFixture postgres)
{
    private static readonly ListenAddresses Elsewhere = ListenAddresses.Ephemeral with { IsLoopback = false };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reachable_from_elsewhere_and_without_a_key_nothing_answers_but_health()
    {
        await using var installation = await CreateAsync(new { Hosts = new[] { "etl.example.com", "*.internal.example.com" } });
        await installation.StartServiceAsync(ServiceRoles.None, Elsewhere);
        using var http = new HttpClient { BaseAddress = installation.Address };

        Assert.False(File.Exists(installation.Data.KeyFile));
        Assert.False(await installation.Service.HasCallersAsync(Cancellation));
        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "health/live"));
        foreach (var path in new[] { "api/runs", "local/slack/messages", "nothing" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(http, path));
        }

        await using var tables = new ServiceDatabase(installation.Hub, new DurableTaskOptions().TaskHub);
        var key = await new ApiKeys(tables, new(null, IsNew: false), TimeProvider.System).CreateAsync(new("ann", Role.Viewer), Cancellation);
        http.DefaultRequestHeaders.Authorization = new("Bearer", key.Reveal());
        foreach (var (host, status) in new[] { ("etl.example.com", 200), ("a.internal.example.com", 200), ("192.0.2.7:8080", 200), ("internal.example.com", 421), ("evil.example", 421) })
        {
            Assert.Equal((HttpStatusCode)status, await GetAsync(http, "api/runs", ("Host", host)));
        }

        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "local/slack/messages"));
        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(http, "local/slack/messages", ("Host", "etl.example.com")));
        Assert.Equal(HttpStatusCode.NotFound, await GetAsync(http, "local/slack/messages", ("X-Forwarded-For", "192.0.2.9")));
    }

    [Fact]
    public async Task On_loopback_a_key_is_made_at_the_first_start_and_told_once()
    {
        await using var installation = await CreateAsync(new { });
        await installation.StartServiceAsync(ServiceRoles.None);
        var told = installation.Service.NewKey;
        await installation.RestartServiceAsync();

        Assert.Equal(told, LocalKey.Find(installation.Data).Key);
        Assert.Null(installation.Service.NewKey);
        Assert.Empty((await installation.Client.ListAsync(null, null, 1, null, Cancellation)).Runs);
    }

    [Fact]
    public async Task Who_asks_too_much_or_guesses_is_told_when_to_come_back()
    {
        await using var installation = await CreateAsync(new { RequestsPerSecond = 1, FailuresPerMinute = 2 });
        await installation.StartServiceAsync(ServiceRoles.None);
        using var http = installation.CreateHttpClient();

        var busy = await UntilAsync(http, HttpStatusCode.OK);
        using var stranger = new HttpClient { BaseAddress = installation.Address, DefaultRequestHeaders = { Authorization = new("Bearer", ApiKey.Create().Reveal()) } };
        var guesses = await UntilAsync(stranger, HttpStatusCode.Unauthorized);

        Assert.InRange(busy.Before, 5, 8);
        Assert.Equal(2, guesses.Before);
        Assert.All([busy, guesses], answer => Assert.Equal((HttpStatusCode.TooManyRequests, true), (answer.Status, answer.RetryAfter >= TimeSpan.FromSeconds(1))));
    }

    [Fact]
    public async Task The_command_line_shows_its_key_to_nobody_who_does_not_know_it()
    {
        await using var installation = await CreateAsync(new { });
        await installation.StartServiceAsync(ServiceRoles.Announced);
        var service = await ServiceRecord.FindAsync(installation.Data, Cancellation);
        using var folder = new TempFolder();
        var others = new DataFolder(folder.Path);
        File.Copy(installation.Data.ServiceFile, others.ServiceFile);

        Assert.Equal(installation.Address, service?.Address);
        Assert.NotNull(await ServiceRecord.FindAsync(others, Cancellation));
        LocalKey.Ensure(others);
        Assert.Null(await ServiceRecord.FindAsync(others, Cancellation));
    }

    [Fact]
    public async Task A_change_that_cannot_be_written_down_is_not_made()
    {
        await using var installation = await CreateAsync(new { });
        await installation.StartServiceAsync(ServiceRoles.None);
        using var http = installation.CreateHttpClient();
        Assert.Equal(HttpStatusCode.OK, await GetAsync(http, "api/runs"));
        await using (var hub = NpgsqlDataSource.Create(installation.Hub))
        {
            await using var command = hub.CreateCommand($"ALTER TABLE {new DurableTaskOptions().TaskHub}_service.audit RENAME TO lost");
            await command.ExecuteNonQueryAsync(Cancellation);
        }


        using var answer = await http.PostAsync("api/pipelines/users/runs", new StringContent("""{"object":"local://a/b.csv"}""", Encoding.UTF8, "application/json"), Cancellation);

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Empty((await installation.Client.ListAsync(null, null, 1, null, Cancellation)).Runs);
    }

    [Fact]
    public async Task While_the_database_is_away_only_this_machine_and_the_log_are_told_which_it_is()
    {
        await using var installation = await CreateAsync(new { });
        await installation.StartServiceAsync(ServiceRoles.None);
        using var http = new HttpClient { BaseAddress = installation.Address };
        var database = new NpgsqlConnectionStringBuilder(installation.Hub).Database!;
        await using (var elsewhere = NpgsqlDataSource.Create(await postgres.CreateDatabaseAsync(Cancellation)))
        await using (var close = elsewhere.CreateCommand($"alter database \"{database}\" with allow_connections false; select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'"))
        {
            await close.ExecuteNonQueryAsync(Cancellation);
        }

        var here = await ReadAsync("health/ready");
        var outside = await ReadAsync("health/ready", ("X-Forwarded-For", "192.0.2.9"));
        var guess = await ReadAsync("api/runs", ("X-Api-Key", ApiKey.Create().Reveal()));

        Assert.Equal([HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable], [here.Status, outside.Status]);
        Assert.Contains(database, here.Body, StringComparison.Ordinal);
        Assert.Equal("""{"status":"waiting","reason":"The hub's database does not answer."}""", outside.Body);
        Assert.True((int)guess.Status >= 500);
        Assert.Contains("Its log says why", guess.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(database, guess.Body, StringComparison.Ordinal);

        async Task<(HttpStatusCode Status, string Body)> ReadAsync(string path, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var answer = await http.SendAsync(request, Cancellation);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
        }
    }

    [Fact]
    public async Task With_a_certificate_it_speaks_https()
    {
        await using var installation = await CreateAsync(new { });
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        installation.WriteSettings();
        var (file, keyFile) = (Path.Combine(installation.Data.Path, "tls.pem"), Path.Combine(installation.Data.Path, "tls.key"));
        await File.WriteAllTextAsync(file, certificate.ExportCertificatePem(), Cancellation);
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem(), Cancellation);
        var listen = ListenAddresses.Parse("https://127.0.0.1:0");

        await Assert.ThrowsAsync<UsageException>(() => installation.StartServiceAsync(ServiceRoles.None, listen));
        installation.Settings["Kestrel"] = System.Text.Json.JsonSerializer.SerializeToNode(new { Certificates = new { Default = new { Path = file, KeyPath = keyFile } } });
        await installation.StartServiceAsync(ServiceRoles.None, listen);
        using var trusting = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == certificate.Thumbprint };
        using var http = new HttpClient(trusting) { BaseAddress = installation.Address };

        Assert.Equal("live", (string?)(await http.GetFromJsonAsync<JsonNode>("health/live", Cancellation))!["status"]);
    }

    [Theory]
    [InlineData("http://0.0.0.0:8080;http://127.0.0.1:7071", "http://127.0.0.1:8080/")]
    [InlineData("https://0.0.0.0:8443;http://[::1]:7071", "http://[::1]:7071/")]
    [InlineData("http://[::]:8080", "http://[::1]:8080/")]
    [InlineData("http://192.0.2.1:8080", "http://192.0.2.1:8080/")]
    public void Of_several_addresses_the_one_on_this_machine_is_called(string urls, string called)
    {
        var listen = ListenAddresses.Parse(urls);

        Assert.Equal(called, ListenAddresses.FromHere(listen.Urls).ToString());
        Assert.False(listen.IsLoopback);
        Assert.True(ListenAddresses.Parse("http://127.0.0.1:1;http://localhost:2;http://[::1]:3").IsLoopback);
    }

    private async Task<Installation> CreateAsync(object access)
    {
        var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" });
        installation.Settings["Access"] = System.Text.Json.JsonSerializer.SerializeToNode(access);
        return installation;
    }

    private static async Task<HttpStatusCode> GetAsync(HttpClient http, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await http.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }

    /// <summary>Asks until the answer is another one.</summary>
    private static async Task<(int Before, HttpStatusCode Status, TimeSpan? RetryAfter)> UntilAsync(HttpClient http, HttpStatusCode expected)
    {
        for (var before = 0; ; before++)
        {
            using var answer = await http.GetAsync("api/pipelines", Cancellation);
            if (answer.StatusCode != expected)
            {
                return (before, answer.StatusCode, answer.Headers.RetryAfter?.Delta);
            }
        }
    }
}
