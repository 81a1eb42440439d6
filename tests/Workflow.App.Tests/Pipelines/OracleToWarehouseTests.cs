using System.Net.Http.Json;
using System.Text.Json;
using Workflow.App.Api;
using Workflow.App.Configuration;
using Workflow.App.Pipelines.OracleToWarehouse;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>oracle-to-warehouse whole: a real database, files as DMS writes them, and the stand-in for DMS.</summary>
[TakesLong]
public sealed class OracleToWarehouseTests(PostgresFixture postgres)
{
    private const string Ddl = """
        CREATE TABLE HR.PEOPLE (ID NUMBER(6) PRIMARY KEY, NAME VARCHAR2(20) NOT NULL, PAID NUMBER(8,2), SEEN DATE, NOTES CLOB);
        CREATE TABLE HR.PLACES (CODE CHAR(2), YEAR NUMBER(4), NAME VARCHAR2(20), CONSTRAINT PLACES_PK PRIMARY KEY (CODE, YEAR));
        """;

    private const string People = "ID,NAME,PAID,SEEN,NOTES\n1,Ann,12.50,2024-03-01 10:00:00,x\n2,Bo,NULL,NULL,NULL\n3,Cy,7.00,2024-03-02 00:00:00,\n";
    private const string Changes = "Op,AR_H_CHANGE_SEQ,ID,NAME,PAID,SEEN,NOTES\nU,20240301000000000000000000000000001,1,Anna,13.00,NULL,x\nU,20240301000000000000000000000000002,1,Anne,14.00,NULL,x\nD,20240301000000000000000000000000003,2,Bo,NULL,NULL,NULL\nI,20240301000000000000000000000000004,4,Di,0.00,NULL,NULL\n";

    [Fact]
    public async Task A_full_load_and_its_changes_are_applied_table_by_table()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        installation.Drop("local://dms/HR/PLACES/LOAD00000001.csv", "CODE,YEAR,NAME\nDE,2023,Ulm\nDE,2024,Bonn\n");

        var run = await RunAsync(installation);

        Assert.Equal(["1|Anne|14.00", "3|Cy|7.00", "4|Di|0.00"], await installation.QueryAsync("select id, name, paid from dms_stage.people order by id"));
        Assert.Equal(["DE|2023|Ulm", "DE|2024|Bonn"], await installation.QueryAsync("select * from dms_stage.places order by 1, 2"));
        Assert.Equal(["timestamp(0) without time zone"], await installation.QueryAsync("select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'dms_stage.people'::regclass and attname = 'seen'"));
        var output = run.Output!.Value;
        Assert.Equal((9, 8, 0, 1, 3), (Number(output, "rowsIn"), Number(output, "loaded"), Number(output, "quarantined"), Number(output, "skipped"), Number(output, "files")));
        Assert.Equal((6, 1, 1), (Number(output, "inserted"), Number(output, "updated"), Number(output, "deleted")));
        Assert.Equal("20240301-101112123", output.GetProperty("watermark").GetString());
        var people = output.GetProperty("tables")[0];
        Assert.Equal(("dms_stage.people", 7, "20240301-101112123"), (people.GetProperty("table").GetString(), Number(people, "rowsIn"), people.GetProperty("watermark").GetString()));
        Assert.Contains("9 rows in, 8 loaded into dms_stage.people, dms_stage.places, 1 skipped", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_what_is_new_is_read_again_and_a_late_file_changes_nothing_newer()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        await RunAsync(installation);

        Assert.Equal((0, 0), Counts((await RunAsync(installation)).Output!.Value));
        installation.Drop("local://dms/HR/PEOPLE/20240229-000000000.csv", Changes.Replace("20240301", "20240229", StringComparison.Ordinal).Replace("Anne", "older", StringComparison.Ordinal).Replace("Bo", "back", StringComparison.Ordinal).Replace("\nD,", "\nI,", StringComparison.Ordinal));
        var late = await RunAsync(installation);

        Assert.Equal((4, 0), Counts(late.Output!.Value));
        Assert.Equal(4, Number(late.Output!.Value, "late"));
        Assert.Equal(["1|Anne", "3|Cy", "4|Di"], await installation.QueryAsync("select id, name from dms_stage.people order by id"));

        static (long, long) Counts(JsonElement output) => (Number(output, "rowsIn"), Number(output, "loaded"));
    }

