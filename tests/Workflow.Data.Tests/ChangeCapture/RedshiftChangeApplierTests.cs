using System.Text;
using Npgsql;
using Workflow.Data.ChangeCapture;
using Workflow.Data.ChangeCapture.Redshift;
using Workflow.Data.Tests.Warehouse;
using Workflow.Data.Warehouse;
using Workflow.Data.Warehouse.Redshift;

namespace Workflow.Data.Tests.ChangeCapture;

/// <summary>Changes in Redshift's dialect: what PostgreSQL does with them, and what is Redshift's own.</summary>
public sealed class RedshiftChangeApplierTests(TestWarehouse warehouse) : ChangeApplierTests(warehouse), IAsyncDisposable
{
    private readonly TestWarehouse _warehouse = warehouse;
    private readonly TestCluster _cluster = new(warehouse);

    private protected override TestCluster? Cluster => _cluster;

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Each_file_is_staged_copied_as_a_role_and_removed()
    {
        var stage = new ChangeStage(_warehouse, _cluster);
        var files = new[] { "I,1,1,a\n", "U,2,1,\"b, \"\"c\"\"\"\n", "" }.Select((text, index) => stage.Source(ChangeStage.Changes(index), Encoding.UTF8.GetBytes(Header + text)));

        var result = await stage.ApplyAsync(batch => batch with { LoadKey = "key-1" }, [.. files]);

        Assert.Equal((3, 2, 1, 1), (result.Files, result.RowsIn, result.Inserted, result.Updated));
        Assert.Equal(["1|b, \"c\""], await stage.RowsAsync());
        Assert.Equal(
            Enumerable.Repeat(
                $"copy change_stage (_op, _position, c2, c3) from 'local://staging/redshift/key-1/manifest' iam_role '{TestCluster.Role}' " +
                "manifest format as csv gzip emptyasnull dateformat 'auto' timeformat 'auto' compupdate off statupdate off", 2),
            _cluster.Copies);
        Assert.Empty(_cluster.Staged());
    }

    [Fact]
    public async Task Columns_get_the_types_of_Redshift_and_new_ones_are_added()
    {
        var stage = new ChangeStage(_warehouse, _cluster) { Types = new() { ["id"] = "bigint", ["paid"] = "numeric(8,2)", ["at"] = "timestamp" } };

        await stage.ApplyAsync(("LOAD00000001.csv", "ID,PAID,AT\n1,12.500000,2024-03-01 10:00:00\n2,NULL,NULL\n"));
        await stage.ApplyAsync(null, stage.Source("20240301-000000001.parquet", stage.Parquet("select 'U' as Op, 1 as AR_H_CHANGE_SEQ, 1 as ID, 7::decimal(8,2) as PAID, timestamp '2024-03-02 00:00:00' as AT, 'x' as NOTE, 5::ubigint as HUGE")));

        Assert.Equal(
            ["id bigint", "paid numeric(8,2)", "at timestamp without time zone", "note character varying(65535)", "huge numeric(38,0)"],
            await _warehouse.ColumnsAsync(stage.Schema));
        Assert.Equal(["1|7.00|x|5", "2|∅|∅|∅"], await stage.RowsAsync("id, paid, note, huge"));
    }

    [Fact]
    public async Task Of_a_batch_that_fails_nothing_is_left_and_it_can_be_done_again()
    {
        var stage = new ChangeStage(_warehouse, _cluster);
        await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,1,1,a\n"));
        ChangeSource[] files = [stage.Source(ChangeStage.Changes(2), Encoding.UTF8.GetBytes(Header + "U,2,1,b\n")), stage.Source(ChangeStage.Changes(3), "Op,AR_H_CHANGE_SEQ,ID,NAME,MORE\nU,3,1,c,1\n"u8.ToArray())];
        _cluster.FailsAfter = 2;

        await Assert.ThrowsAsync<IOException>(() => stage.ApplyAsync(batch => batch with { LoadKey = "one" }, files));

        Assert.Equal(["1|a"], await stage.RowsAsync());
        Assert.Equal(["1|1"], await _warehouse.QueryAsync($"select count(*), (select count(*) from {stage.Schema}.change_files) from {stage.Schema}.load_ledger"));
        _cluster.FailsAfter = null;
        await stage.ApplyAsync(batch => batch with { LoadKey = "one" }, files);
        Assert.Equal(["1|c|1"], await stage.RowsAsync());
        Assert.Empty(_cluster.Staged());
    }

