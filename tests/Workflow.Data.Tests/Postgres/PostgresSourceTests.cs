using Npgsql;
using Workflow.Data.DuckDb;
using Workflow.Data.Postgres;
using Workflow.Data.Sources;
using Workflow.Data.Tests.Warehouse;

namespace Workflow.Data.Tests.Postgres;

/// <summary>Tables of PostgreSQL in parts; the text of their values is in <see cref="PostgresTableTests"/>.</summary>
public sealed class PostgresSourceTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>, IDisposable
{
    private readonly string _schema = warehouse.NewSchema();
    private readonly DuckDbDatabase _duckDb = DuckDbDatabase.Open(new());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _duckDb.Dispose();

    [Fact]
    public async Task Parts_follow_each_other_in_the_tables_order_and_leave_nothing_out()
    {
        await CreateNumbersAsync();
        await using var snapshot = await OpenAsync(reads: 4);
        Assert.Equal((4, null), (snapshot.Reads, snapshot.Note));
        Assert.Equal(100_000, await snapshot.LoadAsync(_duckDb, "t", Cancellation));
        Assert.Equal(await warehouse.QueryAsync($"select string_agg(id::text, ',' order by ctid) from {_schema}.source"), Query("select string_agg(c0, ',' order by _row) from t"));
    }

    /// <summary>No part sees what is written after the first one was opened: a row that moves behind the others is in its old place, once.</summary>
    [Fact]
    public async Task All_parts_see_one_state_whatever_is_written_meanwhile()
    {
        await CreateNumbersAsync();
        await using var snapshot = await OpenAsync(reads: 4);
        await warehouse.ExecuteAsync($"begin; update {_schema}.source set id = -id where id <= 50000; delete from {_schema}.source where id > 90000; insert into {_schema}.source values (0, 'new'); commit");
        Assert.Equal(100_000, await snapshot.LoadAsync(_duckDb, "t", Cancellation));
        Assert.Equal(["100000|1|100000"], Query("select count(distinct c0), min(c0::int), max(c0::int) from t"));
    }

    [Fact]
    public async Task A_row_that_moved_before_is_in_its_new_place_once()
    {
        await CreateNumbersAsync();
        await warehouse.ExecuteAsync($"update {_schema}.source set filler = 'moved' where id % 3 = 0");
        await using var snapshot = await OpenAsync(reads: 4);
        Assert.Equal(100_000, await snapshot.LoadAsync(_duckDb, "t", Cancellation));
        Assert.Equal(["100000|33333"], Query("select count(distinct c0), count(*) filter (c1 = 'moved') from t"));
    }

    [Theory]
    [InlineData("create table {0}.source (id int)", 1)]
    [InlineData("create view {0}.source as select g as id from generate_series(1, 100000) g", 1)]
    [InlineData("create table {0}.source (id int) partition by hash (id); create table {0}.p0 partition of {0}.source for values with (modulus 1, remainder 0); insert into {0}.source select generate_series(1, 100000)", 1)]
    [InlineData("create table {0}.source (id int); create table {0}.child () inherits ({0}.source); insert into {0}.source select generate_series(1, 100000); insert into {0}.child values (0)", 1)]
    [InlineData("create materialized view {0}.source as select g as id from generate_series(1, 100000) g", 3)]
    public async Task What_does_not_lie_in_one_place_or_is_small_is_read_by_one(string create, int reads)
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; {string.Format(create, _schema)}");
        await using var snapshot = await OpenAsync(reads: 4);
        Assert.Equal(reads, snapshot.Reads);
        var rows = await snapshot.LoadAsync(_duckDb, "t", Cancellation);
        Assert.Equal([$"{rows}"], await warehouse.QueryAsync($"select count(*) from {_schema}.source"));
    }

    [Fact]
    public async Task A_server_that_does_not_share_its_snapshot_is_read_by_one_connection_and_that_is_told()
    {
        await CreateNumbersAsync();
        var reader = $"reader_{Guid.NewGuid():N}";
        await warehouse.ExecuteAsync($"create role {reader} login password 'reads'; grant usage on schema {_schema} to {reader}; grant select on {_schema}.source to {reader}; revoke execute on function pg_export_snapshot() from public");
        try
        {
            await using var source = new PostgresSource(NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(warehouse.ConnectionString) { Username = reader, Password = "reads" }));
            await using var snapshot = await source.OpenAsync(new(_schema, "source"), 4, Cancellation);
            Assert.Equal(100_000, await snapshot.LoadAsync(_duckDb, "t", Cancellation));
            Assert.Equal(1, snapshot.Reads);
            Assert.Contains("pg_export_snapshot", snapshot.Note, StringComparison.Ordinal);
        }
        finally
        {
            await warehouse.ExecuteAsync($"grant execute on function pg_export_snapshot() to public; drop owned by {reader}; drop role {reader}");
        }
    }

    [Fact]
    public async Task A_failure_in_one_part_stops_the_others()
    {
        await CreateNumbersAsync();
        await using var snapshot = await OpenAsync(reads: 4);
        await warehouse.ExecuteAsync($"select pg_terminate_backend(min(pid)) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database() and state = 'idle in transaction'");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => snapshot.LoadAsync(_duckDb, "t", Cancellation));
    }

    private Task CreateNumbersAsync() => warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.source as select i as id, repeat('x', 20) as filler from generate_series(1, 100000) i order by md5(i::text)");

    private Task<SourceSnapshot> OpenAsync(int reads) => new PostgresSource(warehouse.Source).OpenAsync(new(_schema, "source"), reads, Cancellation);

    private string[] Query(string sql)
    {
        using var connection = _duckDb.Connect();
        using var result = connection.Query(sql, Cancellation);
        return [.. result.Rows(Cancellation).Select(row => string.Join('|', row.Select(value => value ?? "∅")))];
    }
}
