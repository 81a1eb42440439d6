using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.App.Pipelines.SyncSalesforce;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Local;
using Workflow.Cloud.Salesforce;
using Workflow.Cloud.Secrets;
using Workflow.Data.DuckDb;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>sync-salesforce whole: real files, a real database, and the stand-in for Salesforce over HTTP.</summary>
[TakesLong]
public sealed class SyncSalesforceTests(PostgresFixture postgres)
{
    // Not where the shipped trigger looks.
    private const string Segments = "local://scores/csv/day.csv";
    private const string Locked = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Segments_that_changed_are_written_to_the_contacts_with_the_users_addresses()
    {
        await using var installation = await StartAsync(LocalContact.Create(1, "ANN@example.com"), LocalContact.Create(2, "bo@Example.com", "2"), LocalContact.Create(3, "cy@example.com", "9"), LocalContact.Create(4, "cy@example.com", "3"));
        await installation.ExecuteAsync("create table users as select * from (values (1, 'ann@example.com'), (2, 'bo@example.com'), (3, 'cy@example.com'), (4, 'nobody@example.com'), (5, null)) as t (user_id, email)");
        installation.Drop(Segments, "user_id,segment,distance\n1,7,0.5\n1,1,0.5\n2,2,0.1\n3,3,0.2\n4,4,0.3\n5,5,0.4\n6,1,0.4\n");

        var run = await installation.RunAsync("sync", new { @object = Segments });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(["1", "2", "3", "3"], (await ContactsAsync(installation)).Select(contact => contact.Segment));
        Assert.Equal([1, 0, 1, 0], (await ContactsAsync(installation)).Select(contact => contact.Updates));
        Assert.Equal((7, 2, 0, 5), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "skipped")));
        Assert.Equal((1, 1, 2, 1), (Number(run, "unchanged"), Number(run, "withoutContact"), Number(run, "withoutEmail"), Number(run, "duplicates")));
        Assert.Equal(2, Number(run, "contactsUpdated"));
        Assert.Equal("Contact.User_Segment__c", run.Output!.Value.GetProperty("table").GetString());
        Assert.Equal(Assert.Single(await UpdatesAsync(installation)).Id, run.Output!.Value.GetProperty("jobs")[0].GetString());
        Assert.Empty(installation.Objects("salesforce"));
    }

    [Fact]
    public async Task On_Redshift_the_users_addresses_are_looked_up_there()
    {
        await using var installation = await (await (await PrepareAsync(postgres, Contacts(1))).WithRedshiftAsync(postgres)).StartServiceAsync();
        await installation.ExecuteAsync("create table users as select 1 as user_id, 'user1@example.com' as email");

        await RunAsync(installation, "user_id,segment\n1,4\n");

        Assert.Equal(["4"], (await ContactsAsync(installation)).Select(contact => contact.Segment));
    }

    [Fact]
    public async Task All_contacts_with_one_address_are_updated()
    {
        await using var installation = await StartAsync(LocalContact.Create(1, "ann@example.com"), LocalContact.Create(2, "Ann@example.com", "9"), LocalContact.Create(3, "ann@example.com") with { Refusal = Locked });

        var run = await RunAsync(installation, "user_id,segment,email\n1,4, ANN@EXAMPLE.COM \n");

        Assert.Equal(["4", "4", null], (await ContactsAsync(installation)).Select(contact => contact.Segment));
        Assert.Equal((1, 0, 1), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined")));
        Assert.Equal((2, 1), (Number(run, "contactsUpdated"), Number(run, "contactsFailed")));
    }

    [Fact]
    public async Task A_service_that_other_machines_reach_finds_its_own_stand_ins()
    {
        await using var installation = await PrepareAsync(postgres, Contacts(1));
        installation.Data.Create();
        LocalKey.Ensure(installation.Data);
        await installation.StartServiceAsync(listen: ListenAddresses.Parse("http://0.0.0.0:0"));

        var run = await RunAsync(installation, Csv(1), new { @object = Segments, slack = "local:etl" });

        Assert.Equal(1, Number(run, "loaded"));
        Assert.StartsWith("sync completed", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_sent_is_not_sent_again()
    {
        await using var installation = await StartAsync(Contacts(3));
        await RunAsync(installation, Csv(3));

        var again = await RunAsync(installation, Csv(3));

        Assert.Equal((3, 0, 3, 3), (Number(again, "rowsIn"), Number(again, "loaded"), Number(again, "skipped"), Number(again, "unchanged")));
        Assert.Single(await UpdatesAsync(installation));
        Assert.All(await ContactsAsync(installation), contact => Assert.Equal(1, contact.Updates));
    }

    [Fact]
    public async Task A_number_field_that_answers_with_decimals_is_not_changed()
    {
        await using var installation = await StartAsync(LocalContact.Create(1, "user1@example.com", "1.0"), LocalContact.Create(2, "user2@example.com", "20"));

        await RunAsync(installation, "user_id,segment,email\n1,1,user1@example.com\n2,2,user2@example.com\n");

        Assert.Equal(["1.0", "2"], (await ContactsAsync(installation)).Select(contact => contact.Segment));
    }

    [Fact]
    public async Task Rows_that_salesforce_refuses_are_kept_with_its_reason_and_tried_again_on_request()
    {
        await using var installation = await StartAsync([.. Contacts(4)[..2], LocalContact.Create(3, "user3@example.com") with { Refusal = Locked }, LocalContact.Create(4, "user4@example.com") with { IsDeleted = true }]);

        var run = await RunAsync(installation, Csv(4));

        Assert.Equal((4, 2, 1, 1), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "skipped")));
        var quarantine = run.Output!.Value.GetProperty("quarantineObject").GetString()!;
        Assert.Equal(
            $"user_id,contact_id,email,segment,rule,reason,source,line\n3,{LocalContact.IdOf("003", 3)},User3@example.com,3,UNABLE_TO_LOCK_ROW,unable to obtain exclusive access to this record,{Segments},4\n",
            installation.Read(quarantine));

        // Still locked: the row keeps the place it came from first.
        var still = await installation.RunAsync("sync", new { @object = quarantine });
        Assert.Equal(installation.Read(quarantine), installation.Read(still.Output!.Value.GetProperty("quarantineObject").GetString()!));

        await StandIn(installation).PutContactsAsync([LocalContact.Create(3, "user3@example.com")], Cancellation);
        var again = await installation.RunAsync("sync", new { @object = quarantine });
        Assert.Equal((1, 1, 0), (Number(again, "rowsIn"), Number(again, "loaded"), Number(again, "quarantined")));
        Assert.Equal([1, 1, 1], (await ContactsAsync(installation)).Where(contact => !contact.IsDeleted).Select(contact => contact.Updates));
    }

    [Fact]
    public async Task Rows_that_say_nothing_are_kept_with_the_reason_and_the_others_go_on()
    {
        await using var installation = await StartAsync(Contacts(3));

        var run = await RunAsync(installation, $"user_id,segment,email\n1,1,user1@example.com\n,2,user2@example.com\n3, ,user3@example.com\n2\n2,#N/A,user2@example.com\n3,{new string('x', 51)},user3@example.com\n");

        Assert.Equal((6, 1, 5, 0), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "skipped")));
        var lines = installation.Read(run.Output!.Value.GetProperty("quarantineObject").GetString()!).TrimEnd('\n').Split('\n');
        Assert.Equal(["NO_USER", "NO_SEGMENT", "MALFORMED_ROW", "UNSENDABLE_SEGMENT", "STRING_TOO_LONG"], lines[1..].Select(line => line.Split(',')[4]));
        Assert.Equal(["3", "4", "5", "6", "7"], lines[1..].Select(line => line.Split(',')[^1]));
        Assert.Contains("1 fields where the header has 3: 2", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parquet_is_read_as_csv_is()
    {
        await using var installation = await StartAsync(Contacts(3));
        await installation.ExecuteAsync("create table users as select n as user_id, 'user' || n || '@example.com' as email from generate_series(1, 3) n");
        using var folder = new TempFolder();
        using (var database = DuckDbDatabase.Open(new()))
        using (var connection = database.Connect())
        {
            connection.ExportParquet("select i::varchar as user_id, i::integer as segment, 0.5 as distance from range(1, 4) t(i)", folder.File("day.parquet"), Cancellation);
        }

        installation.Drop("local://scores/parquet/day.parquet", await File.ReadAllBytesAsync(folder.File("day.parquet"), Cancellation));
        var run = await installation.RunAsync("sync", new { @object = "local://scores/parquet/day.parquet" });

        Assert.Equal((3, 3), (Number(run, "rowsIn"), Number(run, "loaded")));
        Assert.Equal(["1", "2", "3"], (await ContactsAsync(installation)).Select(contact => contact.Segment));
    }

    [Theory]
    [InlineData("", null, "is empty")]
    [InlineData("user,group\n1,2\n", null, "no column 'user_id' and no column 'segment'")]
    [InlineData("user_id,segment\n1,2\n", "nobody", "public.nobody")]
    [InlineData("user_id,segment\n1,2\n", null, "no column 'email'")]
    [InlineData("PAR1 and then nothing", null, "not a whole Parquet file")]
    public async Task Input_that_cannot_be_used_is_named_and_nothing_is_sent(string content, string? usersTable, string says)
    {
        await using var installation = await StartAsync(Contacts(1));
        installation.Drop(Segments, content);

        var run = await installation.RunAsync("sync", new { @object = Segments, usersTable });

        AssertFailed(run, nameof(App.Pipelines.SyncSalesforce.ReadSegments), says);
        Assert.Empty(await StandIn(installation).ReadJobsAsync(Cancellation));
        Assert.Contains(says, Assert.Single(await installation.SlackAsync()).Text.Replace("&gt;", ">", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_without_anything_to_send_ask_salesforce_nothing()
    {
        await using var installation = await StartAsync(Contacts(1));

        var run = await RunAsync(installation, "user_id,segment,email\n,1,user1@example.com\n1,1,\n", new { @object = Segments, usersTable = (string?)null });

        Assert.Equal((2, 0, 1, 1), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "withoutEmail")));
        Assert.Equal(0, (await StandIn(installation).ReadUsageAsync(Cancellation)).Used);
    }

    [Fact]
    public async Task A_wrong_password_fails_the_run_at_once_and_is_in_no_history()
    {
        await using var installation = await StartAsync(Contacts(1));
        var secret = LocalSalesforce.Secret("local").ToDictionary();
        secret["password"] = "a wrong pass word";
        await new LocalSecretStore(installation.Data.Secrets).PutAsync("wrong", secret, Cancellation);

        var run = await RunAsync(installation, Csv(1), new { @object = Segments, secret = "wrong" });

        AssertFailed(run, nameof(App.Pipelines.SyncSalesforce.QueryContacts), "log in: invalid_grant: authentication failure");
        var history = await HistoryAsync(installation, run);
        Assert.Equal(1, history.Count(entry => entry.GetProperty("name").GetString() == nameof(App.Pipelines.SyncSalesforce.QueryContacts)));
        AssertNoSecrets(history, secret);
    }

    [Fact]
    public async Task Secrets_and_tokens_are_in_no_history()
    {
        await using var installation = await StartAsync(Contacts(2));
        var run = await RunAsync(installation, Csv(2));

        AssertNoSecrets(await HistoryAsync(installation, run), LocalSalesforce.Secret("local"));
    }

    [Fact]
    public async Task Beyond_our_share_of_the_requests_nothing_is_begun_and_the_reason_is_told()
    {
        await using var installation = await StartAsync(Contacts(1));
        await StandIn(installation).SetUsageAsync(new(900, 1_000), Cancellation);

        AssertFailed(await RunAsync(installation, Csv(1)), nameof(App.Pipelines.SyncSalesforce.QueryContacts), "901 of the organisation's 1000 API requests");
        Assert.Empty(await StandIn(installation).ReadJobsAsync(Cancellation));
    }

    [Fact]
    public async Task When_our_share_is_used_up_on_the_way_what_was_sent_is_accounted_for_and_the_rest_is_kept()
    {
        await using var installation = await StartAsync(Contacts(30));
        await StandIn(installation).SetUsageAsync(new(0, 50), Cancellation);

        var run = await RunAsync(installation, Csv(30), new { @object = Segments, partBytes = 200, atOnce = 1, requestShare = 0.4 });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("API requests", run.Failure!.Message, StringComparison.Ordinal);
        var updated = (await ContactsAsync(installation)).Count(contact => contact.Updates == 1);
        Assert.InRange(updated, 1, 29);
        Assert.Contains($"{updated} rows were updated", run.Failure.Message, StringComparison.Ordinal);
        var kept = Assert.Single(Quarantined(installation));
        Assert.Equal(30 - updated, installation.Read(kept).Split("NOT_CONFIRMED").Length - 1);

        await StandIn(installation).SetUsageAsync(new(0, 1_000), Cancellation);
        var rest = await installation.RunAsync("sync", new { @object = kept });
        Assert.Equal(30 - updated, Number(rest, "loaded"));
        Assert.All(await ContactsAsync(installation), contact => Assert.Equal(1, contact.Updates));
    }

    [Fact]
    public async Task A_large_object_is_sent_in_parts_and_read_in_pages_of_all_contacts()
    {
        const int Users = 6_000;
        await using var installation = await StartAsync(Contacts(Users));

        var run = await RunAsync(installation, Csv(Users), new { @object = Segments, partBytes = 50_000, atOnce = 3 });

        Assert.Equal((Users, Users), (Number(run, "rowsIn"), Number(run, "loaded")));
        var jobs = await UpdatesAsync(installation);
        Assert.Equal(3, jobs.Count);
        Assert.Equal(Users, jobs.Sum(job => job.NumberRecordsProcessed));
        Assert.Contains(await StandIn(installation).ReadJobsAsync(Cancellation), job => job.Query == "SELECT Id, Email, User_Segment__c FROM Contact WHERE Email != null");
        Assert.All(await ContactsAsync(installation), contact => Assert.Equal(1, contact.Updates));
        Assert.DoesNotContain(await HistoryAsync(installation, run), entry => entry.GetRawText().Contains("@example.com", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_job_that_may_have_had_its_upload_is_aborted_and_another_one_sent()
    {
        await using var installation = await StartAsync(Contacts(2));
        await FailAsync(installation, new("/batches", 1, CutBody: true));

        var run = await RunAsync(installation, Csv(2));

        Assert.Equal(2, Number(run, "loaded"));
        Assert.Equal([SalesforceJob.Aborted, SalesforceJob.JobComplete], (await UpdatesAsync(installation)).Select(job => job.State));
        Assert.All(await ContactsAsync(installation), contact => Assert.Equal(1, contact.Updates));
    }

    [Theory]
    [InlineData("/jobs/query", "POST")]
    [InlineData("/jobs/ingest", "POST")]
    [InlineData("/batches", "PUT")]
    [InlineData("/jobs/ingest/", "PATCH")]
    [InlineData("/failedResults", "GET")]
    public async Task A_salesforce_in_trouble_is_asked_again(string path, string method)
    {
        await using var installation = await StartAsync(Contacts(2));
        await FailAsync(installation, new(path, 1, method, 503, "SERVER_UNAVAILABLE", "busy", RetryAfter: 0));

        Assert.Equal(2, Number(await RunAsync(installation, Csv(2)), "loaded"));
        Assert.All(await ContactsAsync(installation), contact => Assert.Equal(1, contact.Updates));
    }

    [Fact]
    public async Task A_session_that_ends_on_the_way_is_renewed()
    {
        await using var installation = await StartAsync(Contacts(1));
        await RunAsync(installation, Csv(1));
        using var http = new HttpClient { BaseAddress = installation.Address };
        await http.PostAsync("/local/salesforce/sessions/expire", null, Cancellation);

        Assert.Equal(1, Number(await RunAsync(installation, Csv(1)), "unchanged"));
    }

    [Fact]
    public async Task Results_that_break_off_are_read_again()
    {
        await using var installation = await StartAsync(Contacts(5));
        foreach (var list in new[] { "/results", "/successfulResults", "/failedResults", "/unprocessedrecords" })
        {
            await FailAsync(installation, new(list, 1, CutBody: true));
        }

        Assert.Equal(5, Number(await RunAsync(installation, Csv(5)), "loaded"));
    }

    [Fact]
    public async Task A_job_that_salesforce_gives_up_fails_the_run_after_every_row_is_accounted_for()
    {
        await using var installation = await StartAsync(Contacts(10));
        await FailAsync(installation, new("/batches", 1, GiveUp: "InternalServerError : too long in the queue"));

        var run = await RunAsync(installation, Csv(10));

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("is Failed: InternalServerError : too long in the queue", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("5 rows were updated", run.Failure.Message, StringComparison.Ordinal);
        var kept = Assert.Single(Quarantined(installation));
        Assert.Contains(kept, run.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(5, installation.Read(kept).Split("JOB_FAILED,InternalServerError : too long in the queue").Length - 1);
        Assert.Equal(5, Number(await installation.RunAsync("sync", new { @object = kept }), "loaded"));
    }

    [Fact]
    public async Task A_job_that_takes_too_long_is_told_and_its_rows_are_kept()
    {
        await using var installation = await StartAsync(Contacts(1));
        await FailAsync(installation, new("/jobs/query/", 1, "GET", Delay: 50));

        var run = await RunAsync(installation, Csv(1), new { @object = Segments, pollEvery = "00:00:00.0100000", jobDeadline = "00:00:00.0100000" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("is InProgress", run.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_contacts_do_not_have_is_named()
    {
        await using var installation = await StartAsync(Contacts(1));

        AssertFailed(await RunAsync(installation, Csv(1), new { @object = Segments, field = "Nothing__c" }), nameof(App.Pipelines.SyncSalesforce.QueryContacts), "No such column 'Nothing__c' on entity 'Contact'");
        Assert.Empty(Quarantined(installation));
    }

    [Fact]
    public async Task A_run_that_failed_can_be_rewound_and_what_it_kept_goes_with_its_completion()
    {
        await using var installation = await StartAsync(Contacts(1));
        await StandIn(installation).SetUsageAsync(new(900, 1_000), Cancellation);
        var failed = await RunAsync(installation, Csv(1));
        AssertFailed(failed, nameof(App.Pipelines.SyncSalesforce.QueryContacts), "API requests");
        await StandIn(installation).SetUsageAsync(new(0, 1_000), Cancellation);

        await installation.Client.SteerAsync(failed.Instance, "rewind", null, Cancellation);

        Assert.Equal(1, Number(await installation.Client.WaitAsync(failed.Instance, Cancellation), "loaded"));
        Assert.Empty(installation.Objects("salesforce"));
    }

    [Fact]
    public async Task What_a_run_has_left_that_failed_long_ago_goes_with_the_next_that_completes()
    {
        await using var installation = await StartAsync(Contacts(1));
        foreach (var (name, age) in new[] { ("long-ago", RemoveWork.KeptFor.Add(TimeSpan.FromHours(1))), ("lately", RemoveWork.KeptFor.Subtract(TimeSpan.FromHours(1))) })
        {
            var left = $"local://salesforce/work/{name}/rows.parquet";
            installation.Drop(left, "rows");
            File.SetLastWriteTimeUtc(installation.FileOf(left), (TimeProvider.System.GetUtcNow() - age).UtcDateTime);
        }

        await RunAsync(installation, Csv(1));

        Assert.Equal(["work/lately/rows.parquet"], installation.Objects("salesforce"));
    }

    [Fact]
    public async Task Of_two_objects_at_once_the_one_whose_run_was_started_later_has_the_last_word()
    {
        const string Later = "local://scores/csv/next-day.csv";
        await using var installation = await StartAsync(Contacts(1));
        await FailAsync(installation, new("/jobs/query/", 1, "GET", Delay: 2_000));
        installation.Drop(Segments, "user_id,segment,email\n1,1,user1@example.com\n");
        installation.Drop(Later, "user_id,segment,email\n1,2,user1@example.com\n");

        var first = await installation.Client.StartAsync("sync", new JsonObject { ["object"] = Segments }, null, Cancellation);
        var second = await installation.Client.StartAsync("sync", new JsonObject { ["object"] = Later }, null, Cancellation);

        Assert.Equal(1, Number(await installation.Client.WaitAsync(first.Instance, Cancellation), "loaded"));
        Assert.Equal(1, Number(await installation.Client.WaitAsync(second.Instance, Cancellation), "loaded"));
        Assert.Equal(["2"], (await ContactsAsync(installation)).Select(contact => contact.Segment));
    }

    [Fact]
    public async Task A_new_predictions_object_starts_it()
    {
        await using var installation = (await PrepareAsync(postgres, Contacts(2))).With("watching", "sync-salesforce", Options, watch: "local://scores/csv/");
        await installation.StartServiceAsync(ServiceRoles.Worker | ServiceRoles.Triggers);

        installation.Drop(Segments, Csv(2));

        await Eventually.TrueAsync(async () => (await ContactsAsync(installation)).All(contact => contact.Updates == 1), cancellation: Cancellation);
    }

    [Fact]
    public async Task A_page_from_elsewhere_cannot_log_in_to_the_stand_in()
    {
        await using var installation = await StartAsync();
        using var http = new HttpClient { BaseAddress = installation.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, LocalSalesforce.LoginPath) { Content = new FormUrlEncodedContent([]), Headers = { { "Origin", "http://example.com" } } };

        Assert.Equal(HttpStatusCode.Forbidden, (await http.SendAsync(request, Cancellation)).StatusCode);
    }

    [Theory]
    [InlineData("secret", "", "name the secret")]
    [InlineData("field", "a b", "API name")]
    [InlineData("work", "local://salesforce/work", "ends with /")]
    [InlineData("partBytes", 100_000_001L, "100000000")]
    [InlineData("requestShare", 1.5, "up to 1")]
    [InlineData("pollEvery", "00:00:00", "time span")]
    [InlineData("apiVersion", "latest", "62.0")]
    public void A_setting_that_will_not_do_is_named(string setting, object value, string says)
    {
        var given = new JsonObject { ["secret"] = "salesforce" };
        given[setting] = JsonSerializer.SerializeToNode(value);
        var errors = new SettingErrors();

        App.Pipelines.Pipelines.Kinds.Single(kind => kind.Name == "sync-salesforce").Read(given, "", errors);

        var error = Assert.Single(errors.All);
        Assert.Equal(setting, error.Key);
        Assert.Contains(says, error.Right, StringComparison.Ordinal);
    }

    /// <summary>Beside the others, for it takes as long as they do together.</summary>
    [TakesLong]
    public sealed class Killed(PostgresFixture postgres)
    {
        [Fact]
        public async Task After_each_step_it_ends_the_same_and_no_contact_is_updated_twice()
        {
            await using var installation = await PrepareAsync(postgres, [.. Contacts(10), LocalContact.Create(11, "user11@example.com") with { Refusal = Locked }]);
            installation.Drop(Segments, Csv(11));

            var killed = await KilledRun.CompleteAsync(installation, "sync", new { @object = Segments, partBytes = 200 });

            Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
            Assert.True(killed.Kills.Count >= 9, string.Join('\n', killed.Kills));
            Assert.Equal((11, 10, 1, 0), (Number(killed.Run, "rowsIn"), Number(killed.Run, "loaded"), Number(killed.Run, "quarantined"), Number(killed.Run, "skipped")));
            Assert.Equal(2, killed.Run.Output!.Value.GetProperty("jobs").GetArrayLength());

            // While one part is killed after its sending, the other one may be anywhere: its job may be left open and empty, or be aborted.
            Assert.Equal(2, (await UpdatesAsync(installation)).Count(job => job.State is not (SalesforceJob.Open or SalesforceJob.Aborted)));
            Assert.Equal([.. Enumerable.Repeat(1, 10), 0], (await ContactsAsync(installation)).Select(contact => contact.Updates));
            Assert.Single(installation.Objects("salesforce"));
        }
    }

    private static object Options => new { Secret = LocalSalesforce.SecretName, UsersTable = "users", Slack = "local:etl", PollEvery = "00:00:00.0100000", Attempts = 3 };

    private static LocalContact[] Contacts(int count) => [.. Enumerable.Range(1, count).Select(n => LocalContact.Create(n, $"user{n}@example.com"))];

    private static string Csv(int count) => "user_id,segment,distance,email\n" + string.Concat(Enumerable.Range(1, count).Select(n => $"{n},{n % 5},0.5,User{n}@example.com\n"));

    private async Task<Installation> StartAsync(params LocalContact[] contacts) => await (await PrepareAsync(postgres, contacts)).StartServiceAsync();

    private static async Task<Installation> PrepareAsync(PostgresFixture postgres, IReadOnlyList<LocalContact> contacts)
    {
        var installation = (await Installation.CreateAsync(postgres)).With("sync", "sync-salesforce", Options);
        await StandIn(installation).PutContactsAsync(contacts, Cancellation);
        return installation;
    }

    private static Task<Run> RunAsync(Installation installation, string csv, object? input = null)
    {
        installation.Drop(Segments, csv);
        return installation.RunAsync("sync", input ?? new { @object = Segments });
    }

    private static IReadOnlyList<string> Quarantined(Installation installation) =>
        [.. installation.Objects("salesforce").Where(key => key.StartsWith("quarantine/", StringComparison.Ordinal)).Select(key => $"local://salesforce/{key}")];

    private static LocalSalesforce StandIn(Installation installation) => new(installation.Data.Path, TimeProvider.System);

    private static Task<IReadOnlyList<LocalContact>> ContactsAsync(Installation installation) => StandIn(installation).ReadContactsAsync(Cancellation);

    private static async Task<IReadOnlyList<LocalSalesforceJob>> UpdatesAsync(Installation installation) =>
        [.. (await StandIn(installation).ReadJobsAsync(Cancellation)).Where(job => !job.IsQuery)];

    private static async Task FailAsync(Installation installation, LocalSalesforce.Fault fault)
    {
        using var http = new HttpClient { BaseAddress = installation.Address };
        (await http.PostAsJsonAsync("/local/salesforce/faults", fault, Cancellation)).EnsureSuccessStatusCode();
    }

    private static async Task<IReadOnlyList<JsonElement>> HistoryAsync(Installation installation, Run run) =>
        [.. (await installation.Client.HistoryAsync(run.Instance, Cancellation)).Select(entry => JsonSerializer.SerializeToElement(entry, JsonSerializerOptions.Web))];

    private static void AssertNoSecrets(IReadOnlyList<JsonElement> history, IReadOnlyDictionary<string, string> secret)
    {
        var text = string.Concat(history.Select(entry => entry.GetRawText()));
        Assert.NotEmpty(text);
        foreach (var hidden in new[] { secret["password"], secret["security_token"], secret["client_secret"], "00D!" })
        {
            Assert.DoesNotContain(hidden, text, StringComparison.Ordinal);
        }
    }

    private static void AssertFailed(Run run, string step, string says)
    {
        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Equal(step, run.Failure!.Step);
        Assert.Contains(says, run.Failure.Message, StringComparison.Ordinal);
    }

    private static long Number(Run run, string name)
    {
        Assert.True(run.Status == OrchestrationRuntimeStatus.Completed, run.Failure?.Message);
        return run.Output!.Value.GetProperty(name).GetInt64();
    }
}
