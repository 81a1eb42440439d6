using System.IO.Compression;
using System.Text;
using Workflow.Data.DuckDb;
using Workflow.Data.Quality;
using Workflow.Testing;

namespace Workflow.Data.Tests.Quality;

/// <summary>Files become tables to judge: typed where every value allows it, numbered by their lines, and written again as they were.</summary>
public sealed class RecordTableTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Csv_is_typed_and_numbered_by_its_lines()
    {
        var table = await LoadAsync("orders.csv", "id,price,day,zip,note\n\n1,12.5,2024-01-01,007,\"two\nlines\"\n2,,2024-02-01,12,\n");
        Assert.Equal((2, 0), (table.Rows, table.Malformed));
        Assert.Equal(["3|1|12.5|2024-01-01|007|two\nlines", "5|2|∅|2024-02-01|12|∅"], Query("select _row, id, price, cast(day as varchar), zip, note from temp_data order by _row"));
        Assert.Equal(["INTEGER|DECIMAL(3,1)|DATE|VARCHAR"], Query("select typeof(id), typeof(price), typeof(day), typeof(zip) from temp_data limit 1"));
    }

    [Theory]
    [InlineData("TRUE", "BOOLEAN", "true")]
    [InlineData("-.5", "DECIMAL(1,1)", "-.5")]
    [InlineData("1e3", "DOUBLE", "1000.0")]
    [InlineData("2024-02-29T12:30", "TIMESTAMP", "2024-02-29 12:30:00")]
    [InlineData("2024-02-29 12:30:59.123456+02:00", "TIMESTAMP WITH TIME ZONE", "2024-02-29 10:30:59.123456+00")]
    [InlineData("2024-02-29T12:30Z", "TIMESTAMP WITH TIME ZONE", "2024-02-29 12:30:00+00")]
    [InlineData("2024-02-29T12:30:00+0230", "TIMESTAMP WITH TIME ZONE", "2024-02-29 10:00:00+00")]
    [InlineData("9223372036854775808", "DECIMAL(19,0)", "9223372036854775808")]
    public async Task A_value_that_inference_takes_for_more_than_text_is_read_as_that_or_stays_text(string value, string type, string read)
    {
        await LoadAsync("v.csv", $"v\n{value}\n");
        _database.Lock(_folder.Path);
        var found = Query("select typeof(v), cast(v as varchar) from temp_data");
        Assert.Contains(found, row => row == $"{type}|{read}" || row == $"VARCHAR|{value}");
    }

    [Fact]
    public async Task Records_that_are_broken_are_kept_apart_with_their_lines()
    {
        var table = await LoadAsync("orders.csv", "id,name\n1,a\n2\n3,a,b\n4,b\n");
        Assert.Equal((2, 2), (table.Rows, table.Malformed));
        Assert.Equal(["2", "5"], Query("select _row from temp_data order by _row"));
        Assert.Equal(["r|1 fields where the header has 2|s|3|2", "r|3 fields where the header has 2|s|4|3,a,b"], Query(table.MalformedAsWritten("r", "s")));
    }

    [Theory]
    [InlineData("orders.json", """[{"id":1,"price":9.50,"tags":["a"]},{"id":2,"price":"10"}]""")]
    [InlineData("orders.ndjson", "{\"id\":1,\"price\":9.50,\"tags\":[\"a\"]}\n{\"id\":2,\"price\":\"10\"}\n")]
    [InlineData("orders", "  [{\"id\":1,\"price\":9.50,\"tags\":[\"a\"]},{\"id\":2,\"price\":\"10\"}]")]
    public async Task Json_is_typed_and_numbered_by_its_records(string name, string json)
    {
        await LoadAsync(name, json);
        Assert.Equal(["1|1|9.50|[\"a\"]", "2|2|10.00|∅"], Query("select _row, id, price, tags from temp_data order by _row"));
    }

    [Fact]
    public async Task Gzip_is_unpacked()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            gzip.Write("id\n5\n"u8);
        }

        await RecordTable.LoadAsync(_database, QualityRules.Table, _folder.Write("a.csv.gz", packed.ToArray()), Cancellation);
        Assert.Equal(["2|5"], Query("from temp_data"));
    }

    [Fact]
    public async Task Parquet_is_read_in_its_own_types()
    {
        using (var connection = _database.Connect())
        {
            connection.ExportParquet("select range * 2 as n, [range] as list from range(3)", _folder.File("a.parquet"), Cancellation);
        }

        var table = await RecordTable.LoadAsync(_database, QualityRules.Table, _folder.File("a.parquet"), Cancellation);
        Assert.Equal(3, table.Rows);
        Assert.Equal(["1|0|BIGINT[]", "2|2|BIGINT[]", "3|4|BIGINT[]"], Query("select _row, n, typeof(list) from temp_data order by _row"));
    }

    [Fact]
    public async Task Good_and_bad_records_are_written_as_they_were()
    {
        var table = await LoadAsync("orders.csv", "id,Price,reason\n1,12.5,x\n2,-0.50,\n3,012.50,\"a \"\"b\"\", c\"\n4,-1,\n");
        _database.Lock(_folder.Path);
        await QualityRules.RunAsync(_database, [new() { Name = "positive", ErrorType = "PRICE", Kind = RuleKind.Range, Columns = ["price"], Min = "0" }], [], QualityTable.Now, Cancellation);

        Assert.Equal("id,Price,reason\n1,12.5,x\n3,012.50,\"a \"\"b\"\", c\"\n", Export(table.GoodAsWritten()));
        Assert.Equal(
            "rule,reason,source,line,id,Price,reason_1\npositive,\"Price is '-0.50', below 0\",a/orders.csv,3,2,-0.50,\npositive,\"Price is '-1', below 0\",a/orders.csv,5,4,-1,\n", Export(table.BadAsWritten("PRICE", "a/orders.csv")));
    }

    [Fact]
    public async Task Json_without_a_record_has_no_row_to_be_bad_and_is_counted()
    {
        var table = await LoadAsync("a.json", " []\n");
        _database.Lock(_folder.Path);
        var report = await QualityRules.RunAsync(
            _database,
            [
                new() { Name = "named", Kind = RuleKind.Completeness, Columns = ["id"] },
                new() { Name = "by_query", Query = "select * from temp_data where id is null" },
                new() { Name = "enough", Kind = RuleKind.RowCount, Min = "1" },
                new() { Name = "fresh", Kind = RuleKind.Freshness, Columns = ["updated"], MaxAge = TimeSpan.FromDays(1) },
            ],
            [],
            QualityTable.Now,
            Cancellation);

        Assert.Equal((0, 0, false), (table.Rows, table.Malformed, table.HasColumns));
        Assert.Equal([RuleVerdict.Passed, RuleVerdict.Passed, RuleVerdict.Failed, RuleVerdict.Failed], report.Results.Select(result => result.Verdict));
        Assert.Equal(["0 rows, where at least 1 are wanted", "no updated says how old the data are"], report.Issues.Select(issue => issue.Note));
    }

    [Theory]
    [InlineData("a.csv", "", "is empty")]
    [InlineData("a.csv", "id,_row\n1,2\n", "has a column '_row'")]
    [InlineData("a.csv", "id,ID\n1,2\n", "does not tell apart: 'id', 'ID'")]
    [InlineData("a.json", "[{}]", "has no record with a field")]
    [InlineData("a.json", "", "is empty")]
    [InlineData("a.json", "id\n1\n", "is not JSON")]
    [InlineData("a.json", "[{\"id\":1},", "is not JSON")]
    [InlineData("a.parquet", "PAR1 not", "is not Parquet")]
    [InlineData("a.parquet", "", "is not Parquet")]
    [InlineData("a.csv", "a\0b,c\n", "cannot be read")]
    public async Task A_file_that_is_not_what_its_name_says_is_refused_as_a_whole(string name, string content, string says) =>
        Assert.Contains(says, (await Assert.ThrowsAsync<BadInputException>(() => LoadAsync(name, content))).Message, StringComparison.Ordinal);

    private Task<RecordTable> LoadAsync(string name, string content) => RecordTable.LoadAsync(_database, QualityRules.Table, _folder.Write(name, Encoding.UTF8.GetBytes(content)), Cancellation);

    private string Export(string query)
    {
        using var connection = _database.Connect();
        connection.ExportCsv(query, _folder.File("out.csv"), Cancellation);
        return File.ReadAllText(_folder.File("out.csv"));
    }

    private List<string> Query(string sql)
    {
        using var connection = _database.Connect();
        using var result = connection.Query(sql, Cancellation);
        return [.. result.Rows(Cancellation).Select(row => string.Join('|', row.Select(value => value ?? "∅")))];
    }
}
