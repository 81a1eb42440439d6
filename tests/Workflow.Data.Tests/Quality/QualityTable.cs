using Workflow.Data.DuckDb;
using Workflow.Data.Quality;
using Workflow.Testing;

namespace Workflow.Data.Tests.Quality;

/// <summary>A locked database with a table of rows to judge.</summary>
internal sealed class QualityTable : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <param name="rows">A query whose rows become <c>temp_data</c>; <c>_row</c> is added where it has none.</param>
    public QualityTable(string rows, string? before = null)
    {
        Database = DuckDbDatabase.Open(new() { TempDirectory = _folder.File("spill") });
        Directory.CreateDirectory(Output);
        using (var connection = Database.Connect())
        {
            connection.Execute($"{before}; create table {QualityRules.Table} as select row_number() over () + 1 as _row, * from ({rows})", Cancellation);
        }

        Database.Lock(Output);
    }

    public static DateTimeOffset Now { get; } = new(2024, 3, 3, 12, 0, 0, TimeSpan.Zero);

    public DuckDbDatabase Database { get; }

    public string Output => _folder.File("out");

    public string Outside => _folder.Path;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public Task<QualityReport> RunAsync(params IReadOnlyList<QualityRule> rules) => RunAsync(rules, []);

    public Task<QualityReport> RunAsync(IReadOnlyList<QualityRule> rules, IReadOnlyList<RecordRule> records) =>
        QualityRules.RunAsync(Database, rules, records, Now, Cancellation);

    public async Task<RuleResult> ResultAsync(QualityRule rule) => Assert.Single((await RunAsync(rule)).Results);

    /// <summary>The rows a rule refuses, with its reasons: <c>line: reason</c>.</summary>
    public async Task<IReadOnlyList<string>> RefusedAsync(QualityRule rule)
    {
        var result = await ResultAsync(rule);
        Assert.Null(result.Error);
        return Query("select line || ': ' || reason from bad_rows order by line");
    }

    /// <summary>Rows as text, their values separated by bars.</summary>
    public IReadOnlyList<string> Query(string sql)
    {
        using var connection = Database.Connect();
        using var result = connection.Query(sql, Cancellation);
        return [.. result.Rows(Cancellation).Select(row => string.Join('|', row.Select(value => value ?? "∅")))];
    }

    public void Dispose()
    {
        Database.Dispose();
        _folder.Dispose();
    }
}
