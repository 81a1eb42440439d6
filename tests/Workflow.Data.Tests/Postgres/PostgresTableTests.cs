using Workflow.Data.DuckDb;
using Workflow.Data.Postgres;
using Workflow.Data.Tests.Warehouse;

namespace Workflow.Data.Tests.Postgres;

public sealed class PostgresTableTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>, IDisposable
{
    private readonly string _schema = warehouse.NewSchema();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _database.Dispose();

    /// <summary>PostgreSQL's type and value, DuckDB's type and its text for the value.</summary>
    public static TheoryData<string, string, DuckDbTypeId, string> Typed() => new()
    {
        { "boolean", "true", DuckDbTypeId.Boolean, "true" },
        { "smallint", "-32768", DuckDbTypeId.SmallInt, "-32768" },
        { "integer", "2147483647", DuckDbTypeId.Integer, "2147483647" },
        { "bigint", "-9223372036854775808", DuckDbTypeId.BigInt, "-9223372036854775808" },
        { "real", "1.5", DuckDbTypeId.Float, "1.5" },
        { "double precision", "0.1", DuckDbTypeId.Double, "0.1" },
        { "numeric(4,2)", "-12.50", DuckDbTypeId.Decimal, "-12.50" },
        { "numeric(9,4)", "12345.6789", DuckDbTypeId.Decimal, "12345.6789" },
        { "numeric(18,5)", "0.00001", DuckDbTypeId.Decimal, "0.00001" },
        { "numeric(38,10)", "1234567890123456789012345678.0123456789", DuckDbTypeId.Decimal, "1234567890123456789012345678.0123456789" },
        { "numeric(38,0)", "99999999999999999999999999999999999999", DuckDbTypeId.Decimal, "99999999999999999999999999999999999999" },
        { "numeric(10,2)", "0", DuckDbTypeId.Decimal, "0.00" },
        { "numeric(10,2)", "10000", DuckDbTypeId.Decimal, "10000.00" },
        { "numeric", "1.500", DuckDbTypeId.Varchar, "1.500" },
        { "numeric(50,2)", "1.5", DuckDbTypeId.Varchar, "1.50" },
        { "text", "'Grüße 🌍'", DuckDbTypeId.Varchar, "Grüße 🌍" },
        { "varchar(10)", "'x'", DuckDbTypeId.Varchar, "x" },
        { "char(3)", "'x'", DuckDbTypeId.Varchar, "x" },
        { "date", "'1969-12-31'", DuckDbTypeId.Date, "1969-12-31" },
        { "date", "'infinity'", DuckDbTypeId.Date, "infinity" },
        { "date", "'-infinity'", DuckDbTypeId.Date, "-infinity" },
        { "time", "'23:59:59.123456'", DuckDbTypeId.Time, "23:59:59.123456" },
        { "timestamp", "'1999-12-31 23:59:59.999999'", DuckDbTypeId.Timestamp, "1999-12-31 23:59:59.999999" },
        { "timestamp", "'-infinity'", DuckDbTypeId.Timestamp, "-infinity" },
        { "timestamptz", "'2024-01-01 12:00:00+02'", DuckDbTypeId.TimestampTz, "2024-01-01 10:00:00+00" },
        { "uuid", "'ffeeddcc-bbaa-9988-7766-554433221100'", DuckDbTypeId.Uuid, "ffeeddcc-bbaa-9988-7766-554433221100" },
        { "bytea", "'\\x00ff41'", DuckDbTypeId.Blob, "\\x00\\xFFA" },
        { "jsonb", "'{\"a\": [1, 2.50]}'", DuckDbTypeId.Varchar, "{\"a\": [1, 2.50]}" },
        { "integer[]", "'{1,2}'", DuckDbTypeId.Varchar, "{1,2}" },
        { "interval", "'1 month 2 days'", DuckDbTypeId.Varchar, "1 mon 2 days" },
        { "inet", "'10.0.0.1'", DuckDbTypeId.Varchar, "10.0.0.1/32" },
    };

    [Theory]
    [MemberData(nameof(Typed))]
    public async Task Values_keep_their_types(string type, string value, DuckDbTypeId duckDbType, string text)
    {
        await CreateAsync(type, value);
        using var connection = _database.Connect();
        await LoadAsync(ValueForm.Typed);

        connection.Execute("set timezone = 'UTC'", Cancellation);
        using (var result = connection.Query("select c1 from t", Cancellation))
        {
            Assert.Equal(duckDbType, result.Columns[0].Type.Id);
        }

        using var texts = connection.Query("select _row, c0, c1::varchar from t order by _row", Cancellation);
        Assert.Equal([$"1|1|{text}", "2|2|"], texts.Rows(Cancellation).Select(row => string.Join('|', row)));
    }

