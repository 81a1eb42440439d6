using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Configuration;
using Workflow.App.Tests.Faults;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>segment-customers whole, in process: a real warehouse, real objects.</summary>
[TakesLong]
public sealed class SegmentCustomersTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Customers_of_a_kind_come_into_one_segment_and_segments_are_numbered_by_what_they_spend()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);

        var run = await installation.RunAsync("segments", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal([40, 40, 40], run.Output!.Value.GetProperty("segments").EnumerateArray().Select(count => count.GetInt32()));
        Assert.InRange(run.Output.Value.GetProperty("silhouette").GetDouble(), 0.7, 1);
        var predictions = Predictions(installation, run);
        Assert.Equal("user_id,segment,distance", predictions[0]);
        Assert.Equal(120, predictions.Count - 1);
        Assert.All(predictions.Skip(1).Select(line => line.Split(',')), row => Assert.Equal((int.Parse(row[0]) % 3) + 1, int.Parse(row[1])));
    }

    [Fact]
    public async Task On_Redshift_the_customers_are_read_there()
    {
        await using var installation = await (await (await Installation.CreateAsync(postgres)).WithRedshiftAsync(postgres)).With("segments", "segment-customers", SegmentCustomersWarehouse.Options).StartServiceAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);

        var run = await installation.RunAsync("segments", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal([40, 40, 40], run.Output!.Value.GetProperty("segments").EnumerateArray().Select(count => count.GetInt32()));
    }

    [Fact]
    public async Task Rows_in_are_loaded_quarantined_or_skipped_and_each_that_was_refused_has_its_reason()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        await installation.ExecuteAsync("""
            update users set is_active = false where user_id in ('1', '2');
            update users set is_active = null where user_id = '3';
            update users set age = 999 where user_id = '4';
            update crm set total_spend = -1 where user_id = 5;
            update crm set total_spend = 'NaN' where user_id = 6;
            update crm set last_purchase_date = '2027-01-01' where user_id = 7;
            update crm set last_purchase_date = '-infinity' where user_id = 8;
            delete from crm where user_id = 9;
            insert into users values ('10', 50, 'm', true), (null, 50, 'm', true);
            insert into crm values (11, 1, '2026-01-01', 'Books')
            """);

        var run = await installation.RunAsync("segments", new { });

        Assert.Equal((123, 109, 12, 2), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "skipped")));
        Assert.Equal(109, Predictions(installation, run).Count - 1);
        Assert.Equal(
            """
            rule,reason,source,user_id
            is_active_present,is_active is missing,public.users,3
            age_range,age is not between 0 and 120,public.users,4
            total_spend_range,total_spend is negative,public.users,5
            total_spend_number,total_spend is no number,public.users,6
            last_purchase_date_range,last_purchase_date is before 1900 or after the run,public.users,7
            last_purchase_date_range,last_purchase_date is before 1900 or after the run,public.users,8
            user_in_crm,the CRM does not know the user,public.users,9
            user_id_unique,user_id comes more than once,public.users,10
            user_id_unique,user_id comes more than once,public.users,10
            user_id_unique,user_id comes more than once,public.users,11
            user_id_unique,user_id comes more than once,public.users,11
            user_id_present,user_id is missing,public.users,
            """,
            Refusals(installation, run));
    }

    [Fact]
    public async Task A_value_that_is_none_of_its_kind_is_its_rows_fault_alone()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        await installation.ExecuteAsync("""
            alter table users alter age type text, alter is_active type text;
            alter table crm alter total_spend type text, alter last_purchase_date type text;
            update users set age = 'unknown' where user_id = '1';
            update users set is_active = 'perhaps' where user_id = '2';
            update users set is_active = 'Yes' where user_id = '3';
            update users set is_active = 'No' where user_id = '4';
            update crm set total_spend = '12,50' where user_id = 5;
            update crm set last_purchase_date = 'yesterday' where user_id = 6;
            update crm set last_purchase_date = '2026-01-01 10:30:00' where user_id = 7
            """);

        var run = await installation.RunAsync("segments", new { });

        Assert.Equal((120, 115, 4, 1), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined"), Number(run, "skipped")));
        Assert.Equal(
            """
            rule,reason,source,user_id
            age_number,age is no number,public.users,1
            is_active_boolean,is_active is neither true nor false,public.users,2
            total_spend_number,total_spend is no number,public.users,5
            last_purchase_date_date,last_purchase_date is no date,public.users,6
            """,
            Refusals(installation, run));
        Assert.Contains("1,unknown,", installation.Read(Text(run, "quarantineObject")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_is_the_latest_once_it_has_told_segments()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        var before = await installation.RunAsync("segments", new { });
        await installation.ExecuteAsync("update crm set total_spend = total_spend * 2");
        var predictions = Path.Combine(installation.Data.Objects, "segments", "predictions");
        Directory.Move(predictions, predictions + "-aside");
        await File.WriteAllTextAsync(predictions, "where a folder has to be", TestContext.Current.CancellationToken);

        var failed = await installation.RunAsync("segments", new { attempts = 1 });

        Assert.Equal((OrchestrationRuntimeStatus.Failed, nameof(App.Pipelines.SegmentCustomers.PredictSegments)), (failed.Status, failed.Failure!.Step));
        Assert.Contains(Text(before, "model"), installation.Read("local://segments/models/segments/latest.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Customers_with_gaps_are_segmented_by_what_is_known_of_them()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        await installation.ExecuteAsync("update users set age = null, gender = null where user_id = '3'; update crm set last_purchase_date = null, product_category = ' ' where user_id = 4; update crm set total_spend = null where user_id = 5");

        var run = await installation.RunAsync("segments", new { });

        Assert.Equal((120, 120), (Number(run, "rowsIn"), Number(run, "loaded")));
        Assert.Equal(["3,1", "4,2", "5,3"], Predictions(installation, run).Skip(3).Take(3).Select(line => line[..3]));
    }

    [Fact]
    public async Task The_same_customers_give_the_same_model_and_predictions_in_whatever_order_they_come()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        var first = await installation.RunAsync("segments", new { });
        await installation.ExecuteAsync("create table other as select * from users order by md5(user_id); drop table users; alter table other rename to users");

        var second = await installation.RunAsync("segments", new { });

        Assert.NotEqual(first.Instance, second.Instance);
        Assert.Equal(Text(first, "model"), Text(second, "model"));
        Assert.Equal(Text(first, "written"), Text(second, "written"));
        Assert.Equal(3, installation.Objects("segments").Count(name => name.StartsWith("models/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_stored_model_tells_segments_by_its_own_rules()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        var trained = await installation.RunAsync("segments", new { });
        await installation.ExecuteAsync("delete from users where user_id::int > 30; update crm set product_category = 'Toys' where user_id = 3");

        var run = await installation.RunAsync("segments", new { model = "latest", date = "2026-02-01" });

        Assert.Equal((Text(trained, "model"), Text(trained, "featureRules")), (Text(run, "model"), Text(run, "featureRules")));
        Assert.Equal([10, 10, 10], run.Output!.Value.GetProperty("segments").EnumerateArray().Select(count => count.GetInt32()));
        Assert.Equal(1, run.Output.Value.GetProperty("unseen").GetProperty("product_category").GetInt32());
        Assert.Equal(Text(run, "written"), Text(await installation.RunAsync("segments", new { model = Text(trained, "model"), date = (string?)null, scheduledFor = "2026-02-01T08:00:00Z" }), "written"));
    }

    [Fact]
    public async Task A_model_with_the_wrong_feature_rules_beside_it_is_refused()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        var trained = await installation.RunAsync("segments", new { });
        var rules = $"local://segments/models/segments/{Text(trained, "model")}/features.json";
        installation.Drop(rules, installation.Read(rules).Replace("books", "boots", StringComparison.Ordinal));
        var before = installation.Objects("segments");

        var run = await installation.RunAsync("segments", new { model = "latest" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains($"trained with feature rules {Text(trained, "featureRules")}, and these are ", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(before, installation.Objects("segments"));
    }

    [Fact]
    public async Task The_number_of_segments_is_searched_for_when_asked()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);

        var run = await installation.RunAsync("segments", new { clusters = 2, searchTo = 6 });

        Assert.Equal(3, run.Output!.Value.GetProperty("clusters").GetInt32());
        var model = JsonNode.Parse(installation.Read($"local://segments/models/segments/{Text(run, "model")}/model.json"))!;
        Assert.Equal([2, 3, 4, 5, 6], model["candidates"]!.AsArray().Select(candidate => (int)candidate!["clusters"]!));
    }

    [Fact]
    public async Task Killed_after_each_activity_it_ends_with_the_same_segments()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("segments", "segment-customers", SegmentCustomersWarehouse.Options);
        await SegmentCustomersWarehouse.FillAsync(installation);

        var killed = await KilledRun.CompleteAsync(installation, "segments", new { });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Equal(["activity:PrepareCustomers", "activity:TrainSegments", "activity:PredictSegments", "activity:Notify"], killed.Kills.Select(kill => kill.Split(' ')[1]));
        var (objects, csv) = (Published(installation), installation.Read(Text(killed.Run, "written")));
        Assert.Equal(7, installation.Objects("segments").Count);
        await installation.StartServiceAsync();
        var undisturbed = await installation.RunAsync("segments", new { });
        Assert.Equal(csv, installation.Read(Text(undisturbed, "written")));
        Assert.Equal(objects, Published(installation));

        static IEnumerable<string> Published(Installation installation) => installation.Objects("segments").Where(name => !name.StartsWith("prepared/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_names_the_others_is_written_after_them_and_the_CSV_last_of_all()
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);

        await installation.RunAsync("segments", new { });

        var names = installation.Objects("segments").OrderBy(name => File.GetLastWriteTimeUtc(Path.Combine(installation.Data.Objects, "segments", name))).Select(Path.GetFileName).ToList();
        Assert.Equal(["features.json", "model.json", "latest.json"], names.Where(name => name!.EndsWith(".json", StringComparison.Ordinal)).Skip(1));
        Assert.Equal([".parquet", ".json", ".csv"], names.TakeLast(3).Select(Path.GetExtension));
    }

    [Fact]
    public void As_shipped_it_runs_daily_at_eight_UTC()
    {
        using var folder = new TempFolder();

        var schedule = Settings.Load(Settings.Sources(new(folder.Path))).Find("segment-customers").Schedule!;

        Assert.Equal(new DateTimeOffset(2026, 11, 22, 8, 0, 0, TimeSpan.Zero), schedule.Schedule.Next(new DateTimeOffset(2026, 11, 21, 8, 0, 0, TimeSpan.Zero)));
    }

    [Theory]
    [InlineData("tables", "drop table crm", "public.crm")]
    [InlineData("customers", "update users set is_active = false", "fewer different rows than the 3 clusters")]
    [InlineData("model", "select 1", "There is no object at local://segments/models/segments/latest.json")]
    public async Task What_is_missing_is_named_and_told(string what, string sql, string says)
    {
        await using var installation = await StartAsync();
        await SegmentCustomersWarehouse.FillAsync(installation);
        await installation.ExecuteAsync(sql);

        var run = await installation.RunAsync("segments", what == "model" ? new { model = "latest" } : (object)new { });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains(says, Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(installation.Objects("segments"), name => name.StartsWith("predictions/", StringComparison.Ordinal));
    }

    private async Task<Installation> StartAsync() =>
        await (await Installation.CreateAsync(postgres)).With("segments", "segment-customers", SegmentCustomersWarehouse.Options).StartServiceAsync();

    /// <summary>The first columns of the quarantine: what was broken, why, and by whom.</summary>
    private static string Refusals(Installation installation, Run run) =>
        string.Join('\n', installation.Read(Text(run, "quarantineObject")).TrimEnd('\n').Split('\n').Select(line => string.Join(',', line.Split(',').Take(4))));

    private static List<string> Predictions(Installation installation, Run run) => [.. installation.Read(Text(run, "written")).TrimEnd('\n').Split('\n')];

    private static int Number(Run run, string name) => run.Output!.Value.GetProperty(name).GetInt32();

    private static string Text(Run run, string name) => run.Output!.Value.GetProperty(name).GetString()!;
}
