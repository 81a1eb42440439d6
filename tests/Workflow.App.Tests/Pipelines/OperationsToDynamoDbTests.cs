using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.DynamoDBv2.Model;
using Workflow.App.Api;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Aws;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

[TakesLong]
public sealed class OperationsToDynamoDbTests(PostgresFixture postgres, DynamoDbFixture dynamo)
{
    private const string Prefix = "local://ops/in/";
    private readonly string _table = DynamoDbFixture.TableName();

    [Fact]
    public async Task A_file_becomes_items_with_the_tables_attributes()
    {
        await using var installation = await StartAsync();
        installation.Drop($"{Prefix}a.txt", Operation(1, instalments: 2, movements: 1));

        var output = Output(await installation.RunAsync("ops", new { @object = $"{Prefix}a.txt" }));

        Assert.Equal("6 6 0 0 5", $"{output["rowsIn"]} {output["loaded"]} {output["quarantined"]} {output["skipped"]} {output["items"]}");
        var items = await ItemsAsync();
        Assert.Equal(
            ["METADATA#AB#CARGA0000000001", "MOVIMENTO_FINANCEIRO#AB#CARGA0000000001", "OPERACAO#AB#CARGA0000000001", "ORIGINACAO#AB#CARGA0000000001", "PARCELA#AB#CARGA0000000001"],
            items.Select(item => item["dominio"].S));
        Assert.All(items, item => Assert.Equal(
            ["codigo_identificador_carga", "custodia", "dados_dominio", "dominio", "dominio_enum", "id_operacao"], item.Keys.Order(StringComparer.Ordinal)));
        Assert.Equal("000000001", items[2]["id_operacao"].S);
        Assert.Equal(
            """{"custodia":"AB","id_operacao":"000000001","data_contratacao":"2024-10-14","codigo_identificacao_carga":"CARGA0000000001"}""",
            items[2]["dados_dominio"].S);
    }

    [Fact]
    public async Task Files_of_one_run_are_grouped_together()
    {
        await using var installation = await StartAsync();
        installation.Drop($"{Prefix}a.txt", Line("03", 1, Body(1) + "022024-11-14"));
        installation.Drop($"{Prefix}b.txt", Line("03", 1, Body(1) + "012024-10-14"));

        await installation.RunAsync("ops", new { @object = Prefix });

        var instalments = JsonNode.Parse(Assert.Single(await ItemsAsync())["dados_dominio"].S)!.AsArray();
        Assert.Equal(["01", "02"], instalments.Select(instalment => (string)instalment!["numero_parcela"]!));
    }

    [Fact]
    public async Task Records_that_come_in_a_later_run_join_those_that_are_there_and_the_same_again_changes_nothing()
    {
        await using var installation = await StartAsync();
        installation.Drop($"{Prefix}a.txt", Line("99", 1, "002000") + Line("03", 1, Body(1) + "022024-11-14") + Line("02", 1, Body(1) + "PIX"));
        await installation.RunAsync("ops", new { @object = Prefix });
        installation.Drop($"{Prefix}b.txt", Line("03", 1, Body(1) + "012024-10-14"));

        var later = Output(await installation.RunAsync("ops", new { @object = Prefix }));

        Assert.Equal("1 1 2 0", $"{later["rowsIn"]} {later["loaded"]} {later["items"]} {later["disagreements"]}");
        var items = (await ItemsAsync()).ToDictionary(item => item["dominio_enum"].S, item => item["dados_dominio"].S);
        Assert.Equal(["01", "02"], JsonNode.Parse(items["PARCELA"])!.AsArray().Select(instalment => (string)instalment!["numero_parcela"]!));
        Assert.Contains("\"quantidade_parcelas_recebidas\":2", items["METADATA"]);

        installation.Drop($"{Prefix}again.txt", installation.Read($"{Prefix}PROCESSADOS/a.txt"));
        var again = Output(await installation.RunAsync("ops", new { @object = Prefix }));

        Assert.Equal("3 3 0 0", $"{again["rowsIn"]} {again["loaded"]} {again["skipped"]} {again["disagreements"]}");
        Assert.Equal(items, (await ItemsAsync()).ToDictionary(item => item["dominio_enum"].S, item => item["dados_dominio"].S));
    }

