using System.Diagnostics;
using Workflow.Cloud.Local;
using Workflow.Data.DuckDb;
using Workflow.Testing;

namespace Workflow.Data.Tests.DuckDb;

public sealed class DuckDbDatabaseTests
{
    private const string Numbers = "create table numbers as select i from range(3000000) r(i)";
    private const string TakesLong = "select count(*) from numbers where md5(md5(md5(md5(md5(md5(md5(md5(i::varchar)))))))) < 'a'";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void The_library_is_found_and_tells_its_version() => Assert.StartsWith("v1.", DuckDbDatabase.LibraryVersion, StringComparison.Ordinal);

    [Fact]
    public void A_missing_library_says_what_to_run()
    {
        var error = Assert.Throws<LocalPartMissingException>(() => DuckDbLibrary.Find(Path.GetTempPath(), "plan9-mips"));
        Assert.Contains("npm ci", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_are_in_force()
    {
        using var scratch = new TempFolder();
        using var database = DuckDbDatabase.Open(new() { MemoryLimit = "100MB", Threads = 1, TempDirectory = scratch.Path });
        using var connection = database.Connect();

        Assert.Equal("95.3 MiB", connection.Scalar("select current_setting('memory_limit')", Cancellation));
        Assert.Equal(1L, connection.Scalar("select current_setting('threads')", Cancellation));
        Assert.Equal(scratch.Path, connection.Scalar("select current_setting('temp_directory')", Cancellation));
        Assert.Equal(false, connection.Scalar("select current_setting('autoload_known_extensions')", Cancellation));
    }

    [Fact]
    public void A_setting_that_is_refused_is_named()
    {
        var error = Assert.Throws<DuckDbException>(() => DuckDbDatabase.Open(new() { MemoryLimit = "plenty" }));
        Assert.Contains("memory_limit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_keeps_its_tables_and_opens_once_per_process()
    {
        using var scratch = new TempFolder();
        var settings = new DuckDbSettings { Path = scratch.File("kept.duckdb") };
        using (var database = DuckDbDatabase.Open(settings))
        {
            using var connection = database.Connect();
            connection.Execute("create table t as select 42 as answer", Cancellation);

            var error = Assert.Throws<DuckDbException>(() => DuckDbDatabase.Open(settings));
            Assert.Contains("already open", error.Message, StringComparison.Ordinal);
        }

        using var again = DuckDbDatabase.Open(settings);
        using var reader = again.Connect();
        Assert.Equal(42, reader.Scalar("select answer from t", Cancellation));
    }

    [Fact]
    public void A_file_that_is_no_database_is_an_error_that_names_it()
    {
        using var scratch = new TempFolder();
        var path = scratch.Write("not.duckdb", new string('x', 5000));
        var error = Assert.Throws<DuckDbException>(() => DuckDbDatabase.Open(new() { Path = path }));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelling_stops_a_running_query_and_the_connection_goes_on()
    {
        using var database = DuckDbDatabase.Open(new() { Threads = 1 });
        using var connection = database.Connect();
        connection.Execute(Numbers, Cancellation);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var query = Task.Run(() => connection.Scalar(TakesLong, source.Token), Cancellation);
        await Eventually.TrueAsync(() => connection.Progress > 0 || query.IsCompleted);

        var watch = Stopwatch.StartNew();
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => query);

        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal(1, connection.Scalar("select 1", Cancellation));
    }

    [Fact]
    public void A_token_cancelled_before_runs_nothing()
    {
        using var database = DuckDbDatabase.Open(new());
        using var connection = database.Connect();
        Assert.ThrowsAny<OperationCanceledException>(() => connection.Execute("create table t (i integer)", new(canceled: true)));
        Assert.Equal(0L, connection.Scalar("select count(*) from duckdb_tables()", Cancellation));
    }

    [Fact]
    public async Task Progress_is_read_from_another_thread_while_a_query_runs()
    {
        using var database = DuckDbDatabase.Open(new() { Threads = 1 });
        using var connection = database.Connect();
        Assert.Null(connection.Progress);
        connection.Execute(Numbers, Cancellation);
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);

        var query = Task.Run(() => connection.Scalar(TakesLong, source.Token), Cancellation);
        await Eventually.TrueAsync(() => connection.Progress is > 0 and <= 1 || query.IsCompleted);

        Assert.False(query.IsCompleted, "the query was over before any progress was seen");
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => query);
    }

    [Fact]
    public void Work_beyond_the_memory_limit_spills_to_the_temp_directory()
    {
        using var scratch = new TempFolder();
        using var database = DuckDbDatabase.Open(new() { MemoryLimit = "120MB", TempDirectory = scratch.Path, Threads = 1 });
        using var connection = database.Connect();
        const string sort = "select count(*) from (select i, md5(i::varchar) as h from range(3000000) r(i) order by h limit 2999999)";
        Assert.Equal(2999999L, connection.Scalar(sort, Cancellation));

        using var without = DuckDbDatabase.Open(new() { MemoryLimit = "120MB", Threads = 1 });
        using var cramped = without.Connect();
        Assert.Throws<DuckDbException>(() => cramped.Scalar(sort, Cancellation));
    }
}
