using System.Text;
using Workflow.Data.ChangeCapture;
using Workflow.Data.Tests.Warehouse;
using Workflow.Data.Warehouse;

namespace Workflow.Data.Tests.ChangeCapture;

/// <summary>What every warehouse does with changes.</summary>
public abstract class ChangeApplierTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>
{
    protected const string Header = "Op,AR_H_CHANGE_SEQ,ID,NAME\n";

    /// <summary>Null for PostgreSQL.</summary>
    private protected virtual TestCluster? Cluster => null;

    [Fact]
    public async Task Many_changes_of_a_key_end_with_the_last()
    {
        var stage = new ChangeStage(warehouse, Cluster);

        var result = await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,1,1,a\nU,2,1,b\nI,3,2,x\nU,4,1,c\n"));

        Assert.Equal(["1|c", "2|x"], await stage.RowsAsync());
        Assert.Equal((4, 2, 0, 2, 2, 2, 0, 0), (result.RowsIn, result.Loaded, result.Quarantined, result.Skipped, result.Duplicates, result.Inserted, result.Updated, result.Deleted));
    }

    [Fact]
    public async Task An_update_before_a_delete_leaves_no_row()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,1,1,a\nI,2,2,b\n"));

        var result = await stage.ApplyAsync((ChangeStage.Changes(2), Header + "U,3,1,z\nD,4,1,z\nI,5,3,c\nD,6,3,c\n"));

