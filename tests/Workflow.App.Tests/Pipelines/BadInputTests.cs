using System.IO.Compression;
using System.Text;
using Workflow.App.Api;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>What comes in wrong: each gets a reason, nothing is half loaded, and the next file runs.</summary>
public sealed class BadInputTests(PostgresFixture postgres)
{
    private const string Good = "user_id,name\n1,Ann\n";

    public static TheoryData<string, byte[], string> Files => new()
    {
        { "empty", [], "empty" },
        { "no-name", Encoding.UTF8.GetBytes("user_id,,name\n1,2,3\n"), "no name" },
        { "twice", Encoding.UTF8.GetBytes("user_id,name,name\n1,a,b\n"), "more than once" },
        { "no-key", Encoding.UTF8.GetBytes("id,name\n1,Ann\n"), "user_id" },
        { "cut-gzip", CutGzip(), "cut off" },
        { "utf-32", [0xFF, 0xFE, 0, 0, 65, 0, 0, 0], "UTF-32" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_file_that_is_wrong_as_a_whole_fails_with_its_reason_and_the_next_one_runs(string name, byte[] content, string reason)
    {
        await using var installation = await StartAsync();
        installation.Drop($"local://landing/csv/{name}.csv", content);
        installation.Drop("local://landing/csv/next.csv", Good);

        var run = await LoadAsync(installation, name);
        var next = await LoadAsync(installation, "next");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(reason, run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, next.Status);
        Assert.Equal(["1|Ann"], await installation.QueryAsync("select user_id, name from users"));
        Assert.Equal(["1"], await installation.QueryAsync("select count(*) from load_ledger"));
        Assert.Equal([$"error/{name}.csv", "processed/next.csv"], installation.Objects("landing"));
    }

    [Fact]
    public async Task A_header_alone_is_a_file_without_rows()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/header.csv", "user_id,name\n");

        var run = await LoadAsync(installation, "header");

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(0, run.Output!.Value.GetProperty("rowsIn").GetInt64());
        Assert.Equal(["processed/header.csv"], installation.Objects("landing"));
    }

    [Theory]
    [InlineData("utf-16", "utf-16")]
    [InlineData("utf-8 with a mark", "utf-8-bom")]
    public async Task A_file_in_another_encoding_is_read(string name, string encoding)
    {
        await using var installation = await StartAsync();
        Encoding writer = encoding == "utf-16" ? new UnicodeEncoding(bigEndian: false, byteOrderMark: true) : new UTF8Encoding(encoderShouldEmitUTF8Identifier: true);
        installation.Drop($"local://landing/csv/{name}.csv", [.. writer.GetPreamble(), .. writer.GetBytes("user_id,name\r\n1,Zoë\r\n")]);

        var run = await LoadAsync(installation, name);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(["1|Zoë"], await installation.QueryAsync("select user_id, name from users"));
    }

    [Fact]
    public async Task Rows_that_are_wrong_are_quarantined_and_the_others_loaded()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/mixed.csv", "user_id,name\n1,Ann\n2\n3,a,b\n4,\"wrong\" quote\n,no key\n6,nul\0l\n7,Gil\n");

        var run = await LoadAsync(installation, "mixed");

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal((7, 2, 5), (Number(run, "rowsIn"), Number(run, "loaded"), Number(run, "quarantined")));
        var refused = installation.Read("local://landing/quarantine/mixed.csv").Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).ToList();
        Assert.Equal(["3 csv", "4 csv", "5 csv", "6 key", "7 csv"], refused.Select(line => line.Split(',')).Select(fields => $"{fields[3]} {fields[0]}"));
        Assert.All(refused, line => Assert.NotEmpty(line.Split(',')[1]));
    }

    [Fact]
    public async Task A_field_of_ten_megabytes_is_loaded()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/big.csv", $"user_id,name\n1,{new string('x', 10_000_000)}\n2,Bo\n");

        var run = await LoadAsync(installation, "big");

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(["1|10000000", "2|2"], await installation.QueryAsync("select user_id, length(name) from users order by 1"));
    }

    [Fact]
    public async Task SQL_in_names_and_values_is_only_text()
    {
        await using var installation = await StartAsync();
        const string table = """users"; drop table load_ledger; --""";
        installation.Drop("local://landing/csv/sql.csv", "user_id,\"x\"\"; drop table users; --\"\n1,'); drop table users; --\n");

        var run = await installation.RunAsync("users", new { @object = "local://landing/csv/sql.csv", table });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal(["1|'); drop table users; --"], await installation.QueryAsync($"select * from \"{table.Replace("\"", "\"\"")}\""));
        Assert.Equal(["1"], await installation.QueryAsync("select count(*) from load_ledger"));
    }

    [Fact]
    public async Task A_value_that_does_not_fit_its_column_fails_with_the_column_both_types_and_the_row()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://landing/csv/first.csv", "user_id,visits\n1,10\n");
        installation.Drop("local://landing/csv/second.csv", "user_id,visits\n2,20\n3,many\n");
        await LoadAsync(installation, "first");

        var run = await LoadAsync(installation, "second");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.All(["visits", "integer", "text", "row 2", "many"], word => Assert.Contains(word, run.Failure!.Message, StringComparison.Ordinal));
        Assert.Equal(["1|10"], await installation.QueryAsync("select user_id, visits from users"));
    }

    [Fact]
    public async Task A_warehouse_out_of_reach_fails_the_run_and_the_next_one_works_when_it_is_back()
    {
        await using var installation = await Installation.CreateAsync(postgres);
        var warehouse = installation.Settings["ConnectionStrings"]!["Warehouse"]!.GetValue<string>();
        var away = new Npgsql.NpgsqlConnectionStringBuilder(warehouse) { Port = FreePort.Next() }.ConnectionString;
        installation.Settings["ConnectionStrings"]!["Warehouse"] = away;
        installation.With("users", "csv-to-warehouse", new { table = "users", attempts = 2 });
        await installation.StartServiceAsync();
        installation.Drop("local://landing/csv/users.csv", Good);

        var run = await LoadAsync(installation, "users");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Equal("LoadCsv", run.Failure!.Step);
        Assert.Equal(["error/users.csv"], installation.Objects("landing"));

        installation.Settings["ConnectionStrings"]!["Warehouse"] = warehouse;
        await installation.RestartServiceAsync();
        var again = await installation.RunAsync("users", new { @object = "local://landing/error/users.csv" });
        Assert.Equal(OrchestrationRuntimeStatus.Completed, again.Status);
        Assert.Equal(["processed/users.csv"], installation.Objects("landing"));
    }

    private static Task<Run> LoadAsync(Installation installation, string name) =>
        installation.RunAsync("users", new { @object = $"local://landing/csv/{name}.csv" });

    private async Task<Installation> StartAsync() =>
        await (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" }).StartServiceAsync();

    private static long Number(Run run, string name) => run.Output!.Value.GetProperty(name).GetInt64();

    private static byte[] CutGzip()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes("user_id,name\n" + string.Concat(Enumerable.Range(0, 5_000).Select(id => $"{id},name {id * 7919 % 1000}\n"))));
        }

        return packed.ToArray()[..(int)(packed.Length / 2)];
    }
}
