using Npgsql;
using Workflow.Data.Merge;
using Workflow.Data.Postgres;
using Workflow.Data.Tests.Warehouse;
using Workflow.Testing;

namespace Workflow.Data.Tests.Merge;

public sealed class SourceMergeTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>, IDisposable
{
    private readonly string _schema = warehouse.NewSchema();
    private readonly TempFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Output => _folder.File("merged.csv");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_file_comes_first_then_the_database_then_nothing()
    {
        await CreateAsync("id integer, name text, age integer, balance numeric(10,2), active boolean", "(1, 'Ann', 30, 12.50, true), (2, 'Bob', null, 0.10, false), (9, 'Zoe', 1, 1, true)");
        var result = await MergeAsync("""
            [
              {"phone": "+49", "id": 1, "name": "Anna", "balance": null},
              {"id": 2, "name": null, "balance": 7.250},
              {"id": 3, "name": "Carol", "note": ""}
            ]
            """);

        Assert.Equal("""
            phone,id,name,balance,note,age,active
            +49,1,Anna,12.50,,30,true
            ,2,Bob,7.250,,,false
            ,3,Carol,,"",,

            """, await File.ReadAllTextAsync(Output, Cancellation));
        Assert.Equal((3, 3, 2, 1), (result.FileRows, result.DatabaseRows, result.Matched, result.DatabaseOnly));
        Assert.Equal(["9"], result.FirstDatabaseOnly);
        Assert.Equal(["phone", "id", "name", "balance", "note", "age", "active"], result.Columns);
    }

    [Fact]
    public async Task Numbers_keep_their_form_with_nulls_among_them()
    {
        await CreateAsync("id bigint, n integer, d numeric, f double precision", "(1, null, 1.500, 100000), (2, 7, null, null)");
        await MergeAsync("""[{"id":1,"m":5},{"id":2},{"id":3,"m":12345678901234567890.10}]""");
        Assert.Equal("id,m,n,d,f\n1,5,,1.500,100000\n2,,7,,\n3,12345678901234567890.10,,,\n", await File.ReadAllTextAsync(Output, Cancellation));
    }

    [Fact]
    public async Task Of_ids_that_repeat_in_the_database_the_first_match_wins()
    {
        await CreateAsync("id integer, v text", "(1, 'first'), (2, 'x'), (1, 'second'), (1, 'third'), (null, 'n'), (null, 'm')");
        var result = await MergeAsync("""[{"id":1},{"id":2},{"id":1},{"id":null},{"other":5}]""");
        Assert.Equal("id,other,v\n1,,first\n2,,x\n1,,first\n,,\n,5,\n", await File.ReadAllTextAsync(Output, Cancellation));
        Assert.Equal((3, 2), (result.Matched, result.DatabaseOnly));
        Assert.Equal([null, null], result.FirstDatabaseOnly);
    }

    [Fact]
    public async Task Rows_only_in_the_database_are_reported_with_the_first_ten_ids()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.source as select 101 - i as id from generate_series(1, 100) i");
        var result = await MergeAsync("""[{"id":100},{"id":98},{"id":7}]""");
        Assert.Equal((97, 87), (result.DatabaseOnly, result.MoreDatabaseOnly));
        Assert.Equal(["99", "97", "96", "95", "94", "93", "92", "91", "90", "89"], result.FirstDatabaseOnly);
    }

    [Fact]
    public async Task Names_of_any_kind_are_columns()
    {
        await CreateAsync("id integer, \"Name\" text, name text, \"{output}\" text", "(1, 'N', 'n', 'o')");
        await MergeAsync("""[{"id":1,"NAME":"x","a,\"b\"":"y","{values}":"z","'; drop table file; --":"w","_row":"r"}]""");
        Assert.Equal(
            "id,NAME,\"a,\"\"b\"\"\",{values},'; drop table file; --,_row,Name,name,{output}\n1,x,y,z,w,r,N,n,o\n",
            await File.ReadAllTextAsync(Output, Cancellation));
    }

    [Fact]
    public async Task The_order_of_the_file_is_kept_across_many_rows()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.source as select i as id, i * 2 as twice from generate_series(1, 100000) i");
        var ids = Enumerable.Range(1, 60_000).Select(id => (id * 7919) % 100_003).ToList();
        await MergeAsync("[" + string.Join(',', ids.Select(id => $"{{\"id\":{id}}}")) + "]");
        Assert.Equal(ids.Select(id => $"{id},{(id is >= 1 and <= 100_000 ? id * 2 : "")}"), (await File.ReadAllLinesAsync(Output, Cancellation)).Skip(1));
    }

    [Fact]
    public async Task Lines_of_objects_are_merged_too()
    {
        await CreateAsync("id text, v text", "('a', 'x')");
        await MergeAsync("{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
        Assert.Equal("id,v\na,x\nb,\n", await File.ReadAllTextAsync(Output, Cancellation));
    }

    [Fact]
    public async Task Memory_beyond_the_limit_is_spilled()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.source as select i as id, md5(i::text) as a, md5((i * 2)::text) as b from generate_series(1, 300000) i");
        var json = "[" + string.Join(',', Enumerable.Range(1, 300_000).Select(id => $$"""{"id":{{id}},"c":"some longer text of row {{id}}"}""")) + "]";
        var result = await MergeAsync(json, request => request with { MemoryLimit = "120MB" });
        Assert.Equal(300_000, result.Matched);
        Assert.Equal(300_001, File.ReadLines(Output).Count());
    }

    [Theory]
    [InlineData("[{\"name\":\"a\"}]", "id integer", "has no column 'id' to join by. It has: name.")]
    [InlineData("[]", "id integer", "has no column 'id' to join by. It has: none.")]
    [InlineData("[{\"id\":1}]", "name text", "The table {0}.source has no column 'id' to join by. It has: name.")]
    [InlineData("[{\"id\":1}", "id integer", "is not JSON")]
    public async Task A_side_that_cannot_be_joined_is_named(string json, string columns, string error)
    {
        await CreateAsync(columns, null);
        Assert.Contains(string.Format(error, _schema), (await Assert.ThrowsAsync<BadInputException>(() => MergeAsync(json))).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public async Task A_missing_table_is_named() =>
        Assert.Contains($"There is no table {_schema}.source", (await Assert.ThrowsAsync<BadInputException>(() => MergeAsync("[{\"id\":1}]"))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_database_out_of_reach_is_an_npgsql_exception()
    {
        await using var nowhere = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=x;Password=x;Database=x;Timeout=2");
        await Assert.ThrowsAsync<NpgsqlException>(() => new SourceMerge(new PostgresSource(nowhere)).RunAsync(Request("[{\"id\":1}]"), Cancellation));
    }

    private Task CreateAsync(string columns, string? rows) =>
        warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.source ({columns}){(rows is null ? "" : $"; insert into {_schema}.source values {rows}")}");

    private Task<MergeResult> MergeAsync(string json, Func<MergeRequest, MergeRequest>? change = null) =>
        new SourceMerge(new PostgresSource(warehouse.Source)).RunAsync(change is null ? Request(json) : change(Request(json)), Cancellation);

    private MergeRequest Request(string json) => new()
    {
        JsonFile = _folder.Write("source.json", json),
        Table = new(_schema, "source"),
        Output = Output,
        ScratchFolder = _folder.Path,
    };
}