        Assert.Equal(["2|b"], await stage.RowsAsync());
        Assert.Equal((0, 0, 1), (result.Inserted, result.Updated, result.Deleted));
    }

    [Fact]
    public async Task An_insert_after_a_delete_leaves_the_new_row_and_nothing_of_the_old()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        await stage.ApplyAsync((ChangeStage.Changes(1), "Op,AR_H_CHANGE_SEQ,ID,NAME,CITY\nI,1,1,a,Ulm\nI,2,2,b,Bonn\n"));

        await stage.ApplyAsync((ChangeStage.Changes(2), Header + "D,3,1,a\nI,4,1,new\nU,5,2,c\n"));

        Assert.Equal(["1|new|∅", "2|c|Bonn"], await stage.RowsAsync());
    }

    [Fact]
    public async Task The_full_load_comes_first_however_late_it_is()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        await stage.ApplyAsync((ChangeStage.Changes(5), Header + "U,7,1,changed\nD,8,2,gone\n"));

        var result = await stage.ApplyAsync(("LOAD00000001.csv", "ID,NAME\n1,a\n2,b\n3,c\n"), ("LOAD0000000A.csv", "Op,ID,NAME\nI,4,d\n"));

        Assert.Equal(["1|changed", "3|c", "4|d"], await stage.RowsAsync());
        Assert.Equal((4, 2, 2), (result.RowsIn, result.Loaded, result.Late));
        Assert.Equal("20240301-000000005", result.Watermark);
    }

    [Fact]
    public async Task A_file_that_comes_again_is_known_and_one_with_another_name_changes_nothing()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        var text = Header + "I,1,1,a\nU,2,1,b\nI,3,2,x\nD,4,2,x\n";
        await stage.ApplyAsync((ChangeStage.Changes(1), text));

        var again = await stage.ApplyAsync((ChangeStage.Changes(1), text));
        var elsewhere = await stage.ApplyAsync((ChangeStage.Changes(1).Replace(".csv", ".CSV", StringComparison.Ordinal), text));

        Assert.Equal((0, 0, 1), (again.RowsIn, again.Files, again.FilesKnown));
        Assert.Equal((4, 0, 4), (elsewhere.RowsIn, elsewhere.Loaded, elsewhere.Skipped));
        Assert.Equal(["1|b"], await stage.RowsAsync());
    }

    [Fact]
    public async Task A_late_file_neither_overwrites_a_newer_row_nor_brings_a_deleted_one_back()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        await stage.ApplyAsync((ChangeStage.Changes(9), Header + "U,90,1,newer\nD,91,2,b\n"));

        var late = await stage.ApplyAsync((ChangeStage.Changes(3), Header + "I,10,1,older\nI,11,2,older\nI,12,3,c\n"));

        Assert.Equal(["1|newer", "3|c"], await stage.RowsAsync());
        Assert.Equal((1, 2, "20240301-000000009"), (late.Loaded, late.Late, late.Watermark));
    }

    [Fact]
    public async Task The_ordering_column_decides_and_numbers_are_compared_as_numbers()
    {
        var stage = new ChangeStage(warehouse, Cluster);

        await stage.ApplyAsync((ChangeStage.Changes(1), Header + "U,10,1,ten\nI,9,1,nine\n"));

        Assert.Equal(["1|ten"], await stage.RowsAsync());
    }

    [Fact]
    public async Task A_commit_time_orders_too_and_rows_of_one_commit_stay_in_their_order()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() { OrderColumn = "COMMITTED" } };

        await stage.ApplyAsync((ChangeStage.Changes(1), "Op,COMMITTED,ID,NAME\nI,2024-03-01 10:00:00.5,1,a\nU,2024-03-01 10:00:00.500000,1,b\nU,2024-03-01 09:00:00,1,old\n"));

        Assert.Equal(["1|b"], await stage.RowsAsync("id, name"));
    }

    [Fact]
    public async Task Without_an_ordering_column_the_times_of_the_files_decide()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() };

        await stage.ApplyAsync((ChangeStage.Changes(2), "Op,ID,NAME\nU,1,two\n"), (ChangeStage.Changes(1), "Op,ID,NAME\nI,1,one\nU,1,one again\n"));
        await stage.ApplyAsync((ChangeStage.Changes(0), "Op,ID,NAME\nI,1,zero\n"));

        Assert.Equal(["1|two"], await stage.RowsAsync());
    }

    [Fact]
    public async Task A_softly_deleted_row_stays_and_says_so()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() { OrderColumn = "AR_H_CHANGE_SEQ", SoftDelete = true } };
        await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,1,1,a\nI,2,2,b\nI,3,3,c\nI,4,4,d\n"));

        var result = await stage.ApplyAsync((ChangeStage.Changes(2), Header + "D,5,1,last\nD,6,2,\nD,7,3,c\nI,8,3,back\n"));

        Assert.Equal(["1|a|True", "2|b|True", "3|back|False", "4|d|False"], await stage.RowsAsync());
        Assert.Equal(2, result.Deleted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_softly_deleted_row_keeps_its_last_values_however_the_changes_fall_into_files(bool inOneFile)
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() { OrderColumn = "AR_H_CHANGE_SEQ", SoftDelete = true } };
        await stage.ApplyAsync((ChangeStage.Changes(1), "Op,AR_H_CHANGE_SEQ,ID,NAME,CITY\nI,1,1,a,Ulm\nI,2,2,b,Bonn\n"));
        string[] changes = ["U,5,1,b", "D,6,1,", "I,7,9,x", "D,8,9,", "D,9,2,", "U,10,2,new", "D,11,2,"];

        foreach (var (index, text) in (inOneFile ? [string.Join('\n', changes)] : changes).Index())
        {
            await stage.ApplyAsync((ChangeStage.Changes(2 + index), Header + text + "\n"));
        }

        Assert.Equal(["1|b|Ulm|True", "2|new|∅|True", "9|x|∅|True"], await stage.RowsAsync("id, name, city, _deleted"));
    }

    [Fact]
    public async Task A_soft_delete_writes_no_values_where_the_table_does_not_allow_null()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() { OrderColumn = "AR_H_CHANGE_SEQ", SoftDelete = true } };
        await warehouse.ExecuteAsync($"create schema {stage.Schema}; create table {stage.Schema}.people (id integer primary key, name varchar(3) not null, paid integer not null)");
        var header = "Op,AR_H_CHANGE_SEQ,ID,NAME,PAID\n";
        await stage.ApplyAsync((ChangeStage.Changes(1), header + "I,1,1,a,5\nI,2,2,b,6\n"));

        var result = await stage.ApplyAsync((ChangeStage.Changes(3), header + "D,30,1,,\nD,31,2,much too long,\nD,32,9,,\n"));
        var late = await stage.ApplyAsync((ChangeStage.Changes(2), header + "U,20,2,c,7\nI,21,9,x,8\n"));

        Assert.Equal((3, 2, 0), (result.Loaded, result.Deleted, result.Quarantined));
        Assert.Equal((2, 0), (late.Loaded, late.Late));
        Assert.Equal(["1|a|5|True", "2|c|7|True", "9|x|8|True"], await stage.RowsAsync("id, name, paid, _deleted"));
    }

    [Fact]
    public async Task A_key_may_have_several_columns()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Key = ["ID", "DAY"], Types = new() { ["id"] = "integer", ["day"] = "date" } };

        await stage.ApplyAsync((ChangeStage.Changes(1), "Op,AR_H_CHANGE_SEQ,ID,DAY,N\nI,1,1,2024-01-01,a\nI,2,1,2024-01-02,b\nD,3,1,2024-01-01,a\nU,4,1,2024-01-02,c\n"));

        Assert.Equal(["1|c"], await stage.RowsAsync("id, n"));
    }

    [Fact]
    public async Task A_table_that_is_there_keeps_its_names_types_and_keys()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        await warehouse.ExecuteAsync($"create schema {stage.Schema}; create table {stage.Schema}.people (\"Id\" smallint primary key, \"Full Name\" varchar(3) not null)");

        var result = await stage.ApplyAsync((ChangeStage.Changes(1), "Op,AR_H_CHANGE_SEQ,ID,FULL NAME\nI,1,1,abc\nI,2,2,abcd\nI,3,3,\nD,4,1,\n"));

        Assert.Equal((1, 2), (result.Loaded, result.Quarantined));
        Assert.Equal(["'abcd' does not fit varchar(3)", "empty, and the table does not allow null"], TestWarehouse.ReadCsv(stage.Quarantine).Select(row => row[1]));
        Assert.Equal(["1|True"], await warehouse.QueryAsync($"select \"Id\", _is_deleted from {stage.Schema}._positions_people"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_long_value_is_cut_at_a_character_and_counted(int ahead)
    {
        var stage = new ChangeStage(warehouse, Cluster);
        var text = new string('x', ahead) + string.Concat(Enumerable.Repeat("語", 20_000));

        var result = await stage.ApplyAsync(("LOAD00000001.csv", $"ID,NAME,BODY\n1,{text},short\n2,{new string('y', 32 << 10)},\n"));

        Assert.Equal(1, result.LobsCut);
        var kept = (await stage.RowsAsync("name"))[0];
        Assert.StartsWith(kept, text, StringComparison.Ordinal);
        Assert.InRange(Encoding.UTF8.GetByteCount(kept), (32 << 10) - 2, 32 << 10);
    }

    [Fact]
    public async Task Rows_that_cannot_be_applied_are_set_aside_with_rule_reason_source_and_line()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        var published = "";

        var result = await stage.ApplyAsync(
            batch => batch with { PublishQuarantine = async (file, cancellation) => published = await File.ReadAllTextAsync(file, cancellation) },
            stage.Source(ChangeStage.Changes(1), Encoding.UTF8.GetBytes(Header + "I,1,1,a\nX,2,2,b\nI,oops,3,c\nI,4,four,d\nI,5\nI,6,,e\nI,7,7,f\n")));

        Assert.Equal(["1|a", "7|f"], await stage.RowsAsync());
        Assert.Equal((7, 2, 5, 0), (result.RowsIn, result.Loaded, result.Quarantined, result.Skipped));
        var rows = TestWarehouse.ReadCsv(stage.Quarantine);
        Assert.Equal(["op", "order", "type", "csv", "type"], rows.Select(row => row[0]));
        Assert.Equal(["3", "4", "5", "6", "7"], rows.Select(row => row[3]));
        Assert.All(rows, row => Assert.Equal($"local://dms/HR/PEOPLE/{ChangeStage.Changes(1)}", row[2]));
        Assert.Equal("'four' does not fit integer", rows[2][1]);
        Assert.Equal("I,4,four,d", rows[2][5]);
        Assert.Equal(File.ReadAllText(stage.Quarantine), published);
    }

    [Fact]
    public async Task A_delete_is_done_whatever_else_its_row_says()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Types = new() { ["id"] = "integer", ["n"] = "integer" } };
        await stage.ApplyAsync((ChangeStage.Changes(1), "Op,AR_H_CHANGE_SEQ,ID,N\nI,1,1,5\n"));

        var result = await stage.ApplyAsync((ChangeStage.Changes(2), "Op,AR_H_CHANGE_SEQ,ID,N\nD,2,1,not a number\n"));

        Assert.Equal((1, 0), (result.Deleted, result.Quarantined));
        Assert.Empty(await stage.RowsAsync());
    }

    [Fact]
    public async Task Files_without_a_header_are_read_by_the_columns_given()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() { Columns = ["ID", "NAME"] } };

        var result = await stage.ApplyAsync(("LOAD00000001.csv", "1,a\n2,b\n"), (ChangeStage.Changes(1), "U,1,c\nD,2,\nQ,3,x\n"));

        Assert.Equal(["1|c"], await stage.RowsAsync());
        Assert.Equal((5, 1), (result.RowsIn, result.Quarantined));
        Assert.Equal("3", Assert.Single(TestWarehouse.ReadCsv(stage.Quarantine))[3]);
    }

    [Fact]
    public async Task A_batch_asked_for_again_is_answered_and_not_done_again()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        var source = stage.Source(ChangeStage.Changes(1), Encoding.UTF8.GetBytes(Header + "I,1,1,a\n"));

        var first = await stage.ApplyAsync(batch => batch with { LoadKey = "one" }, source);
        var second = await stage.ApplyAsync(batch => batch with { LoadKey = "one" }, source);

        Assert.Equivalent(first, second, strict: true);
        Assert.Equal(["1"], await warehouse.QueryAsync($"select count(*) from {stage.Schema}.load_ledger"));
    }

    [Fact]
    public async Task Files_that_were_applied_are_found_among_many()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        Assert.Empty(await stage.Applier.FindAppliedAsync(stage.Schema, ["local://dms/HR/PEOPLE/none.csv"], TestContext.Current.CancellationToken));
        var applied = stage.Source(ChangeStage.Changes(2_000), Encoding.UTF8.GetBytes(Header + "I,1,1,a\n"));
        await stage.ApplyAsync(null, applied);

        var found = await stage.Applier.FindAppliedAsync(stage.Schema, Enumerable.Range(0, 2_002).Select(time => $"local://dms/HR/PEOPLE/{ChangeStage.Changes(time)}"), TestContext.Current.CancellationToken);

        Assert.Equal([(applied.Address, applied.ETag)], found);
    }

    [Fact]
    public async Task A_full_load_that_starts_over_takes_the_place_of_what_was()
    {
        var stage = new ChangeStage(warehouse, Cluster);
        await stage.ApplyAsync((ChangeStage.Changes(1), Header + "I,100,1,a\nD,101,2,b\n"));

        await stage.ApplyAsync(batch => batch with { StartsOver = true }, stage.Source("LOAD00000001.csv", "ID,NAME\n2,new\n"u8.ToArray()));

        Assert.Equal(["2|new"], await stage.RowsAsync());
    }

    [Theory]
    [InlineData("Op,AR_H_CHANGE_SEQ,NAME\nI,1,a\n", "no column id, which is of the key")]
    [InlineData("AR_H_CHANGE_SEQ,ID,NAME\n1,1,a\n", "no column Op first")]
    [InlineData("Op,ID,NAME\nI,1,a\n", "no column AR_H_CHANGE_SEQ to order")]
    public async Task A_file_that_lacks_what_changes_need_is_refused_whole(string text, string says)
    {
        var stage = new ChangeStage(warehouse, Cluster);

        var refused = await Assert.ThrowsAsync<BadInputException>(() => stage.ApplyAsync((ChangeStage.Changes(1), text)));

        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_are_in_order_however_many_digits_their_times_have()
    {
        var stage = new ChangeStage(warehouse, Cluster) { Options = new() };

        await stage.ApplyAsync(("20240301-1000000020.csv", "Op,ID,NAME\nU,1,two\n"), ("20240301-100000003.csv", "Op,ID,NAME\nU,1,three\n"), ("20240301-1000000010.csv", "Op,ID,NAME\nI,1,one\n"));

        Assert.Equal(["1|three"], await stage.RowsAsync());
    }

    [Theory]
    [InlineData("job")]
    [InlineData("an_orderly_and_comprehensive_list_of_every_job_that_is_there_xx")]
    public async Task A_table_may_have_any_name_that_the_warehouse_takes_and_one_that_ends_like_another_s_positions(string name)
    {
        var stage = new ChangeStage(warehouse, Cluster);

        await stage.ApplyAsync(batch => batch with { Table = new(stage.Schema, name) }, stage.Source(ChangeStage.Changes(1), Encoding.UTF8.GetBytes(Header + "I,1,1,a\n")));
        await stage.ApplyAsync(batch => batch with { Table = new(stage.Schema, "job_positions") }, stage.Source(ChangeStage.Changes(1), Encoding.UTF8.GetBytes(Header + "I,1,1,b\n")));

        Assert.Equal(["a"], await warehouse.QueryAsync($"select name from {stage.Schema}.{name}"));
        Assert.Equal(["b"], await warehouse.QueryAsync($"select name from {stage.Schema}.job_positions"));
    }
}
