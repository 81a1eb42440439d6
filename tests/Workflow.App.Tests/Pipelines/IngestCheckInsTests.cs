using System.Text.Json;
using Workflow.App.Api;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.App.Pipelines.IngestCheckIns;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>ingest-check-ins whole: real files, a real database, and the stand-in for Slack.</summary>
public sealed class IngestCheckInsTests(PostgresFixture postgres)
{
    private const string Landed = "local://landing/check-ins/table=dailycheckins/year=2024/month=3/day=3/dailycheckins.csv";
    private const string Header = "user,timestamp,hours,project\n";

    private const string Good = Header
        + "ned,26 сентября 2019 00:00,4.0,bizdev\n"
        + "catelyn,2018-11-26 14:47:36.0429 UTC,0.085,security\n"
        + "arya,02/28/2018 12:05 AM,1.5,project-00\n"
        + "arya,02/28/2018 12:05 AM,1.5,project-00\n";

    private const string Mixed = Header
        + "ned,26 сентября 2019 00:00,4.0,bizdev\n"
        + ",2018-11-26 14:47:36 UTC,1,security\n"
        + "arya,30 февраля 2019 10:00,99,project-00\n"
        + "bran,2018-11-26 14:47:36 UTC\n";

    private const string Rows = """set timezone = 'UTC'; select id, username, project, hours, "timestamp"::text from daily_checkins order by id""";