    [Fact]
    public async Task Batches_beside_each_other_wait_and_none_is_lost()
    {
        var stage = new ChangeStage(_warehouse, _cluster);
        await stage.ApplyAsync((ChangeStage.Changes(0), Header + "I,1,0,a\n"));

        await Task.WhenAll(Enumerable.Range(1, 5).Select(number => stage.ApplyAsync((ChangeStage.Changes(number), Header + $"U,{10 + number},0,n{number}\nI,{20 + number},{number},x\n"))));

        Assert.Equal(["0|n5", "1|x", "2|x", "3|x", "4|x", "5|x"], await stage.RowsAsync());
        Assert.Equal(["6"], await _warehouse.QueryAsync($"select count(*) from {stage.Schema}._positions_people"));
    }

    [Fact]
    public async Task Who_may_not_create_schemas_applies_into_one_that_is_there()
    {
        var stage = new ChangeStage(_warehouse, _cluster);
        await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,1,1,a\n"));
        var role = $"etl_{Guid.NewGuid():N}";
        await _warehouse.ExecuteAsync($"create role {role}; grant usage, create on schema {stage.Schema} to {role}; grant all on all tables in schema {stage.Schema} to {role}");
        await using var source = NpgsqlDataSource.Create($"{_warehouse.ConnectionString};Options=-c role={role}");
        var asRole = new ChangeStage(_warehouse) { Schema = stage.Schema, Applier = new(source, _cluster.Objects, _cluster.Staging, TimeProvider.System) };

        await asRole.ApplyAsync((ChangeStage.Changes(2), Header + "U,2,1,b\n"));

        Assert.Equal(["1|b"], await stage.RowsAsync());
    }

    [Fact]
    public async Task Values_are_cut_at_what_Redshift_keeps_where_no_limit_is_set()
    {
        var stage = new ChangeStage(_warehouse, _cluster) { Options = new() { LobLimit = null } };

        var result = await stage.ApplyAsync(("LOAD00000001.csv", $"ID,BODY\n1,{new string('y', 65_535)}\n2,{new string('y', 65_534)}é\n"));

        Assert.Equal(1, result.LobsCut);
        Assert.Equal(["65535", "65534"], await stage.RowsAsync("length(body)"));
    }

    [Fact]
    public void Bytes_are_staged_as_their_digits_and_cut_between_two_bytes()
    {
        var column = new ChangeColumn(new("token", "binary varying", null, IsRequired: false, IsUnique: true), 3, isKey: false, lobLimit: null, RedshiftChangeSql.Types);
        var buffer = new CopyBuffer(1 << 17);

        Assert.Equal(("varchar(65535)", "from_hex(c3)"), ($"{column.StageType}", column.Expression));
        Assert.Null(column.Write(Encoding.ASCII.GetBytes(new string('a', 65_536)), buffer));
        Assert.Equal((1, 65_534), (column.Cut, buffer.Length - sizeof(int)));
        Assert.Equal("not hexadecimal", column.Write("xy"u8, buffer));
    }

    [Fact]
    public async Task A_length_is_one_of_bytes_and_what_is_longer_is_set_aside()
    {
        var stage = new ChangeStage(_warehouse, _cluster);
        await _warehouse.ExecuteAsync($"create schema {stage.Schema}; create table {stage.Schema}.people (id integer primary key, name varchar(4))");

        var result = await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,1,1,abcd\nI,2,2,äöü\nI,3,3,äö\n"));

        Assert.Equal((2, 1), (result.Loaded, result.Quarantined));
        Assert.Equal(["1|abcd", "3|äö"], await stage.RowsAsync());
    }

    /// <summary>PostgreSQL, which takes them here, would take these words too.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_statement_has_words_that_Redshift_does_not_know(bool softDelete)
    {
        var target = new TargetTable(0, [new("id", "integer", WarehouseKind.Integer, IsRequired: true, IsUnique: true), new("name", "varchar(20)", RedshiftTypes.Varchar(20), IsRequired: false, IsUnique: true)]);
        var layout = new ChangeLayout(0, null, [.. target.Columns.Select((column, index) => new ChangeColumn(column, index, column.Name == "id", 100, RedshiftChangeSql.Types))], ChangeText.Own);
        var sql = new RedshiftChangeSql(new("dms_stage", "people"), ["id"], softDelete);

        var statements = string.Join('\n',
            sql.CreateTable([("id", "integer"), ("name", $"{RedshiftChangeSql.Types.Text}")]), sql.AddColumn("more", "date"), sql.AddDeletedColumn, sql.CreatePositions(target), sql.StartOver,
            RedshiftChangeSql.Stage(layout).Create, sql.KeepLast(layout), sql.Count, sql.Delete, sql.Merge(layout, target), sql.Remember);

        Assert.DoesNotMatch(@"on commit|on conflict|distinct on|filter \(|\bwindow\b|collate|\btext\b|to_regclass|\bany\b|pg_temp|if not exists .*column|merge into|returning|\bwith\b", statements);
    }
}
