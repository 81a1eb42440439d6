using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.CheckIns;
using Workflow.Data.DuckDb;
using Workflow.Testing;

namespace Workflow.Data.Tests.CheckIns;

/// <summary>Property: whatever good and bad rows a file has, each is in its place: the good ones in their order, the bad ones once per rule they break.</summary>
public sealed class CheckInPropertyTests : IDisposable
{
    private static readonly string[] Timestamps = ["2024-02-29 10:00:00 UTC", "02/29/2024 10:00 AM", "29 февраля 2024 10:00", "30 февраля 2024 10:00", "soon", ""];
    private static readonly string[] Users = ["ned", "арья", "a \"\"quoted\"\" one, with a comma", " ", ""];
    private static readonly string[] Projects = ["p-1", "two\nlines", ""];

    private static readonly Gen<Row> RowGen =
        from user in Gen.Elements(Users)
        from timestamp in Gen.Elements(Timestamps)
        from hours in Gen.Choose(-50_000, 1_100_000)
        from project in Gen.Elements(Projects)
        select new Row(user, timestamp, hours / 1000m, project);

    private readonly TempFolder _scratch = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Every_row_is_where_it_belongs() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(25),
        Prop.ForAll(RowGen.ListOf().ToArbitrary(), rows =>
        {
            var folder = Directory.CreateDirectory(_scratch.File(Guid.NewGuid().ToString("N"))).FullName;
            var csv = _scratch.Write($"{Guid.NewGuid():N}.csv", "user,timestamp,hours,project\n" + string.Concat(rows.Select(row => row.Csv)));
            var parquet = Path.Combine(folder, "staged.parquet");

            var count = CheckInFile.WriteParquet(csv, parquet, folder, Cancellation);
            var result = CheckInTest.RunAsync(new() { ParquetFile = parquet, Source = "x", MostHours = 24, Folder = folder }, Cancellation).GetAwaiter().GetResult();

            Assert.Equal(rows.Count, count);
            Assert.Equal((rows.Count(row => row.IsGood), rows.Count(row => !row.IsGood)), (result.Passed, result.Failed));
            Assert.Equal(rows.Where(row => row.IsGood).Select(row => $"{row.Hours.ToString("0.00", CultureInfo.InvariantCulture)}|{row.Project}"), ReadPassed(folder));
            foreach (var (rule, breaks) in Row.Rules)
            {
                Assert.Equal(rows.Count(breaks), result.Rules.SingleOrDefault(found => found.Rule == rule)?.Rows ?? 0);
            }
        }));

    private static List<string> ReadPassed(string folder)
    {
        using var duckDb = DuckDbDatabase.Open(new() { Threads = 1 });
        using var connection = duckDb.Connect();
        using var rows = connection.Query("select hours::varchar || '|' || project from read_parquet(?)", Cancellation, Path.Combine(folder, CheckInTest.PassedFile));
        return [.. rows.Rows(Cancellation).Select(row => (string)row[0]!)];
    }

    private sealed record Row(string User, string Timestamp, decimal Given, string Project)
    {
        public static readonly IReadOnlyList<(string Rule, Func<Row, bool> Breaks)> Rules =
        [
            ("user_present", row => row.User.Trim().Length == 0),
            ("project_present", row => row.Project.Length == 0),
            ("timestamp_read", row => !row.Timestamp.Contains("29", StringComparison.Ordinal)),
            ("hours_read", row => row.Hours >= 1000),
            ("hours_in_range", row => row.Hours is < 0 or > 24 and < 1000),
        ];

        public decimal Hours => Math.Round(Given, 2, MidpointRounding.AwayFromZero);

        public bool IsGood => !Rules.Any(rule => rule.Breaks(this));

        public string Csv => string.Create(CultureInfo.InvariantCulture, $"\"{User}\",{Timestamp},{Given},\"{Project}\"\n");
    }
}