    [Fact]
    public async Task A_file_is_transformed_tested_and_loaded()
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, Good);

        var run = await RunAsync(installation);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal((4, 4, 0, 0), Balance(run));
        Assert.Equal(
            [
                "1|ned|bizdev|4.00|2019-09-26 00:00:00+00",
                "2|catelyn|security|0.09|2018-11-26 14:47:36.0429+00",
                "3|arya|project-00|1.50|2018-02-28 00:05:00+00",
                "4|arya|project-00|1.50|2018-02-28 00:05:00+00",
            ],
            await installation.QueryAsync(Rows));
        Assert.Equal(
            ["state=tested/table=dailycheckins/year=2024/month=3/day=3/dailycheckins.csv", "state=transformed/table=dailycheckins/year=2024/month=3/day=3/dailycheckins.csv"],
            installation.Objects("staging").Select(name => $"{name.Split('.')[0]}.csv"));
        Assert.All(installation.Objects("staging"), name => Assert.Equal(["SNAPPY"], installation.Compressions($"local://staging/{name}")));
        Assert.Equal(Good, installation.Read(Landed));
        var message = Assert.Single(await installation.SlackAsync()).Text;
        Assert.StartsWith($"Ingestion Success: {Landed} into daily_checkins (", message, StringComparison.Ordinal);
        Assert.EndsWith("4 rows in, 4 loaded, 0 quarantined, 0 skipped.", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hard_testing_stops_before_the_load_and_keeps_the_failed_rows_by_rule()
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, Mixed);

        var run = await RunAsync(installation);

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("3 of 4 rows fail the test, and nothing was loaded", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal([""], await installation.QueryAsync("select coalesce(to_regclass('daily_checkins')::text, '')"));
        Assert.Equal(["hours_in_range", "record_whole", "timestamp_read", "user_present"], Failed(installation));
        var failed = installation.Objects("staging").Single(name => name.EndsWith("/user_present.csv", StringComparison.Ordinal));
        Assert.StartsWith("state=failed_tests/table=dailycheckins/year=2024/month=3/day=3/dailycheckins.", failed, StringComparison.Ordinal);
        Assert.Equal(
            $"rule,reason,source,line,user,timestamp,hours,project,raw\nuser_present,no user,{Landed},3,,2018-11-26 14:47:36 UTC,1,security,\n",
            installation.Read($"local://staging/{failed}"));
        var message = Assert.Single(await installation.SlackAsync()).Text;
        Assert.StartsWith("Ingestion Fail: ", message, StringComparison.Ordinal);
        Assert.Contains("at test: 3 of 4 rows fail the test", message, StringComparison.Ordinal);
        Assert.Contains(failed, message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Soft_testing_quarantines_the_failed_rows_and_goes_on()
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, Mixed);

        var run = await RunAsync(installation, new { @object = Landed, hardTesting = false });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal((4, 1, 3, 0), Balance(run));
        Assert.Equal(["1|ned|bizdev|4.00|2019-09-26 00:00:00+00"], await installation.QueryAsync(Rows));
        Assert.Equal(["4|1|3|0"], await installation.QueryAsync("select rows_in, loaded, quarantined, skipped from load_ledger"));
        Assert.Equal(
            ["record_whole 1", "user_present 1", "timestamp_read 1", "hours_in_range 1"],
            run.Output!.Value.GetProperty("failedRules").EnumerateArray().Select(rule => $"{rule.GetProperty("rule")} {rule.GetProperty("rows")}"));
        Assert.Equal(["hours_in_range", "record_whole", "timestamp_read", "user_present"], Failed(installation));
    }

    [Fact]
    public async Task A_wider_limit_takes_back_what_a_stricter_run_had_set_aside()
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, Header + "ned,2018-11-26 14:47:36 UTC,30,bizdev\n");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await RunAsync(installation)).Status);
        Assert.Equal(["hours_in_range"], Failed(installation));
        Assert.Equal((1, 1, 0, 0), Balance(await RunAsync(installation, new { @object = Landed, mostHours = 31.5 })));
        Assert.Empty(Failed(installation));
    }

    [Fact]
    public async Task Rows_that_were_quarantined_are_loaded_once_when_a_later_run_lets_them_pass()
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, Header
            + "ned,2018-11-26 14:47:36 UTC,30,bizdev\n"
            + "arya,02/28/2018 12:05 AM,1.5,project-00\n"
            + "arya,02/28/2018 12:05 AM,1.5,project-00\n"
            + "bran,2018-11-26 14:47:36 UTC,40,bizdev\n");

        Assert.Equal((4, 2, 2, 0), Balance(await RunAsync(installation, new { @object = Landed, hardTesting = false })));
        Assert.Equal((4, 1, 1, 2), Balance(await RunAsync(installation, new { @object = Landed, hardTesting = false, mostHours = 31.5 })));
        Assert.Equal((4, 1, 0, 3), Balance(await RunAsync(installation, new { @object = Landed, mostHours = 40 })));
        Assert.Equal((4, 0, 0, 4), Balance(await RunAsync(installation, new { @object = Landed, mostHours = 40 })));

        Assert.Equal(["arya|1.50", "arya|1.50", "ned|30.00", "bran|40.00"], await installation.QueryAsync("select username, hours from daily_checkins order by id"));
        Assert.Empty(Failed(installation));
    }

    [Fact]
    public async Task What_was_quarantined_stays_so_until_it_is_loaded()
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, Header + "ned,2018-11-26 14:47:36 UTC,30,bizdev\n");
        await RunAsync(installation, new { @object = Landed, hardTesting = false });
        await installation.ExecuteAsync("alter table daily_checkins rename column hours to duration");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await RunAsync(installation, new { @object = Landed, mostHours = 31.5 })).Status);
        Assert.Equal(["hours_in_range"], Failed(installation));
    }

    [Fact]
    public async Task The_same_file_again_adds_nothing_and_another_adds_its_rows()
    {
        const string nextDay = "local://landing/check-ins/table=dailycheckins/year=2024/month=3/day=4/dailycheckins.csv";
        await using var installation = await StartAsync();
        installation.Drop(Landed, Good);
        installation.Drop(nextDay, Good);

        Assert.Equal((4, 4, 0, 0), Balance(await RunAsync(installation)));
        Assert.Equal((4, 0, 0, 4), Balance(await RunAsync(installation)));
        Assert.Equal((4, 0, 0, 4), Balance(await RunAsync(installation, new { @object = nextDay })));
        installation.Drop(nextDay, Header + "arya,02/28/2018 12:05 AM,1.5,project-00\nned,02/28/2018 12:05 PM,1,project-01\n");
        Assert.Equal((2, 2, 0, 0), Balance(await RunAsync(installation, new { @object = nextDay })));

        Assert.Equal(["6|3"], await installation.QueryAsync("select count(*), count(*) filter (where username = 'arya') from daily_checkins"));
    }

    [Fact]
    public async Task Files_that_land_are_loaded_by_themselves()
    {
        await using var installation = await StartAsync(watch: "local://landing/check-ins/");
        installation.Drop(Landed, Good);
        installation.Drop(Landed.Replace("day=3", "day=4", StringComparison.Ordinal), Header + "ned,2018-11-26 14:47:36 UTC,3,bizdev\n");

        await Eventually.TrueAsync(async () => (await installation.QueryAsync("select coalesce(to_regclass('daily_checkins')::text, '')"))[0].Length > 0
            && (await installation.QueryAsync("select count(*) from daily_checkins"))[0] == "5");

        await Eventually.TrueAsync(async () => (await installation.SlackAsync()).Count == 2);
        Assert.All(await installation.SlackAsync(), message => Assert.StartsWith("Ingestion Success", message.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "The file 'dailycheckins.csv' is empty")]
    [InlineData("user,timestamp,hours\n", "has the columns user, timestamp, hours")]
    public async Task A_file_that_is_none_of_check_ins_fails_at_once(string content, string says)
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, content);

        var run = await RunAsync(installation);

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "TransformCheckIns"), (run.Status, run.Failure!.Step));
        Assert.Contains(says, run.Failure.Message, StringComparison.Ordinal);
        Assert.Contains("at transform: ", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
        var history = await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.Single(history, entry => entry is { Type: "TaskScheduled", Name: "TransformCheckIns" });
    }

    [Fact]
    public async Task A_file_without_rows_completes_and_one_of_bad_rows_only_loads_none()
    {
        await using var installation = await StartAsync();
        installation.Drop(Landed, Header);
        Assert.Equal((0, 0, 0, 0), Balance(await RunAsync(installation)));

        installation.Drop(Landed, Header + ",x,y,\n,x,y,\n");
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await RunAsync(installation)).Status);
        Assert.Equal((2, 0, 2, 0), Balance(await RunAsync(installation, new { @object = Landed, hardTesting = false })));
        Assert.Equal(["0"], await installation.QueryAsync("select count(*) from daily_checkins"));
    }

    [Fact]
    public async Task A_table_of_another_shape_is_named_and_left_as_it_was()
    {
        await using var installation = await StartAsync();
        await installation.ExecuteAsync("create table daily_checkins (id int, username text, project int); insert into daily_checkins values (1, 'ned', 2)");
        installation.Drop(Landed, Good);

        var run = await RunAsync(installation);

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "LoadCheckIns"), (run.Status, run.Failure!.Step));
        Assert.Contains("public.daily_checkins", run.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(["1|ned|2"], await installation.QueryAsync("select * from daily_checkins"));
        Assert.Equal(["0"], await installation.QueryAsync("select count(*) from load_ledger"));
        Assert.Contains("at load: ", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_files_of_one_minute_have_ids_of_their_own()
    {
        await using var installation = await StartAsync();
        var other = Landed.Replace("day=3", "day=4", StringComparison.Ordinal);
        installation.Drop(Landed, Good);
        installation.Drop(other, Good);

        await Task.WhenAll(RunAsync(installation), RunAsync(installation, new { @object = other }));

        Assert.Equal(2, (await installation.SlackAsync()).Select(message => message.Text.Split('(', ')')[1]).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(["4"], await installation.QueryAsync("select count(*) from daily_checkins"));
    }

    [Fact]
    public void The_topic_is_told_the_state_the_run_and_the_counts()
    {
        var input = new IngestCheckInsInput { Object = Landed };
        var result = new IngestCheckInsResult { RowsIn = 4, Loaded = 1, Quarantined = 3 };

        var success = IngestionMessage.Of(input, new("20240301-A001", "load", result, null));
        var fail = IngestionMessage.Of(input, new("20240301-A002", "test", null, "3 of 4 rows fail"));

        Assert.Equal("Ingestion Success", success.Subject);
        Assert.Equal(
            $$"""{"status":"Ingestion Success","latestState":"load","ingestedID":"20240301-A001","ingestedTable":"daily_checkins","object":"{{Landed}}","rowsIn":4,"loaded":1,"quarantined":3,"skipped":0}""",
            success.Json);
        Assert.Equal(
            $$"""{"status":"Ingestion Fail","latestState":"test","ingestedID":"20240301-A002","ingestedTable":"daily_checkins","object":"{{Landed}}","reason":"3 of 4 rows fail"}""",
            fail.Json);
    }

    [Theory]
    [InlineData("local://landing/a/table=t/year=2024/x.csv", "local://staging/", "local://staging/state=s/table=t/year=2024/x.01234567.parquet")]
    [InlineData("s3://bucket/table=t/x.csv.gz", "s3://other/deep/", "s3://other/deep/state=s/table=t/x.csv.gz.01234567.parquet")]
    [InlineData("local://landing/mytable=t/x", "local://staging/", "local://staging/state=s/mytable=t/x.01234567.parquet")]
    public void Staging_keeps_the_partitions_of_the_landing_key(string landed, string staging, string placed) =>
        Assert.Equal(placed, $"{StagedCheckIns.Place(new() { Object = landed, Staging = staging }, "s", "0123456789abcdef", ".parquet")}");

    [Fact]
    public void By_default_the_end_of_an_ingestion_is_told_to_a_topic()
    {
        using var data = new TempFolder();
        var options = Settings.Load(Settings.Sources(new(data.Path))).Find("ingest-check-ins").Configured;

        Assert.StartsWith("arn:aws:sns:", options.Topic, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_will_not_do_are_named()
    {
        var errors = new SettingErrors();
        new IngestCheckInsInput { Table = "", Staging = "local://staging", MostHours = 0, Object = "local://landing/check-ins/" }.Check(name => name, errors);

        Assert.Equal(["Object", "Table", "Staging", "MostHours"], errors.All.Select(error => error.Key));
    }

    private async Task<Installation> StartAsync(string? watch = null)
    {
        var installation = await Installation.CreateAsync(postgres);
        return await installation.With("check-ins", "ingest-check-ins", new { slack = "local:etl" }, watch)
            .StartServiceAsync(watch is null ? Hosting.ServiceRoles.Worker : Hosting.ServiceRoles.Worker | Hosting.ServiceRoles.Triggers);
    }

    private static Task<Run> RunAsync(Installation installation, object? input = null) => installation.RunAsync("check-ins", input ?? new { @object = Landed });

    private static IEnumerable<string?> Failed(Installation installation) => installation.Objects("staging")
        .Where(name => name.StartsWith("state=failed_tests/", StringComparison.Ordinal)).Select(Path.GetFileNameWithoutExtension);

    private static (long RowsIn, long Loaded, long Quarantined, long Skipped) Balance(Run run)
    {
        Assert.True(run.Status == OrchestrationRuntimeStatus.Completed, $"{run.Failure}");
        return (Number("rowsIn"), Number("loaded"), Number("quarantined"), Number("skipped"));

        long Number(string name) => run.Output!.Value.GetProperty(name).GetInt64();
    }
}
