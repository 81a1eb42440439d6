using System.Text.RegularExpressions;
using Npgsql;
using Workflow.Data.Schema;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Tests.Warehouse;

public sealed class WarehouseLoadTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    private readonly string _schema = warehouse.NewSchema();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_new_file_makes_its_table_with_the_key_and_every_type()
    {
        var result = await warehouse.LoadAsync(_schema, """
            User_ID,big,price,ratio,active,born,seen,logged,zip,note
            1,3000000000,12.50,1e-3,true,1990-01-31,2024-01-01 12:00:00,2024-01-01T12:00:00Z,00501,"a ""b"", c"
            2,-1,-0.05,2.5,FALSE,0001-01-01,2024-01-01T00:00:00.123456,2024-01-01 12:00:00+02:00,10001,
            3,,,,,,,,,
            """);

        Assert.Equal((3, 3, 3, 0, 0, 0), (result.RowsIn, result.Loaded, result.Inserted, result.Updated, result.Quarantined, result.Skipped));
        Assert.True(result.CreatedTable);
        Assert.Equal(
            [
                "user_id integer", "big bigint", "price numeric(4,2)", "ratio double precision", "active boolean", "born date",
                "seen timestamp without time zone", "logged timestamp with time zone", "zip text", "note text",
            ],
            await warehouse.ColumnsAsync(_schema));
        Assert.Equal(
            [
                "1|3000000000|12.50|0.001|true|1990-01-31|2024-01-01 12:00:00|2024-01-01 12:00:00+00|00501|a \"b\", c",
                "2|-1|-0.05|2.5|false|0001-01-01|2024-01-01 00:00:00.123456|2024-01-01 10:00:00+00|10001|∅",
                "3|∅|∅|∅|∅|∅|∅|∅|∅|∅",
            ],
            await warehouse.PeopleAsync(_schema, "user_id, big, price::text, ratio, active::text, born::text, seen::text, (logged at time zone 'utc')::text || '+00', zip, note"));
        Assert.Equal(["p"], await warehouse.QueryAsync($"select contype from pg_constraint where conrelid = '{_schema}.people'::regclass and contype = 'p'"));
        Assert.Equal(new LoadedColumn("zip", "text", 1, "line 2 is '00501'"), result.Columns[8]);
    }

    [Theory]
    [InlineData("0.00", "0")]
    [InlineData("-0.05", "-0.05")]
    [InlineData("100000000", "100000000")]
    [InlineData("12345678901234567890123456789012345678", "12345678901234567890123456789012345678")]
    [InlineData("0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678")]
    [InlineData("10000.0001", "10000.0001")]
    [InlineData("-99990000.00001", "-99990000.00001")]
    [InlineData(".5", "0.5")]
    [InlineData("9999.9999", "9999.9999")]
    [InlineData("0.0000000001", "0.0000000001")]
    public async Task A_decimal_arrives_digit_by_digit(string text, string value)
    {
        await warehouse.LoadAsync(_schema, $"user_id,v\n1,{text}\n", request => request with { Schema = request.Schema.WithType("v", ColumnType.Decimal(38, text.Split('.').ElementAtOrDefault(1)?.Length ?? 0)) });
        Assert.Equal(["true"], await warehouse.PeopleAsync(_schema, $"(v = {value})::text"));
    }

    [Fact]
    public async Task The_next_file_updates_by_key_and_inserts_the_rest()
    {
        await warehouse.LoadAsync(_schema, "user_id,name,age\n1,Ann,30\n2,Bob,40\n");
        var result = await warehouse.LoadAsync(_schema, "user_id,name,age\n2,Robert,41\n3,Carol,50\n");

        Assert.Equal((2, 2, 1, 1), (result.RowsIn, result.Loaded, result.Inserted, result.Updated));
        Assert.Equal(["1|Ann|30", "2|Robert|41", "3|Carol|50"], await warehouse.PeopleAsync(_schema));
    }

    [Fact]
    public async Task Columns_missing_from_the_file_keep_their_values_and_empty_ones_become_null()
    {
        await warehouse.LoadAsync(_schema, "user_id,name,age\n1,Ann,30\n");
        await warehouse.LoadAsync(_schema, "user_id,age\n1,\n2,50\n");
        Assert.Equal(["1|Ann|∅", "2|∅|50"], await warehouse.PeopleAsync(_schema));
    }

    [Fact]
    public async Task A_file_of_keys_alone_is_loaded()
    {
        await warehouse.LoadAsync(_schema, "user_id\n1\n2\n");
        var result = await warehouse.LoadAsync(_schema, "user_id\n2\n3\n");
        Assert.Equal((2, 1, 1), (result.Loaded, result.Inserted, result.Updated));
        Assert.Equal(["1", "2", "3"], await warehouse.PeopleAsync(_schema));
    }

    [Theory]
    [InlineData("1,a\n2,b\n1,c\n3,d\n1,e\n2,f\n")]
    [InlineData("1,x\n1,y\n1,e\n2,f\n3,z\n3,d\n")]
    public async Task Of_rows_with_one_key_the_last_wins_and_the_others_are_counted(string rows)
    {
        var result = await warehouse.LoadAsync(_schema, "user_id,name\n" + rows);
        Assert.Equal((6, 3, 3, 3), (result.RowsIn, result.Loaded, result.Skipped, result.Duplicates));
        Assert.Equal(["1|e", "2|f", "3|d"], await warehouse.PeopleAsync(_schema));
    }

    [Fact]
    public async Task Keys_of_text_are_matched_as_the_warehouse_does()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\na,1\nB,2\nä,3\n");
        var result = await warehouse.LoadAsync(_schema, "user_id,n\nB,20\nb,21\nB,22\n");
        Assert.Equal((1, 1, 1), (result.Inserted, result.Updated, result.Duplicates));
        Assert.Equal(["B|22", "a|1", "b|21", "ä|3"], await warehouse.QueryAsync($"select user_id, n from {_schema}.people order by user_id collate \"C\""));
    }

    [Fact]
    public async Task The_same_content_again_changes_nothing_and_all_rows_are_skipped()
    {
        const string text = "user_id,name\n1,Ann\n2,Bob\nbroken\n";
        await warehouse.LoadAsync(_schema, text);
        var versions = await warehouse.PeopleAsync(_schema, "xmin, ctid, user_id");
        var again = await warehouse.LoadAsync(_schema, text);

        Assert.True(again.SameContent);
        Assert.Equal((3, 0, 0, 3), (again.RowsIn, again.Loaded, again.Quarantined, again.Skipped));
        Assert.Equal(versions, await warehouse.PeopleAsync(_schema, "xmin, ctid, user_id"));
    }

    [Fact]
    public async Task Content_that_another_file_followed_is_loaded_again()
    {
        await warehouse.LoadAsync(_schema, "user_id,name\n1,Ann\n");
        await warehouse.LoadAsync(_schema, "user_id,name\n1,Bob\n");
        Assert.Equal(1, (await warehouse.LoadAsync(_schema, "user_id,name\n1,Ann\n")).Updated);
        Assert.Equal(["1|Ann"], await warehouse.PeopleAsync(_schema));
    }

    [Fact]
    public async Task Content_whose_table_was_dropped_is_loaded_again()
    {
        await warehouse.LoadAsync(_schema, "user_id,name\n1,Ann\n");
        await warehouse.ExecuteAsync($"drop table {_schema}.people");
        Assert.Equal(1, (await warehouse.LoadAsync(_schema, "user_id,name\n1,Ann\n")).Inserted);
    }

    [Fact]
    public async Task A_load_asked_for_again_under_its_key_reports_what_it_reported_and_does_nothing()
    {
        var first = await warehouse.LoadAsync(_schema, "user_id,n\n1,5\n1,6\nbroken\n", request => request with { LoadKey = "instance/7" });
        await warehouse.ExecuteAsync($"update {_schema}.people set n = 99");
        var again = await warehouse.LoadAsync(_schema, "user_id,n\n1,5\n1,6\nbroken\n", request => request with { LoadKey = "instance/7" });

        Assert.Equivalent(first, again, strict: true);
        Assert.Equal(["1|99"], await warehouse.PeopleAsync(_schema));
    }

    [Fact]
    public async Task A_load_key_of_another_load_is_refused()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,5\n", request => request with { LoadKey = "instance/7" });
        var error = await Assert.ThrowsAsync<WarehouseException>(() => warehouse.LoadAsync(_schema, "user_id,n\n1,6\n", request => request with { LoadKey = "instance/7" }));
        Assert.Contains("'instance/7' was used", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_ledger_keeps_a_balanced_row_per_load()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,5\n1,6\n,7\nbroken\n", request => request with { LoadKey = "a/1", Source = "s3://landing/csv/x.csv", ContentSha256 = "abc" });
        await warehouse.LoadAsync(_schema, "user_id,n\n1,5\n1,6\n,7\nbroken\n", request => request with { LoadKey = "b/1", ContentSha256 = "abc" });

        Assert.Equal(
            [$"a/1|s3://landing/csv/x.csv|abc|{_schema}.people|4|1|2|1|1", $"b/1|s3://landing/csv/x.csv|abc|{_schema}.people|4|0|0|4|0"],
            await warehouse.QueryAsync($"select load_key, 's3://landing/csv/x.csv', content_sha256, target, rows_in, loaded, quarantined, skipped, duplicates from {_schema}.load_ledger order by id"));
    }

    [Fact]
    public async Task Refused_rows_are_in_the_quarantine_file_with_rule_reason_source_line_column_and_raw_text()
    {
        string? published = null;
        var result = await warehouse.LoadAsync(
            _schema,
            "user_id,name\n1,Ann\n,Nobody\n2\n3,\"x\"y\n\n4,a\0b\n5,\"multi\nline\",z\n6,Fay\n",
            request => request with
            {
                Source = "local://in/x.csv",
                PublishQuarantine = async (file, cancellation) => published = await File.ReadAllTextAsync(file, cancellation),
            });

        Assert.Equal((7, 2, 5, 0), (result.RowsIn, result.Loaded, result.Quarantined, result.Skipped));
        Assert.Equal("""
            rule,reason,source,line,column,raw
            key,the key is empty,local://in/x.csv,3,user_id,",Nobody"
            csv,1 fields where the header has 2,local://in/x.csv,4,,2
            csv,text after a closing quote,local://in/x.csv,5,,"3,""x""y"
            csv,a NUL character,local://in/x.csv,7,,"4,a\x00b"
            csv,3 fields where the header has 2,local://in/x.csv,8,,"5,""multi
            line"",z"

            """, published);
    }

    [Fact]
    public async Task Without_refused_rows_there_is_no_quarantine_file()
    {
        var request = await warehouse.RequestAsync(_schema, warehouse.NewFile("user_id\n1\n"));
        await new WarehouseLoader(warehouse.Source).LoadAsync(request with { PublishQuarantine = (_, _) => throw new InvalidOperationException("nothing to publish") }, Cancellation);
        Assert.False(File.Exists(request.QuarantineFile));
    }

    [Fact]
    public async Task A_quarantine_file_that_cannot_be_published_leaves_nothing_loaded()
    {
        await Assert.ThrowsAsync<IOException>(() => warehouse.LoadAsync(_schema, "user_id,n\n1,2\nbroken\n", request => request with { PublishQuarantine = (_, _) => throw new IOException("store is down") }));
        Assert.Equal(["load_ledger"], await warehouse.QueryAsync($"select tablename from pg_tables where schemaname = '{_schema}'"));
        Assert.Empty(await warehouse.QueryAsync($"select 1 from {_schema}.load_ledger"));
    }

    public static TheoryData<string, string, string, string> Misfits() => new()
    {
        { "name varchar(5)", "Annabel", "length", "'Annabel' does not fit varchar(5)" },
        { "name char(3)", "Gräfin", "length", "'Gräfin' does not fit char(3)" },
        { "name uuid", "not-a-uuid", "type", "'not-a-uuid' does not fit uuid" },
        { "name text not null", "", "required", "empty, and the table does not allow null" },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public async Task A_value_that_does_not_fit_its_column_costs_its_row(string column, string value, string rule, string reason)
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.people (user_id integer primary key, {column})");
        var fits = column.Contains("uuid", StringComparison.Ordinal) ? "00112233-4455-6677-8899-aabbccddeeff" : "Äbc";
        LoadRequest? request = null;
        var result = await warehouse.LoadAsync(_schema, $"user_id,name\n1,{fits}\n2,{value}\n", made => request = made);

        Assert.Equal((1, 1), (result.Loaded, result.Quarantined));
        Assert.Equal([[rule, reason, request!.Source, "3", "name", $"2,{value}"]], TestWarehouse.ReadCsv(request!.QuarantineFile));
        Assert.Equal([$"1|{fits}"], await warehouse.PeopleAsync(_schema));
    }

    [Theory]
    [InlineData(ColumnKind.Integer, "3000000000", "'3000000000' does not fit integer")]
    [InlineData(ColumnKind.Boolean, "1", "'1' does not fit boolean")]
    [InlineData(ColumnKind.Date, "01/02/2024", "'01/02/2024' does not fit date")]
    [InlineData(ColumnKind.TimestampTz, "2024-01-01 00:00:00", "'2024-01-01 00:00:00' does not fit timestamp with time zone")]
    [InlineData(ColumnKind.Double, "1e999", "'1e999' does not fit double precision")]
    public async Task A_type_laid_down_refuses_what_is_not_of_it(ColumnKind kind, string value, string reason)
    {
        LoadRequest? request = null;
        var result = await warehouse.LoadAsync(_schema, $"user_id,v\n1,\n2,{value}\n", made => request = made with { Schema = made.Schema.WithType("v", kind) });
        Assert.Equal((1, 1), (result.Loaded, result.Quarantined));
        Assert.Equal(reason, TestWarehouse.ReadCsv(request!.QuarantineFile)[0][1]);
    }

    [Fact]
    public async Task A_decimal_laid_down_refuses_more_digits_than_it_has()
    {
        LoadRequest? request = null;
        await warehouse.LoadAsync(_schema, "user_id,v\n1,123.4\n2,1234.5\n3,1.25\n", made => request = made with { Schema = made.Schema.WithType("v", ColumnType.Decimal(4, 1)) });
        Assert.Equal(["3", "4"], TestWarehouse.ReadCsv(request!.QuarantineFile).Select(row => row[3]));
    }

    [Fact]
    public async Task A_key_too_long_for_an_index_is_refused()
    {
        var random = new Random(7);
        var key = string.Concat(Enumerable.Range(0, 5000).Select(_ => (char)random.Next('a', 'z')));
        var result = await warehouse.LoadAsync(_schema, $"user_id,n\n{key},1\n{key[..2600]},2\nc,3\n");
        Assert.Equal((2, 1), (result.Loaded, result.Quarantined));
    }

    [Fact]
    public async Task A_field_of_ten_megabytes_is_loaded()
    {
        var result = await warehouse.LoadAsync(_schema, $"user_id,note\n1,{new string('x', 10_000_000)}\n2,y\n");
        Assert.Equal(2, result.Loaded);
        Assert.Equal(["10000000", "1"], await warehouse.PeopleAsync(_schema, "length(note)"));
    }

    [Fact]
    public async Task A_header_alone_is_a_load_of_no_rows_that_changes_no_table()
    {
        var result = await warehouse.LoadAsync(_schema, "user_id,name\n");
        Assert.Equal((0, 0, 0, 0), (result.RowsIn, result.Loaded, result.Quarantined, result.Skipped));
        Assert.Equal(["load_ledger"], await warehouse.QueryAsync($"select tablename from pg_tables where schemaname = '{_schema}'"));
    }

    [Fact]
    public async Task A_file_whose_rows_are_all_refused_changes_no_table()
    {
        var result = await warehouse.LoadAsync(_schema, "user_id,name\n,a\n,b\n");
        Assert.Equal((2, 0, 2), (result.RowsIn, result.Loaded, result.Quarantined));
        Assert.False(result.CreatedTable);
    }

    [Fact]
    public async Task SQL_in_names_and_values_stays_text()
    {
        const string hostile = "x\"; drop table people; --";
        var schema = $"{_schema}\"; drop schema public cascade; --";
        var result = await warehouse.LoadAsync(schema, $"user_id,\"{hostile.Replace("\"", "\"\"")}\",select,a'b,c c\n'); drop table people; --,1,2,3,4\n");
        Assert.Equal(1, result.Loaded);

        await warehouse.LoadAsync(schema, $"user_id,\"{hostile.Replace("\"", "\"\"")}\",select,a'b,c c\n'); drop table people; --,3000000000,2,3,4\n");
        Assert.Equal(
            ["'); drop table people; --|3000000000|2|3|4"],
            await warehouse.QueryAsync($"select user_id, \"{hostile.Replace("\"", "\"\"")}\", \"select\", \"a'b\", \"c c\" from \"{schema.Replace("\"", "\"\"")}\".people"));
    }

    [Fact]
    public async Task A_failure_midway_leaves_the_table_as_it_was()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,1\n2,2\n");
        await warehouse.ExecuteAsync($"alter table {_schema}.people add constraint small check (n < 1000)");
        var before = await warehouse.PeopleAsync(_schema, "xmin, user_id, n");
        var rows = string.Concat(Enumerable.Range(1, 50_000).Select(id => $"{id},{(id == 49_999 ? 3_000_000_000 : 5)},new\n"));

        var error = await Assert.ThrowsAsync<WarehouseException>(() => warehouse.LoadAsync(_schema, "user_id,n,added\n" + rows));

        Assert.Contains("small", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, await warehouse.PeopleAsync(_schema, "xmin, user_id, n"));
        Assert.Equal(["user_id integer", "n integer"], await warehouse.ColumnsAsync(_schema));
        Assert.Equal(["1"], await warehouse.QueryAsync($"select count(*) from {_schema}.load_ledger"));
    }

    [Fact]
    public async Task A_load_that_is_cancelled_leaves_the_table_as_it_was_and_the_connection_usable()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,1\n");
        var request = await warehouse.RequestAsync(_schema, warehouse.NewFile("user_id,n\nbroken\n" + string.Concat(Enumerable.Range(1, 200_000).Select(id => $"{id},{id}\n"))));
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        // Cancelled between the copy and the merge.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new WarehouseLoader(warehouse.Source).LoadAsync(request with { PublishQuarantine = (_, _) => source.CancelAsync() }, source.Token));
        Assert.Equal(["1|1"], await warehouse.PeopleAsync(_schema));

        // Cancelled while the copy is under way.
        using var copying = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = new WarehouseLoader(warehouse.Source).LoadAsync(request, copying.Token);
        await Workflow.Testing.Eventually.TrueAsync(() => File.Exists(request.QuarantineFile), cancellation: Cancellation);
        await copying.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
        Assert.Equal(["1|1"], await warehouse.PeopleAsync(_schema));
    }

    [Fact]
    public async Task A_connection_lost_during_the_copy_leaves_the_table_as_it_was_and_the_next_try_loads()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,1\n");
        await using var source = NpgsqlDataSource.Create(warehouse.ConnectionString + ";Application Name=lost;Pooling=false");
        var request = await warehouse.RequestAsync(_schema, warehouse.NewFile("user_id,n\n" + string.Concat(Enumerable.Range(1, 1_000_000).Select(id => $"{id},{id}\n"))));

        var load = new WarehouseLoader(source).LoadAsync(request, Cancellation);
        await Workflow.Testing.Eventually.TrueAsync(
            async () => await warehouse.QueryAsync("select pg_terminate_backend(pid) from pg_stat_progress_copy join pg_stat_activity using (pid) where application_name = 'lost'") is ["True"] || load.IsCompleted,
            cancellation: Cancellation);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => load);
        Assert.Equal(["1|1"], await warehouse.PeopleAsync(_schema));
        Assert.Equal(1_000_000, (await new WarehouseLoader(warehouse.Source).LoadAsync(request, Cancellation)).Loaded);
    }

    [Fact]
    public async Task Two_loads_at_once_into_one_table_happen_one_after_the_other()
    {
        var loads = Enumerable.Range(0, 6).Select(number => warehouse.LoadAsync(
            _schema, "user_id,n\n" + string.Concat(Enumerable.Range(1, 2_000).Select(id => $"{id},{number}\n")))).ToList();
        var results = await Task.WhenAll(loads);

        Assert.Single(results, result => result.CreatedTable);
        Assert.Equal((2_000, 10_000), (results.Sum(result => result.Inserted), results.Sum(result => result.Updated)));
        Assert.Equal(["1"], await warehouse.QueryAsync($"select count(distinct n) from {_schema}.people"));
    }

    [Fact]
    public async Task The_same_load_asked_for_twice_at_once_is_done_once()
    {
        var request = await warehouse.RequestAsync(_schema, warehouse.NewFile("user_id,n\n1,1\n2,2\n"));
        var results = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new WarehouseLoader(warehouse.Source).LoadAsync(request with { QuarantineFile = warehouse.NewPath() }, Cancellation)));
        Assert.All(results, result => Assert.Equal(2, result.Inserted));
        Assert.Equal(["1"], await warehouse.QueryAsync($"select count(*) from {_schema}.load_ledger"));
    }

    [Fact]
    public async Task A_file_without_the_key_column_is_refused_with_what_it_has()
    {
        var error = await Refusal("id,Name\n1,a\n");
        Assert.Equal("The file has no key column 'user_id'. It has: id, name.", error);
    }

    [Fact]
    public async Task The_ledger_is_not_a_table_to_load_into()
    {
        var error = await Assert.ThrowsAsync<WarehouseException>(() => warehouse.LoadAsync(_schema, "user_id\n1\n", request => request with { Table = new(_schema, "LOAD_LEDGER") }));
        Assert.Contains("ledger", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_columns_that_fold_to_one_name_are_refused() =>
        Assert.Contains("'Name' and 'NAME' are one to the warehouse, name", await Refusal("user_id,Name,NAME\n1,a,b\n"), StringComparison.Ordinal);

    [Fact]
    public async Task A_name_the_warehouse_keeps_for_itself_is_refused() =>
        Assert.Contains("'xmin'", await Refusal("user_id,xmin\n1,a\n"), StringComparison.Ordinal);

    [Fact]
    public async Task A_name_longer_than_the_warehouse_keeps_is_refused() =>
        Assert.Contains("64 bytes", await Refusal($"user_id,{new string('é', 32)}\n1,a\n"), StringComparison.Ordinal);

    [Theory]
    [InlineData("create table {0}.people (user_id integer, n integer)", "no primary key or unique index on user_id")]
    [InlineData("create table {0}.people (user_id integer, n integer, primary key (user_id, n))", "no primary key or unique index on user_id")]
    [InlineData("create table {0}.people (id integer primary key, n integer)", "has no column 'user_id'")]
    [InlineData("create view {0}.people as select 1 as user_id", "is not a table")]
    [InlineData("create table {0}.people (user_id integer primary key, n integer[])", "n of {0}.people is integer[]")]
    [InlineData("create table {0}.people (user_id integer primary key, n integer, \"N\" integer, \"U\" text, m text not null)", "refuses the rows")]
    public async Task A_table_that_cannot_be_loaded_is_refused(string ddl, string reason)
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; {string.Format(ddl, _schema)}");
        Assert.Contains(string.Format(reason, _schema), await Refusal("user_id,n\n1,2\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_column_of_the_table_is_matched_by_its_folded_name()
    {
        await warehouse.ExecuteAsync($"create schema {_schema}; create table {_schema}.people (\"User_ID\" integer primary key, \"Name\" text)");
        await warehouse.LoadAsync(_schema, "USER_ID,name\n1,Ann\n");
        Assert.Equal(["1|Ann"], await warehouse.QueryAsync($"select \"User_ID\", \"Name\" from {_schema}.people"));
    }

    [Fact]
    public async Task A_trigger_that_swallows_rows_is_noticed()
    {
        await warehouse.LoadAsync(_schema, "user_id,n\n1,1\n");
        await warehouse.ExecuteAsync($"""
            create function {_schema}.swallow() returns trigger language plpgsql as 'begin insert into {_schema}.people values (999, 1); return new; end';
            create trigger swallow before insert on {_schema}.people for each row when (new.user_id < 900) execute function {_schema}.swallow()
            """);
        Assert.Matches(new Regex("merged 1 rows .* counts 2 inserted"), await Refusal("user_id,n\n5,1\n"));
    }

    [Fact]
    public async Task A_partitioned_table_is_loaded()
    {
        await warehouse.ExecuteAsync($"""
            create schema {_schema};
            create table {_schema}.people (user_id integer primary key, n integer) partition by range (user_id);
            create table {_schema}.low partition of {_schema}.people for values from (0) to (10);
            create table {_schema}.high partition of {_schema}.people for values from (10) to (100)
            """);
        await warehouse.LoadAsync(_schema, "user_id,n\n5,1\n15,2\n");
        var result = await warehouse.LoadAsync(_schema, "user_id,n\n5,3\n16,4\n");
        Assert.Equal((1, 1), (result.Inserted, result.Updated));
    }

    [Fact]
    public async Task A_warehouse_out_of_reach_is_an_npgsql_exception()
    {
        await using var source = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=x;Password=x;Database=x;Timeout=2");
        var request = await warehouse.RequestAsync(_schema, warehouse.NewFile("user_id\n1\n"));
        await Assert.ThrowsAsync<NpgsqlException>(() => new WarehouseLoader(source).LoadAsync(request, Cancellation));
    }

    private async Task<string> Refusal(string text) => (await Assert.ThrowsAsync<WarehouseException>(() => warehouse.LoadAsync(_schema, text))).Message;
}
