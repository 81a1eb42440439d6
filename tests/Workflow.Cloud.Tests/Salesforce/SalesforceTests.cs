using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Local;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Salesforce;
using Workflow.Cloud.Secrets;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Salesforce;

/// <summary>The client against the stand-in, over HTTP.</summary>
public sealed class SalesforceTests : IAsyncLifetime
{
    private const string Soql = "SELECT Id, Email, User_Segment__c FROM Contact WHERE Email != null";

    private static readonly Dictionary<string, LocalSalesforce.Fault> Faults = new()
    {
        ["throttles"] = new("", 1, Status: 403, Code: "REQUEST_LIMIT_EXCEEDED", Message: "ConcurrentRequests Limit exceeded."),
        ["fails"] = new("", 1, Status: 500),
        ["breaks off"] = new("", 1, CutBody: true),
        ["hangs"] = new("", 1, Delay: int.MaxValue),
    };

    private readonly TempFolder _data = new();
    private readonly WebApplication _service;
    private readonly LocalSalesforce _salesforce;
    private readonly HttpClient _http = new();
    private SalesforceBulkApi _api = null!;

    public SalesforceTests()
    {
        _salesforce = new(_data.Path, TimeProvider.System);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _service = builder.Build();
        _service.MapLocalSalesforce(_salesforce);
    }

    public static MatrixTheoryData<string, string> AllFaults => new(["/oauth2/token", "/limits"], Faults.Keys);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _service.StartAsync(Cancellation);
        _api = await ConnectAsync();
        await _salesforce.PutContactsAsync([.. Enumerable.Range(1, 7).Select(n => LocalContact.Create(n, $"user{n}@example.com", n % 2 == 0 ? "2" : null))], Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _service.DisposeAsync();
        _data.Dispose();
    }

    [Theory]
    [InlineData(2, 4)]
    [InlineData(7, 1)]
    [InlineData(100, 1)]
    public async Task A_query_is_read_in_pages(int page, int pages)
    {
        var api = await ConnectAsync(new() { PageRecords = page });
        var job = await QueryAsync(api, Soql);
        var before = await _salesforce.ReadUsageAsync(Cancellation);

        var records = await api.DownloadQueryAsync(job.Id, _data.File("contacts.csv"), Cancellation);

        Assert.Equal((7, 7), (records, job.NumberRecordsProcessed));
        var lines = await File.ReadAllLinesAsync(_data.File("contacts.csv"), Cancellation);
        Assert.Equal("\"Id\",\"Email\",\"User_Segment__c\"", lines[0]);
        Assert.Equal(Enumerable.Range(1, 7).Select(n => $"\"{LocalContact.IdOf("003", n)}\",\"user{n}@example.com\",\"{(n % 2 == 0 ? "2" : "")}\""), lines[1..]);
        Assert.Equal(pages, (await _salesforce.ReadUsageAsync(Cancellation)).Used - before.Used);
    }

    [Fact]
    public async Task Addresses_in_a_query_are_compared_without_case_and_may_hold_quotes()
    {
        await _salesforce.PutContactsAsync([LocalContact.Create(8, "o'neill@example.com")], Cancellation);
        var job = await QueryAsync(_api, @"SELECT Id FROM Contact WHERE Email IN ('USER3@Example.com','o\'neill@example.com','nobody@example.com')");

        Assert.Equal(2, await _api.DownloadQueryAsync(job.Id, _data.File("two.csv"), Cancellation));
    }

