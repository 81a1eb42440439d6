using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.DuckDb;
using Workflow.Data.MySql;
using Workflow.Data.Sources;
using Workflow.Testing;

namespace Workflow.Data.Tests.MySql;

/// <summary>Tables of a real MariaDB: the text of their values, and their parts.</summary>
[TakesLong]
public sealed class MySqlSourceTests(MariaDbFixture server) : IAsyncLifetime
{
    private readonly DuckDbDatabase _duckDb = DuckDbDatabase.Open(new());
    private MariaDbDatabase _database = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _database = await server.CreateDatabaseAsync(Cancellation);

    public ValueTask DisposeAsync()
    {
        _duckDb.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>MariaDB's type and value, and the text it arrives as.</summary>
    public static TheoryData<string, string, string> Texts() => new()
    {
        { "tinyint(1)", "true", "1" },
        { "boolean", "false", "0" },
        { "int(5) zerofill", "42", "00042" },
        { "bigint", "-9223372036854775808", "-9223372036854775808" },
        { "bigint unsigned", "18446744073709551615", "18446744073709551615" },
        { "decimal(10,2)", "12.5", "12.50" },
        { "decimal(65,30)", "12345678901234567890123456789012345.123456789012345678901234567890", "12345678901234567890123456789012345.123456789012345678901234567890" },
        { "float", "1.1", "1.1" },
        { "float", "16777217", "16777200" },
        { "double", "0.1", "0.1" },
        { "double", "100000", "100000" },
        { "double", "1e30", "1e30" },
        { "double", "1e-7", "0.0000001" },
        { "bit(1)", "b'1'", "1" },
        { "bit(64)", "b'1111111111111111111111111111111111111111111111111111111111111111'", "18446744073709551615" },
        { "date", "'2024-02-29'", "2024-02-29" },
        { "date", "'0000-00-00'", "0000-00-00" },
        { "datetime", "'0000-00-00 00:00:00'", "0000-00-00 00:00:00" },
        { "datetime(6)", "'2024-01-31 12:13:14.1'", "2024-01-31 12:13:14.100000" },
        { "timestamp", "'2024-01-31 12:00:00'", "2024-01-31 12:00:00" },
        { "time(3)", "'-838:59:58.123'", "-838:59:58.123" },
        { "year", "2024", "2024" },
        { "char(5)", "'x'", "x" },
        { "varchar(20) character set utf8mb4", "'Grüße 🌍'", "Grüße 🌍" },
        { "varchar(20) character set latin1", "'Grüße'", "Grüße" },
        { "text", "''", "" },
        { "longtext", "'a,\"b\"'", "a,\"b\"" },
        { "json", "'{\"a\": [1, 2.50]}'", "{\"a\": [1, 2.50]}" },
        { "enum('a','b')", "'b'", "b" },
        { "set('a','b','c')", "'a,c'", "a,c" },
        { "binary(3)", "x'00ff'", "0x00FF00" },
        { "varbinary(9)", "x'00ff'", "0x00FF" },
        { "blob", "x'c3'", "0xC3" },
        { "longblob", "''", "0x" },
        { "uuid", "'123e4567-e89b-12d3-a456-426614174000'", "123e4567-e89b-12d3-a456-426614174000" },
        { "inet6", "'::1'", "::1" },
        { "point", "st_geomfromtext('POINT(1 2)')", "POINT(1 2)" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public async Task Values_are_the_text_that_the_database_writes_however_it_is_set(string type, string value, string text)
    {
        await _database.ExecuteAsync(
            "set time_zone = '+00:00', sql_mode = '', character_set_client = utf8mb4, character_set_connection = utf8mb4",
            $"create table source (id int, v {type} null)",
            $"insert into source values (1, {value}), (2, null)");
        Assert.Equal([$"1|{text}", "2|∅"], await ReadAsync());
    }

    [Fact]
    public async Task Timestamps_are_in_utc_whatever_the_servers_zone()
    {
        await _database.ExecuteAsync("set time_zone = '+09:00'", "create table source (t timestamp)", "insert into source values ('2024-01-31 12:00:00')");
        Assert.Equal(["2024-01-31 03:00:00"], await ReadAsync());
    }

    /// <summary>The key's type, and its value for the number <c>seq</c>.</summary>
    public static TheoryData<string, string> Keys() => new()
    {
        { "int", "seq" },
        { "int", "cast(seq as signed) * cast(seq as signed) - 1000000" },
        { "bigint unsigned", "18446744073709551615 - seq" },
        { "varchar(40)", "concat('Ä', md5(seq), '\\'')" },
        { "binary(16)", "unhex(md5(seq))" },
        { "decimal(10,2)", "seq / 4" },
        { "datetime", "date_add('2024-01-01', interval seq minute)" },
        { "uuid", "concat('00000000-0000-1000-8000-', lpad(hex(seq), 12, '0'))" },
    };

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Parts_follow_each_other_in_the_keys_order_and_leave_nothing_out(string type, string value)
    {
        await _database.ExecuteAsync($"create table source (v int, k {type} primary key) character set utf8mb4", $"insert into source select seq, {value} from seq_1_to_3000 order by rand()", "analyze table source");
        await using var snapshot = await OpenAsync(reads: 4);
        Assert.Equal((4, null), (snapshot.Reads, snapshot.Note));
        Assert.Equal(3000, await snapshot.LoadAsync(_duckDb, "t", Cancellation));
        Assert.Equal(await _database.QueryAsync("select v from source order by k"), Query("select c0 from t order by _row"));
    }

    [Fact]
    public async Task A_key_of_several_columns_gives_order_and_parts()
    {
        await _database.ExecuteAsync("create table source (a int, b int, v int, primary key (b, a))", "insert into source select seq, seq % 3, seq from seq_1_to_3000", "analyze table source");
        await using var snapshot = await OpenAsync(reads: 7);
        await snapshot.LoadAsync(_duckDb, "t", Cancellation);
        Assert.Equal(3, snapshot.Reads);
        Assert.Equal(await _database.QueryAsync("select v from source order by b, a"), Query("select c2 from t order by _row"));
    }

    [Theory]
    [InlineData("create table source (id int)")]
    [InlineData("create table source (id int primary key) engine = MyISAM")]
    [InlineData("create table source (id double primary key)")]
    [InlineData("create view source as select 1 as id union all select 2")]
    public async Task What_has_no_ranges_or_no_state_to_share_is_read_by_one(string create)
    {
        await _database.ExecuteAsync(create);
        await using var snapshot = await OpenAsync(reads: 4);
        await snapshot.LoadAsync(_duckDb, "t", Cancellation);
        Assert.Equal((1, null), (snapshot.Reads, snapshot.Note));
    }

    [Fact]
    public Task However_the_keys_lie_the_parts_are_the_table()
    {
        var cases = from keys in Gen.ListOf(Gen.OneOf(Gen.Choose(-5, 5), Gen.Choose(int.MinValue, int.MaxValue)))
                    from reads in Gen.Choose(1, 9)
                    select (Keys: keys.Distinct().ToList(), Reads: reads);
        return Task.Run(() => Prop.ForAll(cases.ToArbitrary(), sample => HoldsAsync(sample.Keys, sample.Reads).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(30)), Cancellation);
    }

    /// <summary>No part sees what is written after the first one was opened, nor half of what was written before.</summary>
    [Fact]
    public async Task All_parts_see_one_state_whatever_is_written_meanwhile()
    {
        await CreateNumbersAsync();
        await using var snapshot = await OpenAsync(reads: 4);
        await _database.ExecuteAsync(
            "start transaction", "update source set id = 4000 where id = 1", "update source set v = 'new' where id > 1500", "delete from source where id = 2000", "insert into source values (0, 'new')", "commit");
        await snapshot.LoadAsync(_duckDb, "t", Cancellation);
        Assert.Equal(4, snapshot.Reads);
        Assert.Equal(["3000|1|3000|1"], Query("select count(*), min(c0::int), max(c0::int), count(distinct c1) from t"));
    }

    [Fact]
    public async Task A_write_that_is_under_way_is_waited_for_and_seen_whole()
    {
        await CreateNumbersAsync();
        await using var writer = await MySqlConnection.OpenAsync(_database.Address, Cancellation);
        await writer.ExecuteAsync("start transaction", Cancellation);
        await writer.ExecuteAsync("update source set id = 4000 where id = 1", Cancellation);
        var opening = OpenAsync(reads: 4);
        await Eventually.TrueAsync(async () => (await _database.QueryAsync($"select count(*) from information_schema.processlist where db = '{_database.Address.Database}' and info like 'lock tables%'")) is ["1"], cancellation: Cancellation);
        await writer.ExecuteAsync("update source set v = 'moved' where id = 4000", Cancellation);
        await writer.ExecuteAsync("commit", Cancellation);

        await using var snapshot = await opening;
        await snapshot.LoadAsync(_duckDb, "t", Cancellation);
        Assert.Equal(4, snapshot.Reads);
        Assert.Equal(["2|v", "4000|moved"], Query("select c0, c1 from t where c0::int in (1, 2, 4000) order by _row"));
    }

    [Fact]
    public async Task Writers_wait_no_longer_than_it_takes_to_open()
    {
        await CreateNumbersAsync();
        await using var snapshot = await OpenAsync(reads: 4);
        await _database.ExecuteAsync("set lock_wait_timeout = 1", "insert into source values (5000, 'new')", "alter table source comment 'is not locked either' , algorithm = nocopy");
    }

    [Fact]
    public async Task A_writer_that_does_not_end_leaves_one_connection_and_a_note()
    {
        await CreateNumbersAsync();
        await using var writer = await MySqlConnection.OpenAsync(_database.Address, Cancellation);
        await writer.ExecuteAsync("start transaction", Cancellation);
        await writer.ExecuteAsync("delete from source where id = 1", Cancellation);
        await using var snapshot = await OpenAsync(reads: 4);
        Assert.Equal(3000, await snapshot.LoadAsync(_duckDb, "t", Cancellation));
        Assert.Equal(1, snapshot.Reads);
        Assert.Contains("writer", snapshot.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_user_that_may_not_lock_reads_by_one_connection_and_is_told()
    {
        await CreateNumbersAsync();
        await using var source = new MySqlSource(await _database.CreateUserAsync("select"));
        await using var snapshot = await source.OpenAsync(new(null, "source"), 4, Cancellation);
        Assert.Equal(3000, await snapshot.LoadAsync(_duckDb, "t", Cancellation));
        Assert.Equal(1, snapshot.Reads);
        Assert.Contains("LOCK TABLES", snapshot.Note, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_right_to_lock_one_database_is_enough()
    {
        await CreateNumbersAsync();
        await using var source = new MySqlSource(await _database.CreateUserAsync("select, lock tables"));
        await using var snapshot = await source.OpenAsync(new(null, "source"), 4, Cancellation);
        Assert.Equal((4, null), (snapshot.Reads, snapshot.Note));
    }

    [Fact]
    public async Task Hostile_names_are_names()
    {
        await _database.ExecuteAsync("create table `a``; drop table x; --` (`b``\"` int primary key, `B` int, `c'` int)".Replace("`B` int", "`Ä` int", StringComparison.Ordinal), "insert into `a``; drop table x; --` values (1, 2, 3), (4, 5, 6)");
        await using var source = new MySqlSource(_database.Address);
        await using var snapshot = await source.OpenAsync(new(_database.Address.Database, "a`; drop table x; --"), 4, Cancellation);
        await snapshot.LoadAsync(_duckDb, "t", Cancellation);
        Assert.Equal(["b`\"", "Ä", "c'"], snapshot.Columns);
        Assert.Equal(["1|2|3", "4|5|6"], Query("select c0, c1, c2 from t order by _row"));
    }

    [Theory]
    [InlineData(null, "nothing_here")]
    [InlineData("no_database", "source")]
    public async Task A_missing_table_is_named(string? schema, string table)
    {
        await using var source = new MySqlSource(_database.Address);
        var error = await Assert.ThrowsAsync<BadInputException>(() => source.OpenAsync(new(schema, table), 4, Cancellation));
        Assert.Contains($"There is no table {schema ?? _database.Address.Database}.{table}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_stops_every_part()
    {
        await _database.ExecuteAsync("create table source (id int primary key)", "insert into source select seq from seq_1_to_4000", "create view slow as select id, sleep(0.05) from source");
        await using var source = new MySqlSource(_database.Address);
        var snapshot = await source.OpenAsync(new(null, "slow"), 4, Cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = snapshot.LoadAsync(_duckDb, "t", stop.Token);
        await Eventually.TrueAsync(async () => await RunningAsync() == "1", cancellation: Cancellation);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
        await snapshot.DisposeAsync();
        await Eventually.TrueAsync(async () => await RunningAsync() == "0", cancellation: Cancellation);

        async Task<string> RunningAsync() => (await _database.QueryAsync($"select count(*) from information_schema.processlist where db = '{_database.Address.Database}' and info like '%`slow`%' and id <> connection_id()"))[0];
    }

    private Task CreateNumbersAsync() => _database.ExecuteAsync("create table source (id int primary key, v varchar(10))", "insert into source select seq, 'v' from seq_1_to_3000");

    private async Task HoldsAsync(List<int> keys, int reads)
    {
        await _database.ExecuteAsync("create or replace table source (k int primary key)", keys.Count == 0 ? "do 0" : $"insert into source values {string.Join(", ", keys.Select(key => $"({key})"))}");
        await using var snapshot = await OpenAsync(reads);
        var table = $"t{Guid.NewGuid():N}";
        Assert.Equal(keys.Count, await snapshot.LoadAsync(_duckDb, table, Cancellation));
        Assert.InRange(snapshot.Reads, 1, reads);
        Assert.Equal(keys.Order().Select(key => $"{key}"), Query($"select c0 from {table} order by _row"));
    }

    private Task<SourceSnapshot> OpenAsync(int reads) => new MySqlSource(_database.Address).OpenAsync(new(null, "source"), reads, Cancellation);

    private async Task<string[]> ReadAsync()
    {
        await using var snapshot = await OpenAsync(reads: 1);
        await snapshot.LoadAsync(_duckDb, "t", Cancellation);
        return Query($"select {string.Join(", ", snapshot.Columns.Select((_, index) => $"c{index}"))} from t order by _row");
    }

    private string[] Query(string sql)
    {
        using var connection = _duckDb.Connect();
        using var result = connection.Query(sql, Cancellation);
        return [.. result.Rows(Cancellation).Select(row => string.Join('|', row.Select(value => value ?? "∅")))];
    }
}