    /// <summary>Rows would be copied by the cluster, of which there is none here; a file of which every row is refused has none.</summary>
    [Fact]
    public async Task On_Redshift_tables_files_and_ledger_are_there()
    {
        await using var installation = await (await (await CreateAsync()).WithRedshiftAsync(postgres)).StartServiceAsync();
        installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", "ID,NAME,PAID,SEEN,NOTES\n1,Ann,much,NULL,NULL\n");

        var first = (await RunAsync(installation)).Output!.Value;
        var again = (await RunAsync(installation)).Output!.Value;

        Assert.Equal((1, 1, 0), (Number(first, "rowsIn"), Number(first, "quarantined"), Number(again, "rowsIn")));
        Assert.Equal(
            ["name|character varying|20", "notes|character varying|65535", "seen|timestamp without time zone|"],
            await installation.QueryAsync("select column_name, data_type, character_maximum_length from information_schema.columns where table_schema = 'dms_stage' and table_name = 'people' and column_name in ('name', 'seen', 'notes') order by column_name"));
        Assert.Equal(["1|1"], await installation.QueryAsync("select count(*), (select count(*) from dms_stage.load_ledger) from dms_stage.change_files"));
    }

    [Fact]
    public void As_many_files_are_found_at_once_as_one_payload_of_the_history_takes_however_long_their_names_are()
    {
        var folder = string.Concat(Enumerable.Repeat("é", 400));
        var tables = new[] { "A", "B", "C" }.Select(table => new TableChanges("HR", table, false, [.. Enumerable.Range(0, 150).Select(number => new FoundFile($"s3://bucket/{folder}/HR/{table}/20240301-{number:D9}.csv", 1, "etag"))])).ToList();

        var taken = FindChanges.Take(tables, out var all);
        var few = FindChanges.Take([.. tables.Take(1)], out var allOfFew);

        Assert.False(all);
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(new FoundChanges(taken, true, 0, null, [])).Length, 256 << 10, 600 << 10);
        Assert.Equal(tables[0].Files, taken[0].Files);
        Assert.Equal(tables[1].Files.Take(taken[1].Files.Count), taken[1].Files);
        Assert.Equal((true, 150), (allOfFew, Assert.Single(few).Files.Count));
    }

    [Fact]
    public async Task One_object_is_applied_by_itself()
    {
        await using var installation = await StartAsync();
        Drop(installation);

        var run = await RunAsync(installation, new { @object = "local://dms/HR/PEOPLE/LOAD00000001.csv" });

        Assert.Equal("dms_stage.people", run.Output!.Value.GetProperty("table").GetString());
        Assert.Equal(["3"], await installation.QueryAsync("select count(*) from dms_stage.people"));
    }

    [Fact]
    public async Task Refused_rows_lie_beside_the_files_with_rule_reason_source_and_line()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", "ID,NAME,PAID,SEEN,NOTES\n1,Ann,much,NULL,NULL\n2,Bo,1.00,NULL,NULL\n");

        var run = await RunAsync(installation);

        var refused = run.Output!.Value.GetProperty("quarantineObject").GetString()!;
        Assert.StartsWith("local://dms/quarantine/HR/PEOPLE/refused-", refused, StringComparison.Ordinal);
        Assert.Equal("rule,reason,source,line,column,raw\ntype,\"'much' does not fit numeric(8,2)\",local://dms/HR/PEOPLE/LOAD00000001.csv,2,paid,\"1,Ann,much,NULL,NULL\"\n", installation.Read(refused));
        Assert.Equal((2, 1, 1), (Number(run.Output!.Value, "rowsIn"), Number(run.Output!.Value, "loaded"), Number(run.Output!.Value, "quarantined")));
        Assert.Equal(0, Number((await RunAsync(installation)).Output!.Value, "rowsIn"));
    }

    [Fact]
    public async Task Long_values_are_cut_at_32_kb_and_counted()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", $"ID,NAME,PAID,SEEN,NOTES\n1,Ann,1.00,NULL,{new string('é', 40_000)}\n");

        var cut = await RunAsync(installation);

        Assert.Equal(1, Number(cut.Output!.Value, "lobsCut"));
        Assert.Equal(["16384|32768"], await installation.QueryAsync("select length(notes), octet_length(notes) from dms_stage.people"));
    }

    [Fact]
    public async Task Deletes_are_soft_where_the_settings_say_so()
    {
        await using var installation = await StartAsync();
        Drop(installation);

        await RunAsync(installation, new { deletes = "soft" });

        Assert.Equal(["1|False", "2|True", "3|False", "4|False"], await installation.QueryAsync("select id, _deleted from dms_stage.people order by id"));
    }

    [Fact]
    public async Task A_table_whose_batch_fails_is_as_it_was_and_the_others_are_applied()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", People);
        await RunAsync(installation);
        await installation.ExecuteAsync("alter table dms_stage.people add check (paid < 14)");
        installation.Drop("local://dms/HR/PEOPLE/20240301-101112123.csv", Changes);
        installation.Drop("local://dms/HR/PLACES/LOAD00000001.csv", "CODE,YEAR,NAME\nDE,2023,Ulm\n");

        var run = await installation.RunAsync("oracle", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("1 of 2 tables failed", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("dms_stage.people refuses the rows", run.Failure.Message, StringComparison.Ordinal);
        Assert.Contains("failed at apply", (await installation.SlackAsync())[^1].Text, StringComparison.Ordinal);
        Assert.Equal(["1|Ann", "2|Bo", "3|Cy"], await installation.QueryAsync("select id, name from dms_stage.people order by id"));
        Assert.Equal(["1"], await installation.QueryAsync("select count(*) from dms_stage.places"));
    }

    [Fact]
    public async Task Files_that_look_like_changes_and_are_not_understood_are_counted_and_one_is_named()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", "ID,NAME,PAID,SEEN,NOTES\n1,Ann,much,NULL,NULL\n");
        installation.Drop("local://dms/HR/PEOPLE/changes.csv.gz", "?");
        installation.Drop("local://dms/HR/PEOPLE/readme.txt", "?");
        await RunAsync(installation);

        var run = await RunAsync(installation);

        Assert.Equal((1, "local://dms/HR/PEOPLE/changes.csv.gz"), (Number(run.Output!.Value, "notUnderstood"), run.Output!.Value.GetProperty("firstNotUnderstood").GetString()));
    }

    [Theory]
    [InlineData("local://dms/HR/LOAD_LEDGER/LOAD00000001.csv", "HR.LOAD_LEDGER would be dms_stage.load_ledger, which is kept")]
    [InlineData("local://dms/HR/OTHER/LOAD00000001.csv", "The key of HR.OTHER is not known")]
    [InlineData("local://dms/SALES/PEOPLE/LOAD00000001.csv", "HR.PEOPLE and SALES.PEOPLE would both be dms_stage.people")]
    public async Task What_cannot_be_applied_is_named_before_anything_is(string address, string says)
    {
        await using var installation = await StartAsync();
        Drop(installation);
        installation.Drop(address, "ID\n1\n");

        var run = await installation.RunAsync("oracle", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(["True"], await installation.QueryAsync("select to_regclass('dms_stage.people') is null"));
    }

    [Fact]
    public async Task Settings_that_will_not_do_are_all_named()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("oracle", "oracle-to-warehouse", new
        {
            @object = "nowhere",
            delimiter = "ab",
            lobLimitKb = -1,
            deletes = "never",
            replicationTask = "hr",
            pollEvery = "00:00:00",
            tables = new[] { new { name = "PEOPLE", types = new[] { "PAID numeric(8,2); drop table x" } } },
        });

        var wrong = await Assert.ThrowsAsync<SettingsException>(() => installation.StartServiceAsync());

        Assert.Equal(
            ["Object", "Delimiter", "LobLimitKb", "Deletes", "ReplicationTask", "PollEvery", "Tables:0:Name", "Tables:0:Types"],
            new[] { "Object", "Delimiter", "LobLimitKb", "Deletes", "ReplicationTask", "PollEvery", "Tables:0:Name", "Tables:0:Types" }
                .Where(name => wrong.Errors.Any(error => error.Key.Equals($"Pipelines:oracle:Options:{name}", StringComparison.OrdinalIgnoreCase))));
    }

    [Fact]
    public async Task The_task_is_started_waited_for_and_its_statistics_reported()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        await PutTaskAsync(installation, new("hr", "full-load-and-cdc", Ends: null, Seconds: 0.3) { Tables = [new("HR", "PEOPLE", 3, Inserts: 1, Updates: 2, Deletes: 1)] });

        var run = await RunAsync(installation, Replicating());
        await RunAsync(installation, Replicating());

        var table = Assert.Single(run.Output!.Value.GetProperty("statistics").EnumerateArray());
        Assert.Equal(("PEOPLE", 3, 1, 2, 1), (table.GetProperty("table").GetString(), Number(table, "fullLoadRows"), Number(table, "inserts"), Number(table, "updates"), Number(table, "deletes")));
        Assert.Equal(["start-replication"], await StartsAsync(installation));
        Assert.Equal(["3"], await installation.QueryAsync("select count(*) from dms_stage.people"));
    }

    [Fact]
    public async Task A_task_that_fails_fails_the_run_with_its_reason_and_the_next_run_resumes_it()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        await PutTaskAsync(installation, new("hr", "full-load-and-cdc", Ends: "failed", LastFailure: "ORA-01291: missing logfile", Seconds: 0.1));

        var failed = await installation.RunAsync("oracle", Replicating());
        await PutTaskAsync(installation, new("hr", "full-load-and-cdc", Ends: null, Seconds: 0.1));
        await RunAsync(installation, Replicating());

        Assert.Equal(OrchestrationRuntimeStatus.Failed, failed.Status);
        Assert.Contains("ORA-01291", failed.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(["start-replication", "resume-processing"], await StartsAsync(installation));
    }

    [Fact]
    public async Task A_start_whose_answer_is_lost_is_not_made_again()
    {
        await using var installation = await StartAsync();
        await PutTaskAsync(installation, new("hr", Seconds: 0.1));
        using var http = new HttpClient { BaseAddress = installation.Address };
        using var fault = await http.PostAsJsonAsync("/local/aws/faults", new LocalAwsFault(Times: 1, "dms", "StartReplicationTask", "InternalFailure", Status: 500, AfterEffect: true), TestContext.Current.CancellationToken);

        await RunAsync(installation, Replicating());

        Assert.Equal(["start-replication"], await StartsAsync(installation));
    }

    [Theory]
    [InlineData("continue", "is starting after 00:00:01")]
    [InlineData("reload", "is reloaded only when it is stopped")]
    public async Task A_task_that_does_not_get_on_is_not_waited_for_for_ever_and_one_that_runs_is_not_reloaded(string mode, string says)
    {
        await using var installation = await StartAsync();
        await PutTaskAsync(installation, new("hr", Seconds: 600));
        var input = new { replicationTask = LocalDms.TaskArn("hr"), pollEvery = "00:00:00.2000000", replicateWithin = "00:00:01" };
        await installation.RunAsync("oracle", input);

        var run = await installation.RunAsync("oracle", new { input.replicationTask, input.pollEvery, input.replicateWithin, replication = mode });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        Assert.Single(await StartsAsync(installation));
    }

    [Fact]
    public async Task A_reload_takes_the_place_of_what_was_loaded()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        DropOld(installation, "local://dms/HR/PEOPLE/LOAD00000002.csv", "ID,NAME,PAID,SEEN,NOTES\n9,Stale,1.00,NULL,NULL\n");
        DropOld(installation, "local://dms/HR/PLACES/LOAD00000001.csv", "CODE,YEAR,NAME\nDE,2023,Ulm\n");
        installation.Drop("local://dms/HR/PLACES/20240301-101112123.csv", "Op,AR_H_CHANGE_SEQ,CODE,YEAR,NAME\nI,1,DE,2024,Bonn\n");
        await PutTaskAsync(installation, new("hr", Seconds: 0.1));
        await RunAsync(installation, Replicating());

        var run = await ReloadAsync(
            installation,
            [new("HR", "PEOPLE", 1), new("HR", "PLACES", 0)],
            () => installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", "ID,NAME,PAID,SEEN,NOTES\n2,again,1.00,NULL,NULL\n"));
        await RunAsync(installation);

        Assert.Equal(["2|again"], await installation.QueryAsync("select id, name from dms_stage.people"));
        Assert.Equal(["Ulm", "Bonn"], await installation.QueryAsync("select name from dms_stage.places order by year"));
        Assert.Equal(["start-replication", "reload-target"], await StartsAsync(installation));
        Assert.Equal(["HR.PLACES"], run.Output!.Value.GetProperty("notReloaded").EnumerateArray().Select(table => table.GetString()));
    }

    [Fact]
    public async Task A_full_load_that_the_task_writes_once_more_is_loaded_once_more_and_another_task_s_is_not()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        installation.Drop("local://dms/HR/PLACES/LOAD00000001.csv", "CODE,YEAR,NAME\nDE,2023,Ulm\n");
        installation.Drop("local://dms/HR/PLACES/20240301-101112123.csv", "Op,AR_H_CHANGE_SEQ,CODE,YEAR,NAME\nI,1,DE,2024,Bonn\n");
        await PutTaskAsync(installation, new("hr", Seconds: 0.1));
        await RunAsync(installation, Replicating());
        await installation.ExecuteAsync("update dms_stage.people set name = 'by hand'");

        await ReloadAsync(installation, [new("hr", "people", 3)], () =>
        {
            installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", People);
            installation.Drop("local://dms/HR/PLACES/LOAD00000001.csv", "CODE,YEAR,NAME\nDE,2023,Ulm\n");
        });

        Assert.Equal(["1|Ann", "2|Bo", "3|Cy"], await installation.QueryAsync("select id, name from dms_stage.people order by id"));
        Assert.Equal(["Ulm", "Bonn"], await installation.QueryAsync("select name from dms_stage.places order by year"));
    }

    [Theory]
    [InlineData("Table completed", null, true)]
    [InlineData("Table completed", 1000.0, true)]
    [InlineData("Table completed", 999.0, false)]
    [InlineData("Full load", null, false)]
    [InlineData("Table error", 1001.0, false)]
    public void A_table_is_loaded_anew_where_DMS_says_so_since_the_task_was_started(string state, double? ended, bool isLoaded)
    {
        var replicated = new Replicated(new("arn", "hr", "stopped", "full-load", null, null, 100, StartedAt: 1000.7), [new("HR", "PEOPLE", state, 1, 0, 0, 0, 0, 0, ended)]);

        Assert.Equal((isLoaded, false), (replicated.HasLoaded("hr", "People"), replicated.HasLoaded("HR", "PLACES")));
        Assert.Equal((true, false), (replicated.IsSince(DateTimeOffset.FromUnixTimeSeconds(1000)), replicated.IsSince(DateTimeOffset.FromUnixTimeSeconds(999))));
    }

    [Fact]
    public async Task A_reload_that_fails_in_a_later_file_leaves_the_table_as_it_was()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        await PutTaskAsync(installation, new("hr", Seconds: 0.1));
        await RunAsync(installation, Replicating());
        await installation.ExecuteAsync("alter table dms_stage.people add check (paid < 15)");

        var run = await ReloadAsync(
            installation,
            [new("HR", "PEOPLE", 2)],
            () =>
            {
                installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", "ID,NAME,PAID,SEEN,NOTES\n2,again,1.00,NULL,NULL\n");
                installation.Drop("local://dms/HR/PEOPLE/LOAD00000002.csv", "ID,NAME,PAID,SEEN,NOTES\n3,again,99.00,NULL,NULL\n");
            });

        Assert.Contains("dms_stage.people refuses the rows", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(["1|Anne", "3|Cy", "4|Di"], await installation.QueryAsync("select id, name from dms_stage.people order by id"));
    }

    [Fact]
    public async Task A_table_that_fails_in_DMS_is_as_it_was_the_others_are_loaded_and_the_run_says_which()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        await PutTaskAsync(installation, new("hr", Seconds: 0.1));
        await RunAsync(installation, Replicating());

        var run = await ReloadAsync(
            installation,
            [new("HR", "PEOPLE", 1, State: "Table error"), new("HR", "PLACES", 1)],
            () =>
            {
                installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", "ID,NAME,PAID,SEEN,NOTES\n7,half,1.00,NULL,NULL\n");
                installation.Drop("local://dms/HR/PLACES/LOAD00000001.csv", "CODE,YEAR,NAME\nDE,2023,Ulm\n");
            });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("1 of 2 tables of the replication task hr failed in DMS and are as they were", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("HR.PEOPLE: Table error", run.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(["1|Anne", "3|Cy", "4|Di"], await installation.QueryAsync("select id, name from dms_stage.people order by id"));
        Assert.Equal(["Ulm"], await installation.QueryAsync("select name from dms_stage.places"));
    }

    [Fact]
    public async Task A_reload_whose_files_are_elsewhere_fails_and_changes_nothing()
    {
        await using var installation = await StartAsync();
        DropOld(installation, "local://dms/HR/PEOPLE/LOAD00000001.csv", People);
        await PutTaskAsync(installation, new("hr", Seconds: 0.1));
        await RunAsync(installation, Replicating());

        var run = await ReloadAsync(
            installation, [new("HR", "PEOPLE", 1)], () => installation.Drop("local://elsewhere/HR/PEOPLE/LOAD00000001.csv", "ID,NAME,PAID,SEEN,NOTES\n2,again,1.00,NULL,NULL\n"));

        Assert.Contains("DMS has loaded HR.PEOPLE anew, but under local://dms/ is no full load of it that is new", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(["3"], await installation.QueryAsync("select count(*) from dms_stage.people"));
    }

    [Theory]
    [InlineData(40, "Stop Reason NORMAL", "stopped after 40 % of its full load: Stop Reason NORMAL")]
    [InlineData(100, "Stop Reason STOPPED_DUE_TO_LOW_DISK", "stopped: Stop Reason STOPPED_DUE_TO_LOW_DISK")]
    public async Task A_task_that_stops_before_it_has_delivered_fails_the_run_and_nothing_is_applied(int progress, string reason, string says)
    {
        await using var installation = await StartAsync();
        Drop(installation);
        await PutTaskAsync(installation, new("hr", Seconds: 0.05) { FullLoadProgress = progress, StopReason = reason });

        var run = await installation.RunAsync("oracle", Replicating());

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(["True"], await installation.QueryAsync("select to_regclass('dms_stage.people') is null"));
    }

    [Fact]
    public async Task A_full_load_that_was_stopped_half_way_is_resumed()
    {
        await using var installation = await StartAsync();
        Drop(installation);
        await PutTaskAsync(installation, new("hr", Seconds: 0.05) { FullLoadProgress = 40, StopReason = "Stop Reason NORMAL" });
        await installation.RunAsync("oracle", Replicating());
        await PutTaskAsync(installation, new("hr", Seconds: 0.05));

        await RunAsync(installation, Replicating());

        Assert.Equal(["start-replication", "resume-processing"], await StartsAsync(installation));
    }

    [Theory]
    [InlineData("stopping", "reload", "start-replication,reload-target")]
    [InlineData("stopping", "continue", "start-replication,resume-processing")]
    [InlineData("modifying", "continue", "start-replication,resume-processing")]
    [InlineData("creating", "continue", "start-replication")]
    public async Task A_task_on_its_way_to_another_state_is_waited_for_and_then_started(string status, string mode, string starts)
    {
        await using var installation = await StartAsync();
        var task = new LocalDmsTask("hr", "full-load-and-cdc", Seconds: 0.05);
        await PutTaskAsync(installation, task);
        if (status != "creating")
        {
            await RunAsync(installation, Replicating());
        }

        await PutTaskAsync(installation, task with { Holds = status });
        var run = await installation.Client.StartAsync("oracle", JsonSerializer.SerializeToNode(Replicating(mode)), null, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => (await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken)).Any(happened => happened.Type == "TimerFired"));
        await PutTaskAsync(installation, task);

        var ended = await installation.Client.WaitAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.True(ended.Status == OrchestrationRuntimeStatus.Completed, ended.Failure?.Message);
        Assert.Equal(starts, string.Join(',', await StartsAsync(installation)));
    }

    [Fact]
    public async Task A_task_that_is_not_there_is_named()
    {
        await using var installation = await StartAsync();

        var run = await installation.RunAsync("oracle", Replicating());

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains($"There is no replication task {LocalDms.TaskArn("hr")}", run.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_killed_after_each_activity_ends_with_the_same_tables()
    {
        await using var installation = await CreateAsync();
        Drop(installation);
        installation.Drop("local://dms/HR/PEOPLE/20240302-000000000.csv", Changes.Replace("20240301", "20240302", StringComparison.Ordinal).Replace("I,", "U,", StringComparison.Ordinal).Replace("Anne", "Last", StringComparison.Ordinal));
        installation.Data.Create();
        await new LocalDms(installation.Data.Path, TimeProvider.System).PutTaskAsync(new("hr", Seconds: 0.1), TestContext.Current.CancellationToken);

        var killed = await KilledRun.CompleteAsync(installation, "oracle", new { replicationTask = LocalDms.TaskArn("hr"), pollEvery = "00:00:00.2000000", batchFiles = 1 });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.All(["LookAtReplication", "StartReplication", "ReadTableStatistics", "FindChanges", "ApplyChanges"], step => Assert.Contains(killed.Kills, kill => kill.Contains(step, StringComparison.Ordinal)));
        Assert.Equal(["1|Last", "3|Cy", "4|Di"], await installation.QueryAsync("select id, name from dms_stage.people order by id"));
        Assert.Equal(["3|3"], await installation.QueryAsync("select count(*), (select count(*) from dms_stage.change_files) from dms_stage.load_ledger"));
        Assert.Equal((11, 3), (Number(killed.Run.Output!.Value, "rowsIn"), Number(killed.Run.Output!.Value, "files")));
        Assert.Single(await new LocalDms(installation.Data.Path, TimeProvider.System).ReadStartsAsync(TestContext.Current.CancellationToken));
    }

    private static object Replicating(string mode = "continue") => new { replicationTask = LocalDms.TaskArn("hr"), pollEvery = "00:00:00.1000000", replication = mode, replicateWithin = "00:01:00", batchFiles = 1 };

    /// <summary>A reload whose files are written while it runs.</summary>
    private static async Task<Run> ReloadAsync(Installation installation, IReadOnlyList<LocalDmsTable> tables, Action write)
    {
        await PutTaskAsync(installation, new("hr", Seconds: 600));
        var started = (await StartsAsync(installation)).Length;
        var run = await installation.Client.StartAsync("oracle", JsonSerializer.SerializeToNode(Replicating("reload")), null, TestContext.Current.CancellationToken);
        await Eventually.TrueAsync(async () => (await StartsAsync(installation)).Length > started);
        write();
        await PutTaskAsync(installation, new("hr") { Holds = "stopped", Tables = tables });
        return await installation.Client.WaitAsync(run.Instance, TestContext.Current.CancellationToken);
    }

    private async Task<Installation> CreateAsync()
    {
        var installation = (await Installation.CreateAsync(postgres)).With("oracle", "oracle-to-warehouse", new
        {
            @object = "local://dms/",
            ddl = "local://oracle/hr.sql",
            orderColumn = "AR_H_CHANGE_SEQ",
            slack = "local:etl",
        });
        installation.Drop("local://oracle/hr.sql", Ddl);
        return installation;
    }

    private async Task<Installation> StartAsync() => await (await CreateAsync()).StartServiceAsync();

    private static void Drop(Installation installation)
    {
        installation.Drop("local://dms/HR/PEOPLE/LOAD00000001.csv", People);
        installation.Drop("local://dms/HR/PEOPLE/20240301-101112123.csv", Changes);
    }

    /// <summary>As one that was written long before.</summary>
    private static void DropOld(Installation installation, string address, string content)
    {
        installation.Drop(address, content);
        File.SetLastWriteTimeUtc(Path.Combine(installation.Data.Objects, address["local://".Length..]), DateTime.UnixEpoch.AddYears(40));
    }

    private static async Task<Run> RunAsync(Installation installation, object? input = null)
    {
        var run = await installation.RunAsync("oracle", input ?? new { });
        Assert.True(run.Status == OrchestrationRuntimeStatus.Completed, run.Failure?.Message);
        return run;
    }

    private static async Task PutTaskAsync(Installation installation, LocalDmsTask task)
    {
        using var http = new HttpClient { BaseAddress = installation.Address };
        using var response = await http.PostAsJsonAsync("/local/aws/dms/tasks", task, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private static async Task<string[]> StartsAsync(Installation installation)
    {
        using var http = new HttpClient { BaseAddress = installation.Address };
        return [.. (await http.GetFromJsonAsync<LocalDmsStart[]>("/local/aws/dms/starts", TestContext.Current.CancellationToken))!.Select(start => start.Type)];
    }

    private static long Number(JsonElement element, string name) => element.GetProperty(name).GetInt64();
}