    [Theory]
    [InlineData("SELECT Id, Nothing__c FROM Contact", "INVALID_FIELD", "Nothing__c")]
    [InlineData("SELECT Id FROM Nobody", "INVALID_TYPE", "Nobody")]
    [InlineData("SELEKT", "MALFORMED_QUERY", "unexpected token")]
    public async Task A_query_that_is_wrong_is_refused_with_its_reason(string soql, string code, string says)
    {
        var refused = await Assert.ThrowsAsync<SalesforceException>(() => _api.CreateQueryAsync(soql, Cancellation));

        Assert.Equal((code, false, "create query job"), (refused.Code, refused.MayHelpToRetry, refused.Operation));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_changes_records_and_tells_row_by_row_what_it_could_not_change()
    {
        await _salesforce.PutContactsAsync(
            [LocalContact.Create(2, "user2@example.com") with { IsDeleted = true }, LocalContact.Create(3, "user3@example.com") with { Refusal = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--" }],
            Cancellation);
        var job = await UpdateAsync(
            "Id,User_Segment__c,Email,LastName\n" +
            $"{Id(1)},5,,\n{Id(2)},5,,\n{Id(3)},5,,\nnobody,5,,\n{Id(99)},5,,\n,5,,\n{Id(1)},6,,\n{Id(4)},5,not an address,\n{Id(5)},5,,#N/A\n{Id(6)},{new string('x', 51)},,\n");

        Assert.Equal((SalesforceJob.JobComplete, 10, 9), (job.State, job.NumberRecordsProcessed, job.NumberRecordsFailed));
        Assert.Equal([Id(1)], (await ListAsync(job, IngestResults.Successful)).Select(row => row[0]));
        Assert.Equal(
            ["ENTITY_IS_DELETED", "UNABLE_TO_LOCK_ROW", "MALFORMED_ID", "INVALID_CROSS_REFERENCE_KEY", "MISSING_ARGUMENT", "DUPLICATE_VALUE", "INVALID_EMAIL_ADDRESS", "REQUIRED_FIELD_MISSING", "STRING_TOO_LONG"],
            (await ListAsync(job, IngestResults.Failed)).Select(row => row[1].Split(':')[0]));
        Assert.Empty(await ListAsync(job, IngestResults.Unprocessed));
        var contacts = await _salesforce.ReadContactsAsync(Cancellation);
        Assert.Equal(("5", 1), (contacts[0].Segment, contacts[0].Updates));
        Assert.Equal(0, contacts.Skip(1).Sum(contact => contact.Updates));
    }

    [Theory]
    [InlineData("Id,Nothing__c\n003,1\n003,2\n", "InvalidBatch : Field name not found : Nothing__c")]
    [InlineData("Id,User_Segment__c\r\n003,1\r\n003,2\r\n", "LineEnding is invalid on user data")]
    public async Task An_upload_that_cannot_be_read_fails_the_job_and_its_rows_are_unprocessed(string csv, string says)
    {
        var job = await UpdateAsync(csv);

        Assert.Equal(SalesforceJob.Failed, job.State);
        Assert.Contains(says, job.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(2, (await ListAsync(job, IngestResults.Unprocessed)).Count);
    }

    [Fact]
    public async Task A_job_goes_from_state_to_state_and_no_other_way()
    {
        var job = await _api.CreateUpdateAsync("Contact", Cancellation);
        Assert.Equal(SalesforceJob.Open, job.State);
        Assert.Equal("INVALIDJOB", (await Assert.ThrowsAsync<SalesforceException>(() => _api.CloseAsync(job.Id, Cancellation))).Code);
        await _api.UploadAsync(job.Id, Csv($"Id,User_Segment__c\n{Id(1)},9\n"), Cancellation);
        Assert.Equal(SalesforceJob.UploadComplete, (await _api.CloseAsync(job.Id, Cancellation)).State);
        Assert.Equal("INVALIDJOBSTATE", (await Assert.ThrowsAsync<SalesforceException>(() => _api.UploadAsync(job.Id, Csv("Id\n"), Cancellation))).Code);
        Assert.Equal("INVALIDJOBSTATE", (await Assert.ThrowsAsync<SalesforceException>(() => _api.DownloadAsync(job.Id, IngestResults.Failed, _data.File("x.csv"), Cancellation))).Code);

        // Closing again is the same closing: its first answer may have been lost.
        Assert.Equal(SalesforceJob.InProgress, (await _api.CloseAsync(job.Id, Cancellation)).State);
        Assert.Equal(SalesforceJob.JobComplete, (await _api.GetIngestAsync(job.Id, Cancellation)).State);
        Assert.Equal("INVALIDJOBSTATE", (await Assert.ThrowsAsync<SalesforceException>(() => _api.AbortAsync(job.Id, Cancellation))).Code);
    }

    [Fact]
    public async Task An_aborted_job_changes_nothing()
    {
        var job = await _api.CreateUpdateAsync("Contact", Cancellation);
        await _api.UploadAsync(job.Id, Csv($"Id,User_Segment__c\n{Id(1)},9\n"), Cancellation);

        Assert.Equal(SalesforceJob.Aborted, (await _api.AbortAsync(job.Id, Cancellation)).State);
        Assert.Single(await ListAsync(job, IngestResults.Unprocessed));
        Assert.Equal(0, (await _salesforce.ReadContactsAsync(Cancellation)).Sum(contact => contact.Updates));
    }

    [Fact]
    public async Task A_second_upload_spoils_the_job()
    {
        var job = await _api.CreateUpdateAsync("Contact", Cancellation);
        await _api.UploadAsync(job.Id, Csv("Id\n"), Cancellation);
        await _api.UploadAsync(job.Id, Csv("Id\n"), Cancellation);

        var refused = await Assert.ThrowsAsync<SalesforceException>(() => _api.CloseAsync(job.Id, Cancellation));

        Assert.Equal("INVALIDJOB", refused.Code);
        Assert.Contains("multiple contents", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("password", "wrong", "invalid_grant", "authentication failure")]
    [InlineData("security_token", "wrong", "invalid_grant", "authentication failure")]
    [InlineData("client_id", "wrong", "invalid_client_id", "client identifier invalid")]
    [InlineData("client_secret", "wrong", "invalid_client", "invalid client credentials")]
    public async Task A_wrong_credential_is_refused_once_and_not_shown(string field, string value, string code, string says)
    {
        var api = await ConnectAsync(change: secret => secret[field] = value);

        var refused = await Assert.ThrowsAsync<SalesforceException>(() => api.GetLimitsAsync(Cancellation));

        Assert.Equal(("log in", code, false), (refused.Operation, refused.Code, refused.MayHelpToRetry));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        foreach (var secret in LocalSalesforce.Secret("local").Where(secret => secret.Key is not ("login_url" or "username")))
        {
            Assert.DoesNotContain(secret.Value, refused.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_a_user_the_application_itself_logs_in()
    {
        var api = await ConnectAsync(change: secret =>
        {
            secret.Remove("username");
            secret.Remove("password");
            secret.Remove("security_token");
        });

        Assert.Equal(15_000, (await api.GetLimitsAsync(Cancellation)).Max);
    }

    [Theory]
    [InlineData("login_url", "http://salesforce.example.com", "https")]
    [InlineData("login_url", "nonsense", "https")]
    [InlineData("client_id", null, "client_id")]
    [InlineData("password", null, "password")]
    public async Task A_secret_that_will_not_do_is_named(string field, string? value, string says)
    {
        var wrong = await Assert.ThrowsAsync<SecretException>(() => ConnectAsync(change: secret =>
        {
            secret.Remove(field);
            if (value is not null)
            {
                secret[field] = value;
            }
        }));

        Assert.Contains("salesforce", wrong.Message, StringComparison.Ordinal);
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_expired_session_is_renewed_once()
    {
        await _api.GetLimitsAsync(Cancellation);
        _salesforce.ExpireSessions();

        await _api.GetLimitsAsync(Cancellation);

        _salesforce.Fail(new("/limits", 2, Status: 401, Code: "INVALID_SESSION_ID", Message: "Session expired or invalid"));
        Assert.Equal("INVALID_SESSION_ID", (await Assert.ThrowsAsync<SalesforceException>(() => _api.GetLimitsAsync(Cancellation))).Code);
    }

    [Fact]
    public async Task One_login_serves_many()
    {
        var tokens = new SalesforceTokens();
        await (await ConnectAsync(tokens: tokens)).GetLimitsAsync(Cancellation);
        _salesforce.Fail(new("/oauth2/token", 100, Status: 500, RetryAfter: 0));

        await (await ConnectAsync(tokens: tokens)).GetLimitsAsync(Cancellation);
    }

    [Theory]
    [InlineData(429, "UNKNOWN_EXCEPTION")]
    [InlineData(503, "SERVER_UNAVAILABLE")]
    [InlineData(500, "UNKNOWN_EXCEPTION")]
    [InlineData(403, "REQUEST_LIMIT_EXCEEDED")]
    public async Task Too_many_at_once_or_a_server_in_trouble_is_asked_again_later(int status, string code)
    {
        _salesforce.Fail(new("/limits", 2, Status: status, Code: code, Message: "ConcurrentRequests Limit exceeded.", RetryAfter: 0));

        Assert.Equal(15_000, (await _api.GetLimitsAsync(Cancellation)).Max);
    }

    [Fact]
    public async Task What_does_not_pass_is_told_with_its_reason_and_that_it_may_pass()
    {
        _salesforce.Fail(new("/limits", 100, Status: 503, Code: "SERVER_UNAVAILABLE", Message: "busy", RetryAfter: 0));

        var refused = await Assert.ThrowsAsync<SalesforceException>(() => _api.GetLimitsAsync(Cancellation));

        Assert.Equal(("SERVER_UNAVAILABLE", true), (refused.Code, refused.MayHelpToRetry));
        Assert.Equal("Salesforce, read limits: SERVER_UNAVAILABLE: busy", refused.Message);
    }

    [Theory]
    [MemberData(nameof(AllFaults))]
    public async Task Whatever_trouble_it_is_in_it_may_pass(string path, string fault)
    {
        var clock = new FakeTimeProvider();
        var tokens = new SalesforceTokens();
        if (path == "/limits")
        {
            await (await ConnectAsync(tokens: tokens)).GetLimitsAsync(Cancellation);
        }

        _salesforce.Fail(Faults[fault] with { Path = path });
        var asking = (await ConnectAsync(new() { Attempts = 1 }, tokens: tokens, clock: clock)).GetLimitsAsync(Cancellation);
        if (fault == "hangs")
        {
            await Eventually.TrueAsync(() => clock.TimerCount > 0, cancellation: Cancellation);
            clock.Advance(TimeSpan.FromMinutes(10));
        }

        var told = await Assert.ThrowsAsync<SalesforceException>(() => asking);
        Assert.Equal((path == "/limits" ? "read limits" : "log in", true), (told.Operation, told.MayHelpToRetry));
    }

    [Fact]
    public async Task The_day_s_requests_do_not_come_back_by_asking_again()
    {
        await _salesforce.SetUsageAsync(new(10, 10), Cancellation);

        var refused = await Assert.ThrowsAsync<SalesforceException>(() => _api.GetLimitsAsync(Cancellation));

        Assert.Equal(("REQUEST_LIMIT_EXCEEDED", false), (refused.Code, refused.MayHelpToRetry));
    }

    [Fact]
    public async Task Nothing_is_begun_beyond_our_share_of_the_requests_but_what_was_begun_is_ended()
    {
        var api = await ConnectAsync(new() { RequestShare = 0.5 });
        var query = await QueryAsync(api, Soql);
        await _salesforce.SetUsageAsync(new(49, 100), Cancellation);
        await api.GetQueryAsync(query.Id, Cancellation);

        foreach (var begin in new Func<Task>[] { () => api.CreateQueryAsync(Soql, Cancellation), () => api.CreateUpdateAsync("Contact", Cancellation), () => api.DownloadQueryAsync(query.Id, _data.File("x.csv"), Cancellation) })
        {
            var refused = await Assert.ThrowsAsync<SalesforceException>(begin);
            Assert.Equal((SalesforceException.RequestShareUsed, false), (refused.Code, refused.MayHelpToRetry));
            Assert.Contains("50 of the organisation's 100 API requests", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(SalesforceJob.JobComplete, (await api.GetQueryAsync(query.Id, Cancellation)).State);
    }

    [Fact]
    public async Task A_page_that_breaks_off_is_read_again_and_no_row_comes_twice()
    {
        var api = await ConnectAsync(new() { PageRecords = 3 });
        var job = await QueryAsync(api, Soql);
        _salesforce.Fail(new("/results", 2, CutBody: true));

        Assert.Equal(7, await api.DownloadQueryAsync(job.Id, _data.File("contacts.csv"), Cancellation));
        Assert.Equal(8, (await File.ReadAllLinesAsync(_data.File("contacts.csv"), Cancellation)).Distinct().Count());
    }

    [Fact]
    public async Task An_upload_whose_answer_is_lost_is_not_sent_again()
    {
        var job = await _api.CreateUpdateAsync("Contact", Cancellation);
        _salesforce.Fail(new("/batches", 1, CutBody: true));

        var lost = await Assert.ThrowsAsync<SalesforceException>(() => _api.UploadAsync(job.Id, Csv($"Id,User_Segment__c\n{Id(1)},9\n"), Cancellation));

        Assert.Equal((SalesforceException.Unreachable, true), (lost.Code, lost.MayHelpToRetry));
        Assert.Equal(SalesforceJob.UploadComplete, (await _api.CloseAsync(job.Id, Cancellation)).State);
    }

    [Fact]
    public async Task A_closing_whose_answer_is_lost_counts()
    {
        var job = await _api.CreateUpdateAsync("Contact", Cancellation);
        await _api.UploadAsync(job.Id, Csv($"Id,User_Segment__c\n{Id(1)},9\n"), Cancellation);
        _salesforce.Fail(new(job.Id, 1, Method: "PATCH", CutBody: true));

        Assert.NotEqual(SalesforceJob.Open, (await _api.CloseAsync(job.Id, Cancellation)).State);
    }

    [Fact]
    public async Task An_address_that_is_closed_to_us_is_not_tried_again()
    {
        using var guarded = new HttpClient(new OutboundGuard([], () => []).CreateHandler());

        var refused = await Assert.ThrowsAsync<SalesforceException>(async () => await (await ConnectAsync(http: guarded)).GetLimitsAsync(Cancellation));

        Assert.False(refused.MayHelpToRetry);
        Assert.Contains("Outbound:Allow", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named_and_may_come_back()
    {
        var api = await ConnectAsync(new() { Attempts = 1 }, secret => secret["login_url"] = $"http://127.0.0.1:{FreePort.Next()}");

        var lost = await Assert.ThrowsAsync<SalesforceException>(() => api.GetLimitsAsync(Cancellation));

        Assert.Equal(("log in", SalesforceException.Unreachable, true), (lost.Operation, lost.Code, lost.MayHelpToRetry));
    }

    [Fact]
    public async Task What_a_proxy_answers_in_html_is_an_error_with_its_status()
    {
        var api = await ConnectAsync(change: secret => secret["login_url"] += "/nowhere");

        Assert.Equal(("HTTP_404", false), await Assert.ThrowsAsync<SalesforceException>(() => api.GetLimitsAsync(Cancellation)) is var refused ? (refused.Code, refused.MayHelpToRetry) : default);
    }

    [Fact]
    public async Task The_state_outlives_the_stand_in()
    {
        var job = await UpdateAsync($"Id,User_Segment__c\n{Id(1)},9\n");

        var again = new LocalSalesforce(_data.Path, TimeProvider.System);

        Assert.Equal("9", (await again.ReadContactsAsync(Cancellation))[0].Segment);
        Assert.Equal(job.Id, Assert.Single(await again.ReadJobsAsync(Cancellation)).Id);
    }

    private static string Id(int number) => LocalContact.IdOf("003", number);

    private async Task<SalesforceBulkApi> ConnectAsync(SalesforceOptions? options = null, Action<Dictionary<string, string>>? change = null, SalesforceTokens? tokens = null, TimeProvider? clock = null, HttpClient? http = null)
    {
        var fields = LocalSalesforce.Secret(_service.Urls.Single() + LocalSalesforce.Path).ToDictionary();
        change?.Invoke(fields);
        var secrets = new LocalSecretStore(_data.File("secrets"));
        await secrets.PutAsync("salesforce", fields, Cancellation);
        return new SalesforceClient(http ?? _http, tokens ?? new(), clock ?? TimeProvider.System).Connect(SalesforceCredentials.From(await secrets.GetAsync("salesforce", Cancellation)), options ?? new());
    }

    private async Task<SalesforceJob> QueryAsync(SalesforceBulkApi api, string soql)
    {
        var job = await api.CreateQueryAsync(soql, Cancellation);
        while (!job.HasEnded())
        {
            job = await api.GetQueryAsync(job.Id, Cancellation);
        }

        return job;
    }

    private async Task<SalesforceJob> UpdateAsync(string csv)
    {
        var job = await _api.CreateUpdateAsync("Contact", Cancellation);
        await _api.UploadAsync(job.Id, Csv(csv), Cancellation);
        job = await _api.CloseAsync(job.Id, Cancellation);
        while (!job.HasEnded())
        {
            job = await _api.GetIngestAsync(job.Id, Cancellation);
        }

        return job;
    }

    private async Task<List<string[]>> ListAsync(SalesforceJob job, IngestResults results)
    {
        await _api.DownloadAsync(job.Id, results, _data.File("list.csv"), Cancellation);
        return [.. (await File.ReadAllLinesAsync(_data.File("list.csv"), Cancellation)).Skip(1).Select(line => line[1..^1].Split("\",\""))];
    }

    private string Csv(string content)
    {
        File.WriteAllText(_data.File("upload.csv"), content, new UTF8Encoding(false));
        return _data.File("upload.csv");
    }
}
