using Workflow.Data.CheckIns;
using Workflow.Data.DuckDb;
using Workflow.Data.Tests.Warehouse;
using Workflow.Data.Warehouse;
using Workflow.Testing;

namespace Workflow.Data.Tests.CheckIns;

/// <summary>Files of check-ins from CSV to the table, without a pipeline around them.</summary>
public sealed class CheckInFileTests(TestWarehouse warehouse) : IClassFixture<TestWarehouse>, IDisposable
{
    private readonly TempFolder _scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Every_record_is_staged_with_its_line_and_what_cannot_be_read_keeps_its_text()
    {
        var parquet = Stage(""""
            project,hours,timestamp,user

            bizdev, 4.005 ,26 сентября 2019 00:00,ned
            "two
            lines",1.5,2018-12-20 00:00:00 UTC,jon
            events,many,30 февраля 2019 10:00,
            events,1
            "says ""hi""",-0.5,02/28/2018 12:05 AM,bran
            """", out var rows);

        Assert.Equal(5, rows);
        Assert.Equal(
            [
                "3|ned|2019-09-26 00:00:00|4.01|bizdev|26 сентября 2019 00:00|4.005|∅|∅",
                "4|jon|2018-12-20 00:00:00|1.50|two\nlines|2018-12-20 00:00:00 UTC|1.5|∅|∅",
                "6|∅|∅|∅|events|30 февраля 2019 10:00|many|∅|∅",
                "7|∅|∅|∅|∅|∅|∅|2 fields where the header has 4|events,1",
                "8|bran|2018-02-28 00:05:00|-0.50|says \"hi\"|02/28/2018 12:05 AM|-0.5|∅|∅",
            ],
            Read(parquet));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("user,timestamp,hours\nned,x,1\n", "has the columns user, timestamp, hours. A file of check-ins has user, timestamp, hours, project")]
    [InlineData("user,timestamp,hours,project,mood\n", "has the columns user, timestamp, hours, project, mood")]
    [InlineData("ned,2018-12-20 00:00:00 UTC,1.0,bizdev\n", "has the columns ned")]
    public void A_file_of_something_else_is_refused(string text, string says) =>
        Assert.Contains(says, Assert.Throws<BadInputException>(() => Stage(text, out _)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_header_alone_is_a_file_without_rows()
    {
        Assert.Empty(Read(Stage("User,Timestamp,Hours,Project\n", out var rows)));
        Assert.Equal(0, rows);
    }

    [Fact]
    public async Task Each_rule_has_a_file_of_its_own_rows()
    {
        var result = await TestAsync("""
            user,timestamp,hours,project
            ned,2018-12-20 10:00:00 UTC,8,bizdev
            ,2018-12-20 10:00:00 UTC,8,bizdev
            "  ",yesterday,25,
            ned,2018-12-20 10:00:00 UTC,24,bizdev
            ned,2018-12-20 10:00:00 UTC,-0.01,bizdev
            ned,2018-12-20 10:00:00 UTC,eight,bizdev
            ned,2018-12-20 10:00:00 UTC
            """, out var folder);

        Assert.Equal((2, 5), (result.Passed, result.Failed));
        Assert.Equal(
            ["record_whole 1", "user_present 2", "project_present 1", "timestamp_read 1", "hours_read 1", "hours_in_range 2"],
            result.Rules.Select(rule => $"{rule.Rule} {rule.Rows}"));
        Assert.Equal(CheckInTest.RuleNames.Select(rule => $"{rule}.csv").Order(), Directory.EnumerateFiles(folder, "*.csv").Select(Path.GetFileName).Order());
        Assert.Equal(
            [
                "user_present,no user,local://landing/x.csv,3,,2018-12-20 10:00:00 UTC,8,bizdev,",
                "user_present,no user,local://landing/x.csv,4,,yesterday,25,,",
            ],
            (await File.ReadAllLinesAsync(Path.Combine(folder, "user_present.csv"), Cancellation)).Skip(1));
        Assert.Equal(
            ["record_whole,2 fields where the header has 4,local://landing/x.csv,8,,,,,\"ned,2018-12-20 10:00:00 UTC\""],
            (await File.ReadAllLinesAsync(Path.Combine(folder, "record_whole.csv"), Cancellation)).Skip(1));
        Assert.StartsWith("rule,reason,source,line,", (await File.ReadAllLinesAsync(Path.Combine(folder, "hours_read.csv"), Cancellation))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_content_adds_nothing_under_any_name_and_equal_rows_of_another_are_added()
    {
        var table = new TableName(warehouse.NewSchema(), "daily_checkins");
        const string header = "user,timestamp,hours,project\n", row = "ned,2018-12-20 10:00:00.5 UTC,8,bizdev\n";

        Assert.Equal((2, 0), await LoadAsync(table, header + row + row, "a"));
        Assert.Equal((0, 2), await LoadAsync(table, header + row + row, "a"));
        Assert.Equal((1, 0), await LoadAsync(table, header + row, "b"));
        Assert.Equal((0, 2), await LoadAsync(table, header + row + row, "a"));

        Assert.Equal(
            Enumerable.Repeat("ned|bizdev|8.00|2018-12-20 10:00:00.5+00", 3),
            await warehouse.QueryAsync($"set timezone = 'UTC'; select username, project, hours, \"timestamp\"::text from {table} order by id"));
        Assert.Equal(["2|2|0|0", "2|0|0|2", "1|1|0|0", "2|0|0|2"], await warehouse.QueryAsync($"select rows_in, loaded, quarantined, skipped from {table.Schema}.load_ledger order by id"));
    }

    [Fact]
    public async Task A_load_of_before_lines_were_noted_has_brought_all_rows()
    {
        var table = new TableName(warehouse.NewSchema(), "daily_checkins");
        const string file = "user,timestamp,hours,project\nned,2018-12-20 10:00:00 UTC,8,bizdev\n";
        await LoadAsync(table, file, "a");
        await warehouse.ExecuteAsync($"update {table.Schema}.load_ledger set result = result - 'lines'");

        Assert.Equal((0, 1), await LoadAsync(table, file, "a"));
    }

    [Fact]
    public async Task A_table_that_was_dropped_is_loaded_again()
    {
        var table = new TableName(warehouse.NewSchema(), "daily_checkins");
        const string file = "user,timestamp,hours,project\nned,2018-12-20 10:00:00 UTC,8,bizdev\n";
        await LoadAsync(table, file, "a");
        await warehouse.ExecuteAsync($"drop table {table}");

        Assert.Equal((1, 0), await LoadAsync(table, file, "a"));
    }

    private async Task<(long Loaded, long Skipped)> LoadAsync(TableName table, string text, string content)
    {
        await TestAsync(text, out var folder);
        var loaded = await new CheckInTable(warehouse.Source, table).LoadAsync(
            Path.Combine(folder, CheckInTest.PassedFile), new(table, Guid.NewGuid().ToString("N"), "local://landing/x.csv", content), quarantined: 0, Cancellation);
        return (loaded.Loaded, loaded.Skipped);
    }

    private Task<CheckInTestResult> TestAsync(string text, out string folder)
    {
        var parquet = Stage(text, out _);
        folder = Path.GetDirectoryName(parquet)!;
        return CheckInTest.RunAsync(new() { ParquetFile = parquet, Source = "local://landing/x.csv", MostHours = 24, Folder = folder }, Cancellation);
    }

    private string Stage(string text, out long rows)
    {
        var csv = _scratch.Write($"{Guid.NewGuid():N}.csv", text);
        var parquet = Path.Combine(Directory.CreateDirectory(Path.ChangeExtension(csv, null)).FullName, "staged.parquet");
        rows = CheckInFile.WriteParquet(csv, parquet, _scratch.Path, Cancellation);
        return parquet;
    }

    private static List<string> Read(string parquet)
    {
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var connection = duckDb.Connect();
        using var rows = connection.Query(
            "select line, \"user\", strftime(\"timestamp\" at time zone 'UTC', '%Y-%m-%d %H:%M:%S'), hours::varchar, project, timestamp_text, hours_text, fault, raw from read_parquet(?) order by line",
            Cancellation, parquet);
        return [.. rows.Rows(Cancellation).Select(row => string.Join('|', row.Select(value => value ?? "∅")))];
    }
}
