using Npgsql;
using Workflow.Data.DuckDb;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Tests.Warehouse;

/// <summary>Rows of DuckDB queries in PostgreSQL tables, and such loads in the ledger: real databases on both sides.</summary>
public sealed class QueryCopyTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("bool", "true")]
    [InlineData("int2", "(-32768)::smallint")]
    [InlineData("int2", "7::tinyint")]
    [InlineData("int4", "-5")]
    [InlineData("int8", "9223372036854775807")]
    [InlineData("int8", "255::utinyint")]
    [InlineData("numeric", "18446744073709551615::ubigint")]
    [InlineData("numeric", "-170141183460469231731687303715884105727::hugeint - 1")]
    [InlineData("numeric(5,2)", "-4.37::decimal(5,2)")]
    [InlineData("numeric", "0.05::decimal(4,2)")]
    [InlineData("numeric", "0::decimal(9,3)", "0.000")]
    [InlineData("numeric", "10000.0001::decimal(18,4)")]
    [InlineData("numeric", "-99999999999999999999999999999999999999::decimal(38,0)")]
    [InlineData("numeric", "0.00000000000000000000000000000000000001::decimal(38,38)", "0.00000000000000000000000000000000000001")]
    [InlineData("float8", "1.5::float")]
    [InlineData("float4", "-2.25::float")]
    [InlineData("float8", "0.1::double")]
    [InlineData("date", "date '2024-02-29'")]
    [InlineData("date", "date '0001-01-01'")]
    [InlineData("date", "'-infinity'::date")]
    [InlineData("time", "time '12:34:56.789'")]
    [InlineData("timestamp", "timestamp '1969-12-31 23:59:59.999999'")]
    [InlineData("timestamp", "'2024-01-01 10:00:00'::timestamp_s")]
    [InlineData("timestamp", "'2024-01-01 10:00:00.125'::timestamp_ms")]
    [InlineData("timestamp", "'infinity'::timestamp")]
    [InlineData("timestamptz", "make_timestamptz(1700000000123456)", "2023-11-14 22:13:20.123456+00")]
    [InlineData("timestamptz", "'-infinity'::timestamptz")]
    [InlineData("uuid", "'8e7d1c2b-0000-4000-8000-00000000000f'::uuid")]
    [InlineData("text", "'больше''\n😀'")]
    [InlineData("varchar(5)", "'abcde'")]
    [InlineData("text", "''")]
    [InlineData("text", "'b'::enum('a', 'b')")]
    [InlineData("bytea", @"'\x00\xFF'::blob", @"\x00ff")]
    [InlineData("json", """'{"a": [1]}'""")]
    [InlineData("jsonb", """'{"a": [1]}'""")]
    public async Task A_value_arrives_as_it_was(string type, string value, string? arrived = null)
    {
        var table = new TableName(warehouse.NewSchema(), "copied");
        await warehouse.ExecuteAsync($"create schema {table.Schema}; create table {table} (v {type})");
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var source = duckDb.Connect();

        Assert.Equal(2, await CopyAsync(source, $"select {value} as v union all select null", table));

        var text = arrived ?? (string)source.Scalar($"select ({value})::varchar", Cancellation)!;
        Assert.Equal(["∅", text], await warehouse.QueryAsync("set timezone = 'UTC'; " + $"select v::text from {table} order by 1 nulls first"));
    }

    [Theory]
    [InlineData("int4", "3000000000", "3000000000")]
    [InlineData("int2", "-40000", "-40000")]
    [InlineData("numeric(5,2)", "1000::decimal(9,2)", "numeric field overflow")]
    [InlineData("varchar(2)", "'abc'", "value too long")]
    [InlineData("text not null", "null::varchar", "not-null")]
    [InlineData("text", "'a' || chr(0)", "0x00")]
    [InlineData("timestamp", "timestamptz '2024-01-01 00:00:00+00'", "Cast it in the query")]
    [InlineData("timestamptz", "timestamp '2024-01-01 00:00:00'", "Cast it in the query")]
    [InlineData("int4", "1.5::double", "Cast it in the query")]
    [InlineData("date", "'2024-01-01'", "Cast it in the query")]
    [InlineData("text", "[1]", "Cast it in the query")]
    public async Task What_would_be_changed_or_does_not_fit_is_refused_by_name(string type, string value, string says)
    {
        var table = new TableName(warehouse.NewSchema(), "copied");
        await warehouse.ExecuteAsync($"create schema {table.Schema}; create table {table} (v {type})");
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var source = duckDb.Connect();

        var refused = await Assert.ThrowsAsync<WarehouseException>(() => CopyAsync(source, $"select {value} as v", table));

        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Contains(table.ToString(), refused.Message, StringComparison.Ordinal);
        Assert.Equal(["0"], await warehouse.QueryAsync($"select count(*) from {table}"));
    }

    [Fact]
    public async Task Columns_go_by_name_and_the_others_get_their_defaults()
    {
        var table = new TableName(warehouse.NewSchema(), "copied");
        await warehouse.ExecuteAsync($"create schema {table.Schema}; create table {table} (id int generated always as identity, a text, \"select\" int, b int default 7)");
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var source = duckDb.Connect();

        await CopyAsync(source, "select i::integer as \"SELECT\", 'x' || i as a from range(1, 4) r(i) order by i", table);

        Assert.Equal(["1|x1|1|7", "2|x2|2|7", "3|x3|3|7"], await warehouse.QueryAsync($"select * from {table} order by id"));
        var refused = await Assert.ThrowsAsync<WarehouseException>(() => CopyAsync(source, "select 1 as nothing", table));
        Assert.Contains("no column nothing; it has id, a, select, b", refused.Message, StringComparison.Ordinal);
        refused = await Assert.ThrowsAsync<WarehouseException>(() => CopyAsync(source, "select 1 as a", new(table.Schema, "missing")));
        Assert.Contains($"no table {table.Schema}.missing", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nulls_among_values_stay_where_they_are_over_many_chunks()
    {
        const string query = """
            select i as id, if(i % 3 = 0, null, i * 0.01::decimal(4, 2)) as amount, if(i % 5 = 0, null, 'n' || i) as name,
                   if(i % 7 = 0, null, date '2024-01-01' + (i % 300)::integer) as day
            from range(1, 7001) r(i)
            """;
        var table = new TableName(warehouse.NewSchema(), "copied");
        await warehouse.ExecuteAsync($"create schema {table.Schema}; create table {table} (id bigint, amount numeric, name text, day date)");
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var source = duckDb.Connect();

        await CopyAsync(source, query, table);

        using var rows = source.Query($"select concat_ws('|', id, coalesce(amount::varchar, '∅'), coalesce(name, '∅'), coalesce(day::varchar, '∅')) from ({query}) order by id", Cancellation);
        Assert.Equal(
            rows.Rows(Cancellation).Select(row => (string)row[0]!),
            await warehouse.QueryAsync($"select id, amount::text, name, day::text from {table} order by id"));
    }

    [Fact]
    public async Task More_rows_than_the_memory_holds_are_streamed_into_a_temporary_table()
    {
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1, MemoryLimit = "20MB" });
        using var source = duckDb.Connect();
        await using var target = await warehouse.Source.OpenConnectionAsync(Cancellation);
        await using (var create = new NpgsqlCommand("create temporary table stage (id bigint, name text)", target))
        {
            await create.ExecuteNonQueryAsync(Cancellation);
        }

        var copied = await QueryCopy.RunAsync(
            source, "select i as id, repeat('x', 200) || i as name from range(?) r(i)", target, new("pg_temp", "stage"), Cancellation, 200_000L);

        await using var check = new NpgsqlCommand("select count(*) || '|' || sum(id) || '|' || max(length(name)) from stage", target);
        Assert.Equal(200_000, copied);
        Assert.Equal("200000|19999900000|206", await check.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task A_query_that_fails_half_way_copies_nothing()
    {
        var table = new TableName(warehouse.NewSchema(), "copied");
        await warehouse.ExecuteAsync($"create schema {table.Schema}; create table {table} (v bigint)");
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var source = duckDb.Connect();

        await Assert.ThrowsAsync<DuckDbException>(() => CopyAsync(source, "select if(i = 90000, error('broken'), i) as v from range(100000) r(i)", table));

        Assert.Equal(["0"], await warehouse.QueryAsync($"select count(*) from {table}"));
    }

    [Fact]
    public async Task A_load_and_its_ledger_row_are_one_transaction_and_the_same_key_is_answered()
    {
        var load = NewLoad();
        var first = await LoadAsync(load, rows: 5);
        var again = await LoadAsync(load, rows: 9);

        Assert.Equal(first, again);
        Assert.Equal(["5"], await warehouse.QueryAsync($"select count(*) from {load.Table}"));
        Assert.Equal([$"{load.LoadKey}|5|5"], await warehouse.QueryAsync($"select load_key, rows_in, loaded from {load.Table.Schema}.load_ledger"));
        await Assert.ThrowsAsync<WarehouseException>(() => LoadAsync(load with { ContentSha256 = "other" }, rows: 1));
    }

    [Fact]
    public async Task A_load_that_fails_leaves_neither_rows_nor_ledger_row()
    {
        var load = NewLoad();
        await Assert.ThrowsAsync<WarehouseException>(() => LoadAsync(load, rows: 5, value: "3000000000"));

        Assert.Equal([""], await warehouse.QueryAsync($"select coalesce(to_regclass('{load.Table}')::text, '')"));
        Assert.Equal(["0"], await warehouse.QueryAsync($"select count(*) from {load.Table.Schema}.load_ledger"));
        Assert.Equal(5, (await LoadAsync(load, rows: 5)).Loaded);
    }

    [Fact]
    public async Task A_load_that_does_not_balance_is_not_committed()
    {
        var load = NewLoad();

        await Assert.ThrowsAsync<InvalidOperationException>(() => LoadTransaction.RunAsync(
            warehouse.Source, load, _ => Task.FromResult(new LoadCounts(RowsIn: 3, Loaded: 1, Quarantined: 1, Skipped: 0, Duplicates: 0)), Cancellation));

        Assert.Equal(["0"], await warehouse.QueryAsync($"select count(*) from {load.Table.Schema}.load_ledger"));
    }

    [Fact]
    public async Task Content_is_known_by_its_table_however_long_ago_it_was_loaded()
    {
        var first = NewLoad();
        var second = first with { LoadKey = "second", ContentSha256 = "b" };
        await LoadAsync(first, rows: 1);
        await LoadAsync(second, rows: 1);

        Assert.True(await KnowsAsync(first with { LoadKey = "third" }));
        Assert.False(await KnowsAsync(first with { LoadKey = "fourth", ContentSha256 = "c" }));
        Assert.False(await KnowsAsync(first with { LoadKey = "fifth", Table = new(first.Table.Schema, "other") }));
    }

    private LoadIdentity NewLoad() => new(new(warehouse.NewSchema(), "copied"), Guid.NewGuid().ToString("N"), "local://test/rows", "a");

    private async Task<bool> KnowsAsync(LoadIdentity load)
    {
        var known = false;
        await LoadTransaction.RunAsync(warehouse.Source, load, async transaction =>
        {
            known = await transaction.FindContentAsync<LoadCounts>(Cancellation) is not null;
            return new LoadCounts(0, 0, 0, 0, 0);
        }, Cancellation);
        return known;
    }

    private Task<LoadCounts> LoadAsync(LoadIdentity load, int rows, string value = "i") =>
        LoadTransaction.RunAsync(warehouse.Source, load, async transaction =>
        {
            using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
            using var source = duckDb.Connect();
            await using (var create = new NpgsqlCommand($"create table if not exists {load.Table} (v int)", transaction.Connection))
            {
                await create.ExecuteNonQueryAsync(Cancellation);
            }

            var copied = await QueryCopy.RunAsync(source, $"select {value} as v from range(?) r(i)", transaction.Connection, load.Table, Cancellation, rows);
            return new LoadCounts(RowsIn: copied, Loaded: copied, Quarantined: 0, Skipped: 0, Duplicates: 0);
        }, Cancellation);

    private async Task<long> CopyAsync(DuckDbConnection source, string query, TableName table)
    {
        await using var target = await warehouse.Source.OpenConnectionAsync(Cancellation);
        return await QueryCopy.RunAsync(source, query, target, table, Cancellation);
    }
}
