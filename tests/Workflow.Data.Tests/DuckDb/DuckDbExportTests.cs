using Workflow.Data.DuckDb;
using Workflow.Testing;

namespace Workflow.Data.Tests.DuckDb;

public sealed class DuckDbExportTests : IDisposable
{
    private const string Query = "select i as id, case when i % 2 = 0 then i end as even, 'it''s, \"' || i as text, (i / 4)::decimal(5,2) as price from range(3) r(i)";

    private readonly TempFolder _folder = new();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());
    private readonly DuckDbConnection _connection;

    public DuckDbExportTests() => _connection = _database.Connect();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_query_becomes_a_CSV_file()
    {
        var file = _folder.File("it's.csv");
        Assert.Equal(3, _connection.ExportCsv(Query, file, Cancellation));
        Assert.Equal("id,even,text,price\n0,0,\"it's, \"\"0\",0.00\n1,,\"it's, \"\"1\",0.25\n2,2,\"it's, \"\"2\",0.50\n", await File.ReadAllTextAsync(file, Cancellation));
    }

    [Fact]
    public void A_query_becomes_a_snappy_Parquet_file_that_reads_back()
    {
        var file = _folder.File("a.parquet");
        Assert.Equal(3, _connection.ExportParquet(Query, file, Cancellation));

        using var result = _connection.Query("select * from read_parquet(?) order by id", Cancellation, file);
        Assert.Equal([[0L, 0L, "it's, \"0", 0.00m], [1L, null, "it's, \"1", 0.25m], [2L, 2L, "it's, \"2", 0.50m]], result.Rows(Cancellation));
        Assert.Equal("SNAPPY", _connection.Scalar("select distinct compression from parquet_metadata(?)", Cancellation, file));
    }
}