    [Fact]
    public async Task Runs_at_once_that_bring_records_of_one_item_lose_none()
    {
        await using var installation = await StartAsync();
        for (var number = 1; number <= 6; number++)
        {
            installation.Drop($"{Prefix}{number}.txt", Line("03", 1, $"{Body(1)}{number:00}2024-10-14"));
        }

        await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => installation.RunAsync("ops", new { @object = Prefix, maxFiles = 1 })));
        await installation.RunAsync("ops", new { @object = Prefix });

        Assert.Equal(6, JsonNode.Parse(Assert.Single(await ItemsAsync())["dados_dominio"].S)!.AsArray().Count);
    }

    [Fact]
    public async Task A_prefix_may_lie_below_a_folder_that_is_called_as_an_area()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://ops/error/in/a.txt", Operation(1));
        installation.Drop("local://ops/error/in/PROCESSADOS/b.txt", Operation(2));

        Assert.Equal("1 0", Files(await installation.RunAsync("ops", new { @object = "local://ops/error/in/" })));
    }

    [Fact]
    public async Task Lines_that_are_no_records_are_set_aside_with_rule_reason_source_and_line()
    {
        await using var installation = await StartAsync();
        installation.Drop($"{Prefix}a.txt", Line("01", 1, Body(1) + "2024-02-30") + Line("07", 1, "x") + Line("02", 1, Body(1) + "PIX"));

        var output = Output(await installation.RunAsync("ops", new { @object = Prefix }));

        Assert.Equal("3 1 2 0", $"{output["rowsIn"]} {output["loaded"]} {output["quarantined"]} {output["skipped"]}");
        Assert.Equal("local://ops/quarantine/in/a.txt", (string)output["quarantineObject"]!);
        var lines = installation.Read("local://ops/quarantine/in/a.txt").Split('\n');
        Assert.Equal("rule,reason,source,line,column,raw", lines[0]);
        Assert.StartsWith("bad-date,", lines[1]);
        Assert.Contains(",local://ops/in/a.txt,1,data_contratacao,AB01000000001", lines[1]);
        Assert.StartsWith("unknown-code,", lines[2]);
    }

    [Fact]
    public async Task What_the_metadata_announce_and_did_not_arrive_is_told_and_the_rest_is_loaded()
    {
        await using var installation = await StartAsync();
        installation.Drop($"{Prefix}a.txt", Line("99", 1, "003000") + Line("03", 1, Body(1) + "012024-10-14"));

        var run = await installation.RunAsync("ops", new { @object = Prefix });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(1, (int)Output(run)["disagreements"]!);
        Assert.Equal(2, (await ItemsAsync()).Count);
        Assert.Contains("operation 000000001 of load CARGA0000000001 (AB) announces 3 instalments and 0 movements, 1 and 0 arrived", Assert.Single(await installation.SlackAsync()).Text);
    }

    [Fact]
    public async Task An_item_that_is_too_large_is_refused_and_the_others_are_loaded()
    {
        await using var installation = await StartAsync();
        var movements = string.Concat(Enumerable.Range(0, 4_000).Select(day => Line("04", 1, $"{Body(1)}111{new DateOnly(2014, 1, 1).AddDays(day):yyyy-MM-dd}")));
        installation.Drop($"{Prefix}a.txt", movements + Line("02", 1, Body(1) + "DEBITO_CONTA"));

        var output = Output(await installation.RunAsync("ops", new { @object = Prefix }));

        Assert.Equal("4001 1 4000 0", $"{output["rowsIn"]} {output["loaded"]} {output["quarantined"]} {output["skipped"]}");
        Assert.Equal("ORIGINACAO", Assert.Single(await ItemsAsync())["dominio_enum"].S);
        Assert.Contains("item-too-large,\"the MOVIMENTO_FINANCEIRO item of operation 000000001 has ", installation.Read((string)output["quarantineObject"]!));
    }

    [Fact]
    public async Task Done_files_lie_beside_the_others_and_in_the_archive_of_the_day()
    {
        await using var installation = await StartAsync();
        var content = Line("02", 1, Body(1) + "PIX") + "no record\n";
        installation.Drop($"{Prefix}sub/a.txt", content);

        var run = await installation.RunAsync("ops", new { @object = Prefix });

        var day = TimeZoneInfo.ConvertTime(run.CreatedAt, TimeZoneInfo.FindSystemTimeZoneById("America/Sao_Paulo")).ToString("yyyy-MM-dd");
        Assert.Equal([$"in/sub/PROCESSADOS/{day}/a.txt", "in/sub/PROCESSADOS/a.txt", "quarantine/in/sub/a.txt"], installation.Objects("ops"));
        Assert.Equal(content, installation.Read($"{Prefix}sub/PROCESSADOS/a.txt"));
        Assert.Equal("AB|02|000000001|CARGA0000000001|AB000000001PIX\n", installation.Read($"{Prefix}sub/PROCESSADOS/{day}/a.txt"));
        Assert.Empty(installation.Objects("staging"));
    }

    [Fact]
    public async Task Only_files_that_are_not_processed_yet_are_taken_and_bookmarks_can_be_set_and_forgotten()
    {
        await using var installation = await StartAsync();
        installation.Drop($"{Prefix}a.txt", Operation(1));
        var landed = Path.Combine(installation.Data.Objects, "ops", "in", "a.txt");
        await LinkAsync(landed, "kept");
        await installation.RunAsync("ops", new { @object = Prefix });

        // The same file again; then the same name with other content.
        await LinkAsync("kept", landed);
        Assert.Equal("0 1", Files(await installation.RunAsync("ops", new { @object = Prefix })));
        File.Delete(landed);
        installation.Drop($"{Prefix}a.txt", Operation(2));
        Assert.Equal("1 0", Files(await installation.RunAsync("ops", new { @object = Prefix })));

        var bookmarks = await installation.Client.BookmarksAsync("ops", 10, TestContext.Current.CancellationToken);
        Assert.Equal(2, bookmarks.Count);
        Assert.Equal($"{Prefix}PROCESSADOS/a.txt", bookmarks[1].MovedTo);

        var rewound = await WorkflowProcess.RunAsync(installation, "bookmarks", "rewind", "--to", bookmarks[1].ProcessedAt!.Value.ToString("O"), "ops");
        Assert.Equal("1 object is forgotten.", rewound.Output.Trim());
        await LinkAsync("kept", landed);
        Assert.Equal("0 1", Files(await installation.RunAsync("ops", new { @object = Prefix })));

        Assert.Equal(1, (await installation.Client.ForgetBookmarksAsync("ops", null, TestContext.Current.CancellationToken)).Count);
        Assert.Equal("1 0", Files(await installation.RunAsync("ops", new { @object = Prefix })));

        installation.Drop($"{Prefix}b.txt", Operation(3));
        Assert.Equal(1, (await installation.Client.SetBookmarksAsync("ops", $"{Prefix}b.txt", TestContext.Current.CancellationToken)).Count);
        Assert.Equal("0 1", Files(await installation.RunAsync("ops", new { @object = Prefix })));

        // What the store takes for the same object: one file under two names.
        async Task LinkAsync(string from, string to)
        {
            using var link = Process.Start("ln", ["-f", Path.Combine(installation.Data.Path, from), Path.Combine(installation.Data.Path, to)]);
            await link.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Of_two_runs_at_once_each_file_is_taken_by_one()
    {
        await using var installation = await StartAsync();
        for (var file = 0; file < 6; file++)
        {
            installation.Drop($"{Prefix}{file}.txt", Operation(file));
        }

        var runs = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => installation.RunAsync("ops", new { @object = Prefix })));

        Assert.Equal(6, runs.Sum(run => (int)Output(run)["files"]!));
        Assert.Equal(30, (await ItemsAsync()).Count);
    }

    [Fact]
    public async Task A_run_takes_no_more_files_than_it_may_and_the_next_one_takes_the_others()
    {
        await using var installation = await StartAsync();
        for (var file = 0; file < 5; file++)
        {
            installation.Drop($"{Prefix}{file}.txt", Operation(file));
        }

        var taken = new List<string>();
        for (var run = 0; run < 3; run++)
        {
            taken.Add(Files(await installation.RunAsync("ops", new { @object = Prefix, maxFiles = 3 })));
        }

        Assert.Equal(["3 0", "2 0", "0 0"], taken);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_fails_the_run_and_the_others_are_loaded()
    {
        await using var installation = await StartAsync();
        installation.Drop($"{Prefix}a.txt.gz", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2]);
        installation.Drop($"{Prefix}b.txt", Operation(2));

        var run = await installation.RunAsync("ops", new { @object = Prefix });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("1 of 2 files failed, the others are loaded. The first: The file 'a.txt.gz' is a gzip file that is cut off or damaged.", Assert.Single(await installation.SlackAsync()).Text);
        Assert.Equal(5, (await ItemsAsync()).Count);
        Assert.Contains("in/a.txt.gz", installation.Objects("ops"));
        Assert.DoesNotContain("in/b.txt", installation.Objects("ops"));

        // It is taken again, and alone now.
        var again = await installation.RunAsync("ops", new { @object = Prefix });

        Assert.StartsWith("1 of 1 files failed. The first: The file 'a.txt.gz'", again.Failure!.Message);
    }

    [Fact]
    public async Task The_catalog_gets_a_partition_for_each_load()
    {
        await using var installation = await StartAsync(catalog: "local://lake/operacoes/");
        installation.Drop($"{Prefix}a.txt", Operation(1) + Operation(2, load: 2));

        var output = Output(await installation.RunAsync("ops", new { @object = Prefix }));

        Assert.Equal(2, (int)output["partitions"]!);
        var glue = Glue(installation);
        var table = await glue.FindTableAsync("pos-venda", "tb_operacoes", TestContext.Current.CancellationToken);
        Assert.Equal(["data_versao", "id_carga"], table!.PartitionKeys.Select(key => key.Name));
        var partitions = await glue.ListPartitionsAsync("pos-venda", "tb_operacoes", TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["CARGA0000000001", "CARGA0000000002"], partitions.Select(partition => partition.Values[1]).Order(StringComparer.Ordinal));
        Assert.All(partitions, partition => Assert.Matches("^[0-9]{14}-[0-9a-f]{16}$", partition.Values[0]));
        Assert.All(partitions, partition => Assert.Contains(
            installation.Objects("lake"), name => $"local://lake/{name}".StartsWith(partition.Location, StringComparison.Ordinal) && name.EndsWith(".parquet", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Partitions_have_the_keys_in_the_order_of_the_table_that_is_there_which_gets_our_columns_and_location()
    {
        await using var installation = await StartAsync(catalog: "local://lake/operacoes/");
        installation.Drop($"{Prefix}a.txt", Operation(1));
        var glue = Glue(installation);
        await glue.CreateDatabaseAsync("pos-venda", TestContext.Current.CancellationToken);
        await glue.CreateTableAsync(
            new("pos-venda", "tb_operacoes", "local://elsewhere/", [new("custodia", "string")], [new("id_carga", "string"), new("data_versao", "string")]), TestContext.Current.CancellationToken);

        Output(await installation.RunAsync("ops", new { @object = Prefix }));

        var table = await glue.FindTableAsync("pos-venda", "tb_operacoes", TestContext.Current.CancellationToken);
        Assert.Equal(("local://lake/operacoes/", 6), (table!.Location, table.Columns.Count));
        var partitions = await glue.ListPartitionsAsync("pos-venda", "tb_operacoes", TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal("CARGA0000000001", Assert.Single(partitions).Values[0]);
    }

    [Fact]
    public async Task A_run_that_is_killed_after_each_activity_ends_with_the_same_items_and_files()
    {
        await using var installation = await PrepareAsync("local://lake/operacoes/");
        installation.Drop($"{Prefix}a.txt", Operation(1) + "no record\n");
        installation.Drop($"{Prefix}b.txt", Operation(2));

        var killed = await KilledRun.CompleteAsync(installation, "ops", new { @object = Prefix });

        var output = Output(killed.Run);
        Assert.Equal("11 10 1 0 2", $"{output["rowsIn"]} {output["loaded"]} {output["quarantined"]} {output["skipped"]} {output["files"]}");
        Assert.Equal(9, killed.Kills.Count);
        Assert.Equal(10, (await ItemsAsync()).Count);
        var day = TimeZoneInfo.ConvertTime(killed.Run.CreatedAt, TimeZoneInfo.FindSystemTimeZoneById("America/Sao_Paulo")).ToString("yyyy-MM-dd");
        Assert.Equal(
            [$"in/PROCESSADOS/{day}/a.txt", $"in/PROCESSADOS/{day}/b.txt", "in/PROCESSADOS/a.txt", "in/PROCESSADOS/b.txt", "quarantine/in/a.txt"],
            installation.Objects("ops"));
        Assert.Empty(installation.Objects("staging"));
        Assert.Equal(1, installation.Objects("lake").Count(name => name.EndsWith(".parquet", StringComparison.Ordinal)));
    }

    private async Task<Installation> StartAsync(string catalog = "") => await (await PrepareAsync(catalog)).StartServiceAsync();

    private async Task<Installation> PrepareAsync(string catalog) =>
        await (await Installation.CreateAsync(postgres)).With("ops", "operations-to-dynamodb", new { table = _table, catalog, slack = "local:ops" }).WithAsync(dynamo);

    private async Task<List<Dictionary<string, AttributeValue>>> ItemsAsync()
    {
        using var client = await dynamo.CreateClientAsync(TestContext.Current.CancellationToken);
        var found = await client.ScanAsync(new ScanRequest(_table), TestContext.Current.CancellationToken);
        return [.. found.Items.OrderBy(item => item["dominio"].S, StringComparer.Ordinal)];
    }

    private static GlueClient Glue(Installation installation) =>
        new(new AwsEndpoints(new Dictionary<string, AwsEndpoint> { ["Glue"] = AwsEndpoint.Local }, () => installation.Address, new(["127.0.0.1"], () => [])));

    private static string Files(Run run) => $"{Output(run)["files"]} {Output(run)["filesNotTaken"]}";

    private static JsonObject Output(Run run)
    {
        Assert.True(run.Status == OrchestrationRuntimeStatus.Completed, run.Failure?.Message);
        return JsonSerializer.SerializeToNode(run.Output)!.AsObject();
    }

    private static string Body(int operation) => $"AB{operation:000000000}";

    private static string Line(string domain, int operation, string body, int load = 1) => $"AB{domain}{operation:000000000}CARGA{load:0000000000}{body}\n";

    private static string Operation(int id, int instalments = 1, int movements = 1, int load = 1) => string.Concat(
        [
            Line("99", id, $"{instalments:000}{movements:000}", load),
            Line("01", id, Body(id) + "2024-10-14", load),
            Line("02", id, Body(id) + "DEBITO_CONTA", load),
            .. Enumerable.Range(1, instalments).Select(number => Line("03", id, $"{Body(id)}{number:00}2024-10-14", load)),
            .. Enumerable.Range(1, movements).Select(number => Line("04", id, $"{Body(id)}{number:000}2025-01-14", load)),
        ]);
}
