using Workflow.Data.DuckDb;

namespace Workflow.Data.Tests.DuckDb;

public sealed class DuckDbQueryTests : IDisposable
{
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());
    private readonly DuckDbConnection _connection;

    public DuckDbQueryTests() => _connection = _database.Connect();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    public static TheoryData<string, object?> Values() => new()
    {
        { "true", true },
        { "(-128)::tinyint", (sbyte)-128 },
        { "(-32768)::smallint", short.MinValue },
        { "2147483647::integer", int.MaxValue },
        { "(-9223372036854775808)::bigint", long.MinValue },
        { "255::utinyint", byte.MaxValue },
        { "65535::usmallint", ushort.MaxValue },
        { "4294967295::uinteger", uint.MaxValue },
        { "18446744073709551615::ubigint", ulong.MaxValue },
        { "(-170141183460469231731687303715884105727)::hugeint", Int128.MinValue + 1 },
        { "340282366920938463463374607431768211455::uhugeint", UInt128.MaxValue },
        { "1.5::float", 1.5f },
        { "0.1::double", 0.1 },
        { "(-12.50)::decimal(4,2)", -12.50m },
        { "12345678.9::decimal(9,1)", 12345678.9m },
        { "123456789012345.678::decimal(18,3)", 123456789012345.678m },
        { "79228162514264337593543950335::decimal(38,0)", decimal.MaxValue },
        { "1.5::decimal(38,30)", 1.5m },
        { "''", "" },
        { "'twelve bytes'", "twelve bytes" },
        { "'thirteen byte'", "thirteen byte" },
        { "'Grüße, 世界 🌍'", "Grüße, 世界 🌍" },
        { "'a\\x00b'::blob", new byte[] { (byte)'a', 0, (byte)'b' } },
        { "date '1969-12-31'", new DateOnly(1969, 12, 31) },
        { "date '0001-01-01'", DateOnly.MinValue },
        { "time '23:59:59.999999'", new TimeOnly(23, 59, 59, 999, 999) },
        { "timestamp '1969-12-31 23:59:59.999999'", new DateTime(1969, 12, 31, 23, 59, 59, 999, 999) },
        { "timestamp_s '2024-02-29 12:00:01'", new DateTime(2024, 2, 29, 12, 0, 1) },
        { "timestamp_ms '2024-02-29 12:00:01.002'", new DateTime(2024, 2, 29, 12, 0, 1, 2) },
        { "timestamp_ns '2024-02-29 12:00:01.0000023'", new DateTime(2024, 2, 29, 12, 0, 1).AddTicks(23) },
        { "timestamptz '2024-02-29 12:00:00+02'", new DateTimeOffset(2024, 2, 29, 10, 0, 0, TimeSpan.Zero) },
        { "uuid '00112233-4455-6677-8899-aabbccddeeff'", Guid.Parse("00112233-4455-6677-8899-aabbccddeeff") },
        { "uuid 'ffeeddcc-bbaa-9988-7766-554433221100'", Guid.Parse("ffeeddcc-bbaa-9988-7766-554433221100") },
        { "interval '14 months 3 days 4 seconds'", new DuckDbInterval(14, 3, 4_000_000) },
        { "'small'::enum('big', 'small')", "small" },
        { "null", null },
        { "null::varchar", null },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_is_read_as_its_clr_type(string sql, object? expected) =>
        Assert.Equal(expected, _connection.Scalar($"select {sql}", Cancellation));

    [Fact]
    public void Nested_values_are_read_whole_with_their_nulls()
    {
        var row = Row("""
            select [1, null, 3], []::int[], [[1], null, [2, 3]], array[1, 2]::int[2],
                   {'name': 'a', 'inner': {'n': null}}, map {'k': 1, 'l': null}, [{'x': 1}, {'x': 2}], null::int[]
            """);

        Assert.Equal([1, null, 3], Assert.IsType<object?[]>(row[0]));
        Assert.Empty(Assert.IsType<object?[]>(row[1]));
        var lists = Assert.IsType<object?[]>(row[2]);
        Assert.Equal([1], Assert.IsType<object?[]>(lists[0]));
        Assert.Null(lists[1]);
        Assert.Equal([2, 3], Assert.IsType<object?[]>(lists[2]));
        Assert.Equal([1, 2], Assert.IsType<object?[]>(row[3]));
        var fields = Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(row[4]);
        Assert.Equal("a", fields["name"]);
        Assert.Null(Assert.IsAssignableFrom<IReadOnlyDictionary<string, object?>>(fields["inner"])["n"]);
        var entries = Assert.IsAssignableFrom<IReadOnlyDictionary<object, object?>>(row[5]);
        Assert.Equal([("k", (object?)1), ("l", null)], entries.Select(entry => ((string)entry.Key, entry.Value)));
        Assert.Equal([1, 2], Assert.IsType<object?[]>(row[6]).Select(item => ((IReadOnlyDictionary<string, object?>)item!)["x"]));
        Assert.Null(row[7]);
    }

    [Fact]
    public void Nested_values_are_right_beyond_the_first_rows_of_a_chunk()
    {
        using var result = _connection.Query("select i, [i, i + 1], {'d': i::decimal(20, 2)}, [i, i]::int[2] from range(5000) r(i)", Cancellation);
        var expected = 0L;
        foreach (var row in result.Rows(Cancellation))
        {
            Assert.Equal(expected, row[0]);
            Assert.Equal([expected, expected + 1], (object?[])row[1]!);
            Assert.Equal((decimal)expected, ((IReadOnlyDictionary<string, object?>)row[2]!)["d"]);
            Assert.Equal([(int)expected, (int)expected], (object?[])row[3]!);
            expected++;
        }

        Assert.Equal(5000, expected);
    }

    [Fact]
    public void Columns_tell_their_names_and_full_types()
    {
        using var result = _connection.Query("select 1.25::decimal(7,3) as price, {'a': 1} as \"odd \"\" name\"", Cancellation);

        Assert.Equal("price", result.Columns[0].Name);
        Assert.Equal((DuckDbTypeId.Decimal, 7, 3), (result.Columns[0].Type.Id, result.Columns[0].Type.Width, result.Columns[0].Type.Scale));
        Assert.Equal("odd \" name", result.Columns[1].Name);
        Assert.Equal([new DuckDbField("a", new DuckDbType(DuckDbTypeId.Integer))], result.Columns[1].Type.Children);
    }

    [Fact]
    public void A_chunk_gives_raw_memory_and_validity()
    {
        using var result = _connection.Query("select case when i % 3 <> 0 then i end from range(3000) r(i)", Cancellation);
        long sum = 0;
        var nulls = 0;
        while (result.NextChunk(Cancellation) is { } chunk)
        {
            using (chunk)
            {
                var column = chunk.Column(0);
                var values = column.Raw<long>();
                for (var row = 0; row < chunk.RowCount; row++)
                {
                    if (column.IsNull(row))
                    {
                        nulls++;
                    }
                    else
                    {
                        sum += values[row];
                    }
                }
            }
        }

        Assert.Equal(1000, nulls);
        Assert.Equal(Enumerable.Range(0, 3000).Where(i => i % 3 != 0).Sum(), sum);
    }

    public static TheoryData<object?> Parameters() =>
    [
        (object?)null, true, (short)-5, 42, long.MinValue, ulong.MaxValue, Int128.MaxValue, 1.5f, 0.1, -12.345m, "", "O'Reilly; drop table x --", "nul\0inside",
        new byte[] { 0, 255, 1 }, Array.Empty<byte>(), new DateOnly(2024, 2, 29), new TimeOnly(1, 2, 3), new DateTime(2024, 1, 2, 3, 4, 5, 6, 7),
        new DateTimeOffset(2024, 1, 2, 3, 4, 5, TimeSpan.Zero), Guid.Parse("ffeeddcc-bbaa-9988-7766-554433221100"), new DuckDbInterval(1, 2, 3),
    ];

    [Theory]
    [MemberData(nameof(Parameters))]
    public void A_parameter_comes_back_as_it_was_bound(object? value)
    {
        var read = _connection.Scalar("select ?", Cancellation, value);
        Assert.Equal(value is short number ? (int)number : value, read);
    }

    [Fact]
    public void A_prepared_statement_runs_again_with_other_parameters()
    {
        _connection.Execute("create table t (id integer, name varchar)", Cancellation);
        using var insert = _connection.Prepare("insert into t values ($1, $2)");
        foreach (var id in Enumerable.Range(1, 3))
        {
            insert.Bind(id, $"name {id}");
            Assert.Equal(1, insert.Execute(Cancellation));
        }

        Assert.Equal("name 1,name 2,name 3", _connection.Scalar("select string_agg(name, ',' order by id) from t", Cancellation));
    }

    [Fact]
    public void Several_statements_run_in_order_and_the_last_reports_its_rows() =>
        Assert.Equal(2, _connection.Execute("create table t (i integer); insert into t values (1), (2), (3); delete from t where i > 1", Cancellation));

    [Fact]
    public void An_error_carries_the_sql_and_what_duckdb_said()
    {
        var error = Assert.Throws<DuckDbException>(() => _connection.Execute("select nothing from nowhere", Cancellation));

        Assert.Equal("select nothing from nowhere", error.Sql);
        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("selekt 1")]
    [InlineData("select 'a'::integer")]
    [InlineData("select i::tinyint from range(1000) r(i)")]
    [InlineData("")]
    [InlineData("select 1; select 2")]
    [InlineData("select ?, ?")]
    public void What_cannot_run_is_a_duckdb_exception_with_its_sql(string sql) =>
        Assert.Equal(sql, Assert.Throws<DuckDbException>(() => _connection.Query(sql, Cancellation, 1).Rows(Cancellation).Count()).Sql);

    [Fact]
    public void An_error_in_the_middle_of_a_result_is_thrown_where_it_is_read()
    {
        using var result = _connection.Query("select case when i = 3900000 then error('row 3900000') else i end from range(4000000) r(i)", Cancellation);
        var error = Assert.Throws<DuckDbException>(() => { while (result.NextChunk(Cancellation) is { } chunk) { chunk.Dispose(); } });
        Assert.Contains("row 3900000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_without_a_clr_type_says_what_to_do()
    {
        var error = Assert.Throws<DuckDbException>(() => _connection.Scalar("select 99999999999999999999999999999999999999::decimal(38,0)", Cancellation));
        Assert.Contains("varchar", error.Message, StringComparison.Ordinal);
        Assert.Throws<DuckDbException>(() => _connection.Scalar("select date 'infinity'", Cancellation));
        Assert.Throws<DuckDbException>(() => _connection.Scalar("select '101'::bit", Cancellation));
    }

    private object?[] Row(string sql)
    {
        using var result = _connection.Query(sql, Cancellation);
        return Assert.Single(result.Rows(Cancellation).ToList());
    }
}