    [Theory]
    [InlineData("double precision", "100000", "100000")]
    [InlineData("double precision", "1e30", "1e+30")]
    [InlineData("numeric", "1.500", "1.500")]
    [InlineData("boolean", "true", "true")]
    [InlineData("timestamptz", "'2024-01-01 12:00:00+02'", "2024-01-01 10:00:00+00")]
    [InlineData("date", "'2024-01-31'", "2024-01-31")]
    [InlineData("interval", "'1 month 2 days'", "1 mon 2 days")]
    [InlineData("bytea", "'\\x00ff'", "\\x00ff")]
    public async Task As_text_values_are_what_the_database_writes_however_it_is_set(string type, string value, string text)
    {
        await CreateAsync(type, value);
        await warehouse.ExecuteAsync($"do $$ begin execute format('alter database %I set timezone = ''Asia/Tokyo''', current_database()); execute format('alter database %I set datestyle = ''German''', current_database()); end $$");
        await LoadAsync(ValueForm.Text);
        using var connection = _database.Connect();
        Assert.Equal(text, connection.Scalar("select c1 from t where _row = 1", Cancellation));
    }

    [Fact]
    public async Task Many_rows_arrive_in_order_across_buffers()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.people as select i as id, repeat('x', i % 3000) as s, nullif(i % 5, 0) as n from generate_series(1, 20000) i");
        var table = await LoadAsync(ValueForm.Typed);
        using var connection = _database.Connect();
        Assert.Equal((20_000, "id,s,n"), (table.Rows, string.Join(',', table.Columns)));
        Assert.Equal(20_000L, connection.Scalar("select count(*) from t where _row = c0 and c1 = repeat('x', c0 % 3000) and c2 is not distinct from nullif(c0 % 5, 0)", Cancellation));
    }

    [Fact]
    public async Task A_field_of_ten_megabytes_arrives()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.people as select repeat('x', 10000000) as s");
        await LoadAsync(ValueForm.Typed);
        using var connection = _database.Connect();
        Assert.Equal(10_000_000L, connection.Scalar("select length(c0) from t", Cancellation));
    }

    [Fact]
    public async Task A_view_and_hostile_names_are_read()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create view {_schema}.people as select 1 as \"a\"\"; drop table t; --\", 2 as \"A\", 3 as a");
        var table = await LoadAsync(ValueForm.Typed);
        Assert.Equal(["a\"; drop table t; --", "A", "a"], table.Columns);
        Assert.Equal(1, table.Rows);
    }

    [Fact]
    public async Task An_empty_table_has_its_columns()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.people (id integer, name text)");
        Assert.Equal(0, (await LoadAsync(ValueForm.Typed)).Rows);
    }

    [Fact]
    public async Task A_missing_table_is_named()
    {
        var error = await Assert.ThrowsAsync<BadInputException>(() => LoadAsync(ValueForm.Typed));
        Assert.StartsWith($"There is no table {_schema}.people", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NaN_has_no_decimal()
    {
        await CreateAsync("numeric(10,2)", "'NaN'");
        Assert.Contains("NaN", (await Assert.ThrowsAsync<BadInputException>(() => LoadAsync(ValueForm.Typed))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failure_does_not_read_the_table_to_its_end()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create view {_schema}.people as select 'NaN'::numeric(10,2), pg_sleep(0.001)::text, repeat('x', 10000) from generate_series(1, 10000000) i");
        await Assert.ThrowsAsync<BadInputException>(() => LoadAsync(ValueForm.Typed).WaitAsync(TimeSpan.FromSeconds(60), Cancellation));
    }

    [Fact]
    public async Task Cancelling_stops_the_copy()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create view {_schema}.people as select i, pg_sleep(0.001)::text from generate_series(1, 10000000) i");
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = PostgresTable.LoadAsync(_database, "t", warehouse.Source, new(_schema, "people"), ValueForm.Typed, source.Token);
        await Workflow.Testing.Eventually.TrueAsync(async () => (await warehouse.QueryAsync("select count(*) from pg_stat_progress_copy where datname = current_database()")) is ["1"], cancellation: Cancellation);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
    }

    private Task CreateAsync(string type, string value) =>
        warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.people (id integer, v {type}); insert into {_schema}.people values (1, {value}), (2, null)");

    private Task<PostgresTable> LoadAsync(ValueForm form) =>
        PostgresTable.LoadAsync(_database, "t", warehouse.Source, new(_schema, "people"), form, Cancellation);
}
