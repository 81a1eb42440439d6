using Npgsql;
using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.Data.Tests.Warehouse;

/// <summary>Loads in Redshift's dialect.</summary>
public sealed class RedshiftLoaderTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>, IAsyncDisposable
{
    private readonly TestCluster _cluster = new(warehouse);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Rows_are_staged_copied_as_a_role_and_merged_by_key()
    {
        var schema = warehouse.NewSchema();

        var first = await LoadAsync(schema, "user_id,name,age\n1,Ann,30\n2,\"B\"\"o, Jr\",\n2,Bob,41\n");
        var second = await LoadAsync(schema, "user_id,name,city\n2,Bea,Rome\n3,\"Cy\nthe second\",Oslo\n");

        Assert.Equal((3, 2, 2, 0, 1, true), (first.RowsIn, first.Loaded, first.Inserted, first.Updated, first.Duplicates, first.CreatedTable));
        Assert.Equal((2, 2, 1, 1), (second.RowsIn, second.Loaded, second.Inserted, second.Updated));
        Assert.Equal(["city"], second.AddedColumns);
        Assert.Equal(["1|Ann|30|", "2|Bea|41|Rome", "3|Cy\nthe second||Oslo"], await QueryAsync($"select user_id, name, age, city from {schema}.people order by user_id"));
        Assert.Equal(["1|3|2", "2|2|2"], await QueryAsync($"select id, rows_in, loaded from {schema}.load_ledger order by id"));
        Assert.Empty(_cluster.Staged());
    }

    [Fact]
    public async Task The_statements_are_those_of_Redshift()
    {
        var schema = warehouse.NewSchema();
        await LoadAsync(schema, "user_id,name\n1,Ann\n", request => request with { LoadKey = "key-1" });

        Assert.Equal(
            $"copy load_stage (_row, c0, c1) from 'local://staging/redshift/key-1/manifest' iam_role '{TestCluster.Role}' " +
            "manifest format as csv gzip emptyasnull dateformat 'auto' timeformat 'auto' compupdate off statupdate off",
            Assert.Single(_cluster.Copies));
        Assert.Equal(["name|character varying|65535"], await QueryAsync($"select column_name, data_type, character_maximum_length from information_schema.columns where table_schema = '{schema}' and table_name = 'people' and column_name = 'name'"));
    }

