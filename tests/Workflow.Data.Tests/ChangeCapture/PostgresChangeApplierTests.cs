using System.Text;
using Workflow.Data.ChangeCapture;
using Workflow.Data.Tests.Warehouse;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Tests.ChangeCapture;

public sealed class PostgresChangeApplierTests(TestWarehouse warehouse) : ChangeApplierTests(warehouse)
{
    private readonly TestWarehouse _warehouse = warehouse;

    [Fact]
    public async Task Columns_get_the_types_they_were_given_and_new_ones_are_added()
    {
        var stage = new ChangeStage(_warehouse)
        {
            Types = new() { ["id"] = "bigint", ["paid"] = "numeric(8,2)", ["at"] = "timestamp(0)", ["token"] = "bytea", ["spent"] = "interval" },
        };

        await stage.ApplyAsync(("LOAD00000001.csv", "ID,PAID,AT,TOKEN\n1,12.500000,2024-03-01 10:00:00,0aFF\n2,NULL,NULL,\n"));
        var result = await stage.ApplyAsync((ChangeStage.Changes(1), "Op,AR_H_CHANGE_SEQ,ID,PAID,AT,TOKEN,SPENT,NOTE\nU,1,1,7.00,2024-03-02 00:00:00,,1 day,x\n"));

        Assert.Equal(["spent", "note"], result.AddedColumns);
        Assert.Equal(["id bigint", "paid numeric(8,2)", "at timestamp(0) without time zone", "token bytea", "spent interval", "note text"], await _warehouse.ColumnsAsync(stage.Schema));
        Assert.Equal(["1|7.00|1 day|x", "2|∅|∅|∅"], await stage.RowsAsync("id, paid, spent::text, note"));
    }

    [Fact]
    public async Task Long_values_stay_whole_where_no_limit_is_set_and_long_binaries_are_cut_by_their_bytes()
    {
        var whole = new ChangeStage(_warehouse) { Options = new() { LobLimit = null } };
        var cut = new ChangeStage(_warehouse) { Options = new() { LobLimit = 3 }, Types = new() { ["id"] = "integer", ["body"] = "bytea" } };

        Assert.Equal(0, (await whole.ApplyAsync(("LOAD00000001.csv", $"ID,BODY\n1,{new string('y', 50_000)}\n"))).LobsCut);
        Assert.Equal(1, (await cut.ApplyAsync(("LOAD00000001.csv", "ID,BODY\n1,0102030405\n2,010203\n"))).LobsCut);

        Assert.Equal(["50000"], await whole.RowsAsync("length(body)"));
        Assert.Equal(["3", "3"], await cut.RowsAsync("length(body)"));
    }

    [Fact]
    public async Task Gzip_and_parquet_are_read_as_csv_is()
    {
        var stage = new ChangeStage(_warehouse) { Types = [] };

        await stage.ApplyAsync(null, stage.Source("LOAD00000001.parquet", stage.Parquet("select 1 as ID, 'a' as NAME, 1.50::decimal(8,2) as PAID, timestamp '2024-03-01 10:00:00' as AT, '\\x0A\\xFF'::blob as TOKEN union all select 2, 'NULL', null, null, null")));
        await stage.ApplyAsync(null, stage.Source("20240301-000000001.csv.gz", ChangeStage.Gzip("Op,AR_H_CHANGE_SEQ,ID,NAME,PAID,AT,TOKEN\nU,1,1,b,2.5,2024-03-02 00:00:00.000000,0B\n")));
        await stage.ApplyAsync(null, stage.Source("20240301-000000002.parquet", stage.Parquet("select 'D' as Op, 2 as AR_H_CHANGE_SEQ, 1 as ID, 'b' as NAME, null::decimal(8,2) as PAID, null::timestamp as AT, null::blob as TOKEN union all select 'I', 3, 3, 'c', 7, null, null")));

        Assert.Equal(["2|NULL|∅", "3|c|7.00"], await stage.RowsAsync("id, name, paid"));
        Assert.Equal(["id integer", "name text", "paid numeric(8,2)", "at timestamp without time zone", "token bytea"], await _warehouse.ColumnsAsync(stage.Schema));
    }

    [Fact]
    public async Task A_batch_that_fails_leaves_everything_as_it_was()
    {
        var stage = new ChangeStage(_warehouse);
        await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,1,1,a\n"));
        await _warehouse.ExecuteAsync($"alter table {stage.Schema}.people add constraint no_z check (name <> 'z')");

        await Assert.ThrowsAsync<WarehouseException>(() => stage.ApplyAsync((ChangeStage.Changes(2), Header + "U,2,1,b\n"), (ChangeStage.Changes(3), "Op,AR_H_CHANGE_SEQ,ID,NAME,MORE\nU,3,1,z,1\n")));

        Assert.Equal(["1|a"], await stage.RowsAsync());
        Assert.Equal(["1|1"], await _warehouse.QueryAsync($"select count(*), (select count(*) from {stage.Schema}.change_files) from {stage.Schema}.load_ledger"));
        await _warehouse.ExecuteAsync($"alter table {stage.Schema}.people drop constraint no_z");
        await stage.ApplyAsync((ChangeStage.Changes(2), Header + "U,2,1,b\n"));
        Assert.Equal(["1|b"], await stage.RowsAsync());
    }

    [Theory]
    [InlineData("CHANGE_FILES", true)]
    [InlineData("LOAD_LEDGER", true)]
    [InlineData("_positions_job", true)]
    [InlineData("JOB_POSITIONS", false)]
    public void Names_that_are_kept_are_known(string name, bool isKept) => Assert.Equal(isKept, ChangeApplier.KeepsForItself(new("hr", name)));

    [Fact]
    public async Task Moments_finer_than_the_table_s_and_floats_are_taken()
    {
        var stage = new ChangeStage(_warehouse) { Types = new() { ["id"] = "integer", ["at"] = "timestamp(6)", ["zoned"] = "timestamp with time zone", ["n"] = "numeric(12,6)" } };

        await stage.ApplyAsync(("LOAD00000001.csv", "ID,AT,ZONED,N\n1,2024-03-01 10:00:00.123456789,2024-03-01 10:00:00.000 +01:00,2.50\n"));
        var result = await stage.ApplyAsync(null, stage.Source("LOAD00000002.parquet", stage.Parquet("select 2 as ID, null::timestamp as AT, null::timestamp as ZONED, 1e-05::double as N")));

        Assert.Equal(0, result.Quarantined);
        Assert.Equal(["1|2024-03-01 10:00:00.123456|2024-03-01 09:00:00|2.500000", "2|∅|∅|0.000010"], await stage.RowsAsync("id, at::text, (zoned at time zone 'UTC')::text, n"));
    }
}
