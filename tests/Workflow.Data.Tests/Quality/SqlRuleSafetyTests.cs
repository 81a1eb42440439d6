using Workflow.Data.DuckDb;
using Workflow.Data.Quality;

namespace Workflow.Data.Tests.Quality;

/// <summary>SQL that configuration brings may select, and nothing else.</summary>
public sealed class SqlRuleSafetyTests : IDisposable
{
    private readonly QualityTable _table = new("select range as id from range(3)");

    public void Dispose() => _table.Dispose();

    [Theory]
    [InlineData("delete from temp_data")]
    [InlineData("delete from temp_data returning *")]
    [InlineData("insert into temp_data select * from temp_data returning *")]
    [InlineData("update temp_data set id = 5 returning *")]
    [InlineData("drop table temp_data")]
    [InlineData("create table mine as select * from temp_data")]
    [InlineData("create temp table mine as select * from temp_data")]
    [InlineData("create or replace view temp_data as select 1 as _row")]
    [InlineData("select * from temp_data; drop table temp_data")]
    [InlineData("select * from temp_data); drop table temp_data; select * from (select 1")]
    [InlineData("with gone as (delete from temp_data returning *) select * from gone")]
    [InlineData("explain analyze delete from temp_data")]
    [InlineData("select * from query('drop table temp_data')")]
    [InlineData("copy temp_data to '{folder}/stolen.csv'")]
    [InlineData("copy temp_data from '{folder}/input.csv'")]
    [InlineData("export database '{folder}/stolen'")]
    [InlineData("attach '{folder}/other.db' as other")]
    [InlineData("attach ':memory:' as other")]
    [InlineData("select * from read_csv('{folder}/input.csv')")]
    [InlineData("select * from '{folder}/input.csv'")]
    [InlineData("select *, _row from temp_data, read_text('{folder}/input.csv')")]
    [InlineData("select * from glob('{folder}/*')")]
    [InlineData("select * from read_csv('{folder}/out/../input.csv')")]
    [InlineData("select * from read_blob('/etc/hostname')")]
    [InlineData("select * from read_json('https://example.com/x.json')")]
    [InlineData("set enable_external_access = true")]
    [InlineData("set memory_limit = '1TB'")]
    [InlineData("reset lock_configuration")]
    [InlineData("pragma enable_profiling")]
    [InlineData("install httpfs")]
    [InlineData("load httpfs")]
    [InlineData("checkpoint")]
    [InlineData("commit")]
    [InlineData("begin transaction")]
    [InlineData("prepare p as select 1")]
    [InlineData("call pragma_version()")]
    [InlineData("select * from temp_data where id = ?")]
    [InlineData("no sql at all")]
    [InlineData("-- nothing")]
    public async Task What_is_not_one_SELECT_within_the_database_crashes_and_changes_nothing(string query)
    {
        await File.WriteAllTextAsync(Path.Combine(_table.Outside, "input.csv"), "_row,id\n1,1\n", TestContext.Current.CancellationToken);
        var result = await _table.ResultAsync(new() { Name = "evil", ErrorType = "EVIL", Query = query.Replace("{folder}", _table.Outside) });

        Assert.Equal((RuleVerdict.Crashed, QualityRules.ExecutionError), (result.Verdict, result.ErrorType));
        Assert.NotEmpty(result.Error!);
        Assert.Equal(["2|0", "3|1", "4|2"], _table.Query("from temp_data order by _row"));
        Assert.Equal(["memory"], _table.Query("select database_name from duckdb_databases() where not internal"));
        Assert.Empty(_table.Query("select table_name from duckdb_tables() where table_name = 'mine'"));
        Assert.Equal(["input.csv"], Directory.EnumerateFiles(_table.Outside).Select(Path.GetFileName));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_table.Output));
    }

    [Fact]
    public void What_is_written_afterwards_goes_into_the_one_folder_that_is_open()
    {
        using var connection = _table.Database.Connect();
        Assert.Equal(3, connection.ExportCsv("select * from temp_data", Path.Combine(_table.Output, "good.csv"), TestContext.Current.CancellationToken));
        Assert.Throws<DuckDbException>(() => connection.ExportCsv("select * from temp_data", Path.Combine(_table.Outside, "good.csv"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Times_without_a_zone_are_in_UTC() =>
        Assert.Equal(["2024-01-01 00:00:00+00"], _table.Query("select cast(cast('2024-01-01' as timestamptz) as varchar)"));
}
