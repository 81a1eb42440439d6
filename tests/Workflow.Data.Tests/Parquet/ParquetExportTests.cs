using Workflow.Data.DuckDb;
using Workflow.Data.Parquet;
using Workflow.Testing;

namespace Workflow.Data.Tests.Parquet;

public sealed class ParquetExportTests : IDisposable
{
    private const long Large = 1 << 30;

    private readonly TempFolder _folder = new();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());
    private readonly DuckDbConnection _connection;

    public ParquetExportTests() => _connection = _database.Connect();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Out => _folder.File("out");

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Files_end_at_the_target_size_and_hold_every_row_once()
    {
        const string query = "select i, hash(i)::varchar as h from range(400000) r(i)";

        var files = _connection.ExportParquet(query, Out, [], 2_000_000, Cancellation);

        Assert.InRange(files.Count, 3, 6);
        Assert.Equal(Enumerable.Range(0, files.Count).Select(n => $"part-{n}.parquet"), files.Select(file => file.Path));
        Assert.All(files.SkipLast(1), file => Assert.InRange(file.Bytes, 1_800_000, 3_000_000));
        Assert.All(files, file => Assert.Equal(file.Bytes, new FileInfo(Path.Combine(Out, file.Path)).Length));
        Assert.Equal(400_000, files.Sum(file => file.Rows));
        Assert.Equal(0L, _connection.Scalar($"select count(*) from (({query}) except all select * from read_parquet('{Out}/*.parquet'))", Cancellation));
        Assert.Equal("SNAPPY", _connection.Scalar($"select distinct compression from parquet_metadata('{Out}/*.parquet')", Cancellation));
    }

    [Fact]
    public void Partitions_are_in_the_paths_and_those_too_large_are_cut()
    {
        var files = _connection.ExportParquet(
            "select i, hash(i)::varchar as h, case when i < 300000 then 'big' else 'small' end as size, date '2024-03-01' as day from range(300010) r(i)", Out, ["day", "size"], 2_000_000, Cancellation);

        Assert.Equal(["day=2024-03-01/size=big/part-0.parquet", "day=2024-03-01/size=big/part-1.parquet"], files.Take(2).Select(file => file.Path));
        Assert.Equal("day=2024-03-01/size=small/part-0.parquet", files[^1].Path);
        Assert.Equal((10, "2024-03-01", "small"), (files[^1].Rows, files[^1].Partition[0], files[^1].Partition[1]));
        Assert.Equal(300_000, files.SkipLast(1).Sum(file => file.Rows));
        Assert.Equal(files.Select(file => file.Path), Directory.EnumerateFiles(Out, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Out, file)).Order(StringComparer.Ordinal));
        Assert.Equal("i,h", string.Join(',', Columns($"select * from read_parquet('{Out}/{files[^1].Path}', hive_partitioning = false)")));
    }

    [Fact]
    public void A_value_is_in_the_path_escaped_and_null_has_a_name()
    {
        var files = _connection.ExportParquet("select * from (values (1, 'a/b é=1'), (2, null)) t(i, p)", Out, ["p"], Large, Cancellation);

        Assert.Equal(["p=__HIVE_DEFAULT_PARTITION__/part-0.parquet", "p=a%2Fb%20%C3%A9%3D1/part-0.parquet"], files.Select(file => file.Path));
        Assert.Equal(["__HIVE_DEFAULT_PARTITION__", "a/b é=1"], files.Select(file => file.Partition.Single()));
    }

    [Fact]
    public void No_rows_are_a_file_that_says_which_columns_there_are()
    {
        var file = Assert.Single(_connection.ExportParquet("select 1 as a, 'x' as b where false", Out, [], Large, Cancellation));

        Assert.Equal(("part-0.parquet", 0L), (file.Path, file.Rows));
        Assert.Equal("a,b", string.Join(',', Columns($"select * from '{Out}/{file.Path}'")));
    }

    [Fact]
    public void Nested_values_stay_structs_and_lists_and_have_types_in_the_catalog()
    {
        const string query = "select {'sku': 'x', 'tags': ['a', 'b'], 'price': 1.50::decimal(9,2)} as line, map {'k': 1::bigint} as counts, [1::tinyint] as list, now() as at, true as flag";
        _connection.ExportParquet(query, Out, [], Large, Cancellation);

        using var read = _connection.Query($"select * from '{Out}/part-0.parquet'", Cancellation);

        Assert.Equal(
            ["struct<sku:string,tags:array<string>,price:decimal(9,2)>", "map<string,bigint>", "array<tinyint>", "timestamp", "boolean"],
            read.Columns.Select(column => HiveType.Of(column.Type)));
        Assert.Throws<BadInputException>(() => HiveType.Of(new(DuckDbTypeId.Interval)));
    }

    private IEnumerable<string> Columns(string query)
    {
        using var result = _connection.Query(query, Cancellation);
        return [.. result.Columns.Select(column => column.Name)];
    }
}