    [Fact]
    public async Task A_load_that_is_asked_for_again_is_answered_from_the_ledger()
    {
        var schema = warehouse.NewSchema();
        var request = await warehouse.RequestAsync(schema, warehouse.NewFile("user_id,name\n1,Ann\n"));

        var first = await Loader().LoadAsync(request, Cancellation);
        await warehouse.Source.CreateCommand($"update {schema}.people set name = 'changed since'").ExecuteNonQueryAsync(Cancellation);
        var again = await Loader().LoadAsync(request, Cancellation);
        var sameContent = await Loader().LoadAsync(request with { LoadKey = "another" }, Cancellation);

        Assert.Equal((1, 1), (first.Inserted, again.Inserted));
        Assert.True(sameContent.SameContent);
        Assert.Equal(["changed since"], await QueryAsync($"select name from {schema}.people"));
        Assert.Single(_cluster.Copies);
        var other = await Assert.ThrowsAsync<WarehouseException>(() => Loader().LoadAsync(request with { ContentSha256 = new('0', 64) }, Cancellation));
        Assert.Contains("Give every load a key of its own", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_load_that_fails_after_the_copy_nothing_is_left_and_it_can_be_done_again()
    {
        var schema = warehouse.NewSchema();
        var request = await warehouse.RequestAsync(schema, warehouse.NewFile("user_id,name\n1,Ann\n"));

        await Assert.ThrowsAsync<IOException>(() => Loader(async (connection, copy, cancellation) =>
        {
            await _cluster.CopyAsync(connection, copy, cancellation);
            throw new IOException("the connection broke");
        }).LoadAsync(request, Cancellation));
        Assert.Equal(["0"], await QueryAsync($"select count(*) from {schema}.load_ledger"));
        Assert.Equal(1, (await Loader().LoadAsync(request, Cancellation)).Inserted);

        Assert.Equal(["1|Ann"], await QueryAsync($"select user_id, name from {schema}.people"));
    }

    [Fact]
    public async Task Loads_into_one_schema_wait_for_each_other_and_none_is_lost()
    {
        var schema = warehouse.NewSchema();
        await LoadAsync(schema, "user_id,name\n0,Zoe\n");

        await Task.WhenAll(Enumerable.Range(1, 5).Select(number => LoadAsync(schema, $"user_id,name\n0,Z{number}\n{number},N{number}\n")));

        Assert.Equal(["6|6"], await QueryAsync($"select count(*), count(distinct user_id) from {schema}.people"));
        Assert.Equal(["1", "2", "3", "4", "5", "6"], await QueryAsync($"select id from {schema}.load_ledger order by id"));
    }

    [Fact]
    public async Task Every_type_arrives_as_it_would_in_PostgreSQL()
    {
        var schema = warehouse.NewSchema();
        const string Header = "user_id,flag,small,big,amount,ratio,day,at,moment,note\n";
        await LoadAsync(schema, Header +
            "1,true,-7,9223372036854775807,-12345678.0001,1.5e-7,2024-02-29,2024-02-29 23:59:59.123456,2024-02-29T23:59:59Z,ünïcode\n" +
            "2,false,2147483647,-9223372036854775808,0.0500,3.25,0001-01-01,1999-12-31 00:00:00,1970-01-01T00:00:00Z,\\N\n" +
            "3,,,,99990000.0000,,,,,\n");
        var inPostgres = warehouse.NewSchema();
        await warehouse.LoadAsync(inPostgres, Header +
            "1,true,-7,9223372036854775807,-12345678.0001,1.5e-7,2024-02-29,2024-02-29 23:59:59.123456,2024-02-29T23:59:59Z,ünïcode\n" +
            "2,false,2147483647,-9223372036854775808,0.0500,3.25,0001-01-01,1999-12-31 00:00:00,1970-01-01T00:00:00Z,\\N\n" +
            "3,,,,99990000.0000,,,,,\n");

        Assert.Equal(await QueryAsync($"select p::text from {inPostgres}.people p order by user_id"), await QueryAsync($"select p::text from {schema}.people p order by user_id"));
    }

    [Fact]
    public async Task A_length_is_one_of_bytes_and_what_is_longer_is_set_aside()
    {
        var schema = warehouse.NewSchema();
        await warehouse.Source.CreateCommand($"create schema {schema}; create table {schema}.people (user_id integer primary key, name varchar(4))").ExecuteNonQueryAsync(Cancellation);

        var result = await LoadAsync(schema, "user_id,name\n1,abcd\n2,äöü\n3,äö\n");

        Assert.Equal((2, 1), (result.Loaded, result.Quarantined));
        Assert.Equal(["1|abcd", "3|äö"], await QueryAsync($"select user_id, name from {schema}.people order by user_id"));
    }

    [Fact]
    public async Task A_column_that_would_need_another_type_is_named()
    {
        var schema = warehouse.NewSchema();
        await LoadAsync(schema, "user_id,age\n1,30\n");

        var refused = await Assert.ThrowsAsync<WarehouseException>(() => LoadAsync(schema, "user_id,age\n2,3000000000\n"));

        Assert.Contains("age", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Redshift does not change a column's type", refused.Message, StringComparison.Ordinal);
    }

    private RedshiftLoader Loader(Func<NpgsqlConnection, string, CancellationToken, Task>? copy = null) =>
        new(_cluster.Source, _cluster.Objects, copy is null ? _cluster.Staging : _cluster.Staging with { Copy = copy }, TimeProvider.System);

    private async Task<LoadResult> LoadAsync(string schema, string text, Func<LoadRequest, LoadRequest>? change = null)
    {
        var request = await warehouse.RequestAsync(schema, warehouse.NewFile(text));
        return await Loader().LoadAsync(change is null ? request : change(request), Cancellation);
    }

    private async Task<IReadOnlyList<string>> QueryAsync(string sql)
    {
        await using var command = warehouse.Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancellation))
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => reader.IsDBNull(column) ? "" : Convert.ToString(reader.GetValue(column), System.Globalization.CultureInfo.InvariantCulture))));
        }

        return rows;
    }
}
