using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Api;
using Workflow.App.Hosting;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>csv-to-warehouse whole, on the real hub, the real warehouse and real files.</summary>
public sealed class CsvToWarehouseTests(PostgresFixture postgres)
{
    private const string Users = "user_id,name,postcode\n1,Ann,00123\n2,Bo,04567\n";

    [Fact]
    public async Task A_file_becomes_rows_and_moves_to_processed()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/eu/users.csv", Users);

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/eu/users.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal((2, 2, 0, 0), Counts(run));
        Assert.Equal("local://landing/processed/eu/users.csv", Text(run, "object"));
        Assert.Equal("public.users", Text(run, "table"));
        Assert.Equal(["1|Ann|00123", "2|Bo|04567"], await installation.QueryAsync("select user_id, name, postcode from users order by user_id"));
        Assert.Equal(["processed/eu/users.csv"], installation.Objects("landing"));
        Assert.Equal(["local://landing/csv/eu/users.csv|2|2|0|0"], await installation.QueryAsync("select source, rows_in, loaded, quarantined, skipped from load_ledger"));
    }

    [Fact]
    public async Task The_result_says_which_row_decided_a_type()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/users.csv", Users);

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/users.csv" });

        var postcode = run.Output!.Value.GetProperty("columns").EnumerateArray().Single(column => column.GetProperty("name").GetString() == "postcode");
        Assert.Equal("text", postcode.GetProperty("type").GetString());
        Assert.Contains("00123", postcode.GetProperty("evidence").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_file_again_changes_nothing()
    {
        await using var installation = await StartAsync();
        for (var time = 0; time < 2; time++)
        {
            installation.Drop("local://landing/csv/users.csv", Users);
            var run = await installation.RunAsync("users", new { @object = "local://landing/csv/users.csv" });
            Assert.Equal((2, time == 0 ? 2 : 0, 0, time == 0 ? 0 : 2), Counts(run));
        }

        Assert.Equal(["1|Ann|00123", "2|Bo|04567"], await installation.QueryAsync("select user_id, name, postcode from users order by user_id"));
        Assert.Equal(["processed/users.csv"], installation.Objects("landing"));
    }

    [Fact]
    public async Task Other_content_under_an_equal_name_is_kept_beside_the_first()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/users.csv", Users);
        await installation.RunAsync("users", new { @object = "local://landing/csv/users.csv" });
        installation.Drop("local://landing/csv/users.csv", "user_id,name,postcode\n2,Bob,04567\n");

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/users.csv" });

        Assert.Equal(2, installation.Objects("landing").Count);
        Assert.Equal(Users, installation.Read("local://landing/processed/users.csv"));
        Assert.Equal("user_id,name,postcode\n2,Bob,04567\n", installation.Read(Text(run, "object")!));
        Assert.Equal(["Ann", "Bob"], await installation.QueryAsync("select name from users order by user_id"));
    }

    [Fact]
    public async Task Rows_that_no_table_takes_are_quarantined_with_rule_reason_source_and_line()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/a/users.csv", "user_id,name\n1,Ann\n,no key\n3\n4,\"Di\" x\n5,Eve\n");

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/a/users.csv" });

        Assert.Equal((5, 2, 3, 0), Counts(run));
        Assert.Equal("local://landing/quarantine/a/users.csv", Text(run, "quarantineObject"));
        var lines = installation.Read("local://landing/quarantine/a/users.csv").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("rule,reason,source,line,column,raw", lines[0]);
        Assert.Equal("key,the key is empty,local://landing/csv/a/users.csv,3,user_id,\",no key\"", lines[1]);
        Assert.Equal(["3", "4", "5"], lines.Skip(1).Select(line => line.Split(',')[3]));
        Assert.Equal(["1", "5"], await installation.QueryAsync("select user_id from users order by user_id"));
    }

    [Fact]
    public async Task A_failed_file_moves_to_error_and_is_told_about()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/eu/bad.csv", "id,name\n1,Ann\n");

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/eu/bad.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Equal("LoadCsv", run.Failure!.Step);
        Assert.Contains("user_id", run.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(["error/eu/bad.csv"], installation.Objects("landing"));
        Assert.Empty(await installation.QueryAsync("select 1 from pg_tables where tablename = 'users'"));
        var said = Assert.Single(await installation.SlackAsync());
        Assert.StartsWith("users failed at load on local://landing/csv/eu/bad.csv", said.Text, StringComparison.Ordinal);
        Assert.Contains("local://landing/error/eu/bad.csv", said.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_load_is_told_about_once_for_a_prefix_too()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/day/1.csv", "user_id,name\n1,Ann\n2\n");
        installation.Drop("local://landing/csv/day/2.csv", "user_id,name\n2,Bo\n");

        await installation.RunAsync("users", new { @object = "local://landing/csv/day/" });

        Assert.Contains(
            "users completed on local://landing/csv/day/", Assert.Single(await installation.SlackAsync(), message => message.Text.EndsWith("3 rows in, 2 loaded into public.users, 1 quarantined.", StringComparison.Ordinal)).Text,
            StringComparison.Ordinal);
        Assert.Single(await installation.SlackAsync());
    }

    [Fact]
    public async Task A_prefix_is_loaded_file_by_file_and_summed_up()
    {
        await using var installation = await StartAsync();
        for (var file = 0; file < 6; file++)
        {
            installation.Drop($"local://landing/csv/day/{file}.csv", $"user_id,name\n{file},n{file}\n{file + 100},m{file}\n");
        }

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/day/", atOnce = 3 });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal((12, 12, 0, 0), Counts(run));
        Assert.Equal(6, run.Output!.Value.GetProperty("files").GetInt32());
        Assert.Equal(["12"], await installation.QueryAsync("select count(*) from users"));
        Assert.Equal(Enumerable.Range(0, 6).Select(file => $"processed/day/{file}.csv"), installation.Objects("landing"));
    }

    [Fact]
    public async Task One_bad_file_of_a_prefix_does_not_hold_up_the_others()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/a.csv", Users);
        installation.Drop("local://landing/csv/b.csv", "");
        installation.Drop("local://landing/csv/c.csv", "user_id,name\n9,Io\n");

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.StartsWith("1 of 3 objects failed", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(["error/b.csv", "processed/a.csv", "processed/c.csv"], installation.Objects("landing"));
        Assert.Equal(["3"], await installation.QueryAsync("select count(*) from users"));
    }

    [Fact]
    public async Task An_object_that_is_not_there_is_named()
    {
        await using var installation = await StartAsync();

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/none.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Equal("There is no object at local://landing/csv/none.csv.", run.Failure!.Message);
    }

    [Fact]
    public async Task A_load_whose_connection_is_cut_by_the_server_is_tried_again()
    {
        await using var installation = await StartAsync();
        await installation.ExecuteAsync("create table users (user_id int primary key, name text, postcode text)");
        await using var holder = new NpgsqlConnection(installation.Warehouse);
        await holder.OpenAsync(TestContext.Current.CancellationToken);
        await using var held = await holder.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var hold = new NpgsqlCommand("lock table users in access exclusive mode", holder, held);
        await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        installation.Drop("local://landing/csv/users.csv", Users);
        var running = installation.RunAsync("users", new { @object = "local://landing/csv/users.csv" });

        await Eventually.TrueAsync(async () =>
            await installation.QueryAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") is { Count: > 0 });
        await held.RollbackAsync(TestContext.Current.CancellationToken);
        var run = await running;

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        var history = await installation.Client.HistoryAsync(run.Instance, TestContext.Current.CancellationToken);
        Assert.Equal(2, history.Count(entry => entry is { Type: "TaskScheduled", Name: "LoadCsv" }));
        Assert.Equal(["1"], await installation.QueryAsync("select count(*) from load_ledger"));
    }

    [Fact]
    public async Task Two_pipelines_of_one_kind_load_into_tables_of_their_own()
    {
        await using var installation = await PrepareAsync();
        await installation.With("orders", "csv-to-warehouse", new { table = "orders", key = "id", schema = "sales" }).StartServiceAsync();
        installation.Drop("local://landing/csv/users.csv", Users);
        installation.Drop("local://landing/csv/orders.csv", "id,total\n7,1.50\n");

        await installation.RunAsync("users", new { @object = "local://landing/csv/users.csv" });
        await installation.RunAsync("orders", new { @object = "local://landing/csv/orders.csv" });

        Assert.Equal(["2"], await installation.QueryAsync("select count(*) from public.users"));
        Assert.Equal(["7|1.50"], await installation.QueryAsync("select id, total from sales.orders"));
    }

    [Fact]
    public async Task An_object_that_lands_starts_one_run_also_where_two_services_watch()
    {
        await using var installation = await PrepareAsync(watch: "local://inbox/csv/");
        await installation.StartServiceAsync(ServiceRoles.All);
        await using var second = await Service.StartAsync(new(installation.Data, ListenAddresses.Ephemeral, ServiceRoles.All, Microsoft.Extensions.Logging.LogLevel.Error), TestContext.Current.CancellationToken);

        installation.Drop("local://inbox/csv/in/users.csv", Users);

        await Eventually.TrueAsync(() => installation.Objects("inbox") is ["processed/in/users.csv"]);
        await Eventually.TrueAsync(async () => (await installation.Client.ListAsync(null, "Completed", 10, null, default)).Runs.Count > 0);
        Assert.Single((await installation.Client.ListAsync(null, null, 10, null, TestContext.Current.CancellationToken)).Runs);
        Assert.Equal(["1"], await installation.QueryAsync("select count(*) from load_ledger"));
    }

    [Fact]
    public async Task A_file_that_comes_again_with_its_old_time_is_loaded_again()
    {
        await using var installation = await PrepareAsync(watch: "local://inbox/csv/");
        await installation.StartServiceAsync(ServiceRoles.All);
        var aside = Path.Combine(installation.Data.Path, "users.csv");
        await File.WriteAllTextAsync(aside, Users, TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(aside, new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        for (var time = 1; time <= 2; time++)
        {
            installation.CopyIn(aside, "local://inbox/csv/users.csv");
            await Eventually.TrueAsync(async () => (await installation.Client.ListAsync(null, "Completed", 10, null, default)).Runs.Count == time);
        }

        Assert.Equal(["processed/users.csv"], installation.Objects("inbox"));
    }

    [Fact]
    public async Task A_run_asked_for_by_hand_joins_the_one_its_arrival_started()
    {
        await using var installation = await PrepareAsync(watch: "local://inbox/csv/");
        await installation.StartServiceAsync(ServiceRoles.All);
        await installation.ExecuteAsync("create table users (user_id int primary key, name text, postcode text)");
        await using var holder = new NpgsqlConnection(installation.Warehouse);
        await holder.OpenAsync(TestContext.Current.CancellationToken);
        await using var held = await holder.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var hold = new NpgsqlCommand("lock table users in access exclusive mode", holder, held);
        await hold.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        installation.Drop("local://inbox/csv/users.csv", Users);
        await Eventually.TrueAsync(async () => (await RunsAsync()).Count == 1);

        var joined = await installation.Client.StartAsync(
            "users", new JsonObject { ["object"] = "local://inbox/csv/users.csv" }, instance: null, TestContext.Current.CancellationToken);
        await held.RollbackAsync(TestContext.Current.CancellationToken);
        var run = await installation.Client.WaitAsync(joined.Instance, TestContext.Current.CancellationToken);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Single(await RunsAsync());

        async Task<IReadOnlyList<Run>> RunsAsync() => (await installation.Client.ListAsync(null, null, 10, null, TestContext.Current.CancellationToken)).Runs;
    }

    private async Task<Installation> StartAsync() => await (await PrepareAsync()).StartServiceAsync();

    private async Task<Installation> PrepareAsync(string? watch = null) =>
        (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users", slack = "local:etl" }, watch);

    private static (long In, long Loaded, long Quarantined, long Skipped) Counts(Run run)
    {
        var output = run.Output!.Value;
        return (Number("rowsIn"), Number("loaded"), Number("quarantined"), Number("skipped"));

        long Number(string name) => output.GetProperty(name).GetInt64();
    }

    private static string? Text(Run run, string name) => run.Output!.Value.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
