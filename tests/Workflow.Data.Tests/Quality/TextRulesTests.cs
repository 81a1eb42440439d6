using Workflow.Data.DuckDb;
using Workflow.Data.Quality;
using Workflow.Testing;

namespace Workflow.Data.Tests.Quality;

/// <summary>Rules on text judge values as a file writes them, whatever type their column has.</summary>
public sealed class TextRulesTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("v.csv", "v\nTRUE\nFALSE\ntrue\n", "BOOLEAN", "4: v is 'true', not one of TRUE, FALSE, 7", "TRUE", "FALSE", "7")]
    [InlineData("v.csv", "v\n2024-03-03\n2024-03-04\n", "DATE", "3: v is '2024-03-04', not one of 2024-03-03", "2024-03-03")]
    [InlineData("v.csv", "v\n2\n1.50\n2.0\n3\n", "DECIMAL(3,2)", "5: v is '3', not one of 2, 1.5", "2", "1.5")]
    [InlineData("v.json", "[{\"v\":true},{\"v\":false}]", "BOOLEAN", "2: v is 'false', not one of true", "true")]
    public async Task Allowed_values_are_those_of_the_file(string name, string content, string type, string refused, params string[] allowed)
    {
        await LoadAsync(name, content);
        Assert.Equal([type], Query("select distinct typeof(v) from temp_data"));
        Assert.Equal([refused], await RefusedAsync(new() { Name = "rule", Kind = RuleKind.AllowedValues, Columns = ["V"], Values = allowed }));
    }

    [Theory]
    [InlineData("v.csv", "v\n2024-03-03T10:00:00Z\n2024-03-03 10:00:00Z\n", @"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "3: v is '2024-03-03 10:00:00Z'")]
    [InlineData("v.csv", "v\n2\n1.50\n1.5\n", @"\d+|\d+\.\d\d", "4: v is '1.5'")]
    [InlineData("v.csv", "v\nTRUE\nFalse\n", "[A-Z]+", "3: v is 'False'")]
    [InlineData("v.csv", "v\n1e3\n1000\n", @"\d+", "2: v is '1e3'")]
    [InlineData("v.ndjson", "{\"v\":2}\n{\"v\":1.50}\n{}\n", @"\d", "2: v is '1.50'")]
    public async Task A_pattern_is_matched_with_the_text_of_the_file(string name, string content, string pattern, string refused)
    {
        await LoadAsync(name, content);
        var found = Assert.Single(await RefusedAsync(new() { Name = "rule", Kind = RuleKind.Pattern, Columns = ["v"], Pattern = pattern }));
        Assert.Equal($"{refused}, which does not match {pattern}", found);
    }

    [Theory]
    [InlineData("v\n2\n1.50\n\n3\n", "id\n2\nA\n1.50\n", "5: v is '3', not in Users")]
    [InlineData("v\n2\n1.50\n", "id\n2.00\n7\n", "3: v is '1.50', not in Users")]
    [InlineData("v\nTRUE\nfalse\n", "id\ntrue\n", "3: v is 'false', not in Users")]
    [InlineData("v\n2024-03-03\n", "id\n2024-03-03T00:00:00\n", "2: v is '2024-03-03', not in Users")]
    [InlineData("v\nA\n2\n", "ID\n2\n1.50\n", "2: v is 'A', not in Users")]
    public async Task References_of_one_kind_are_found_by_value_and_others_by_the_text_of_both_files(string rows, string users, string refused)
    {
        await LoadAsync("v.csv", rows);
        await RecordTable.LoadAsync(_database, "users", _folder.Write("users.csv", users), Cancellation);
        Assert.Equal([refused], await RefusedAsync(new() { Name = "rule", Kind = RuleKind.Referential, Columns = ["v"], References = "Users", ReferencedColumns = ["id"] }));
    }

    private Task<RecordTable> LoadAsync(string name, string content) => RecordTable.LoadAsync(_database, QualityRules.Table, _folder.Write(name, content), Cancellation);

    private async Task<IReadOnlyList<string>> RefusedAsync(QualityRule rule)
    {
        _database.Lock(_folder.Path);
        var report = await QualityRules.RunAsync(_database, [rule], [], QualityTable.Now, Cancellation);
        Assert.Null(Assert.Single(report.Results).Error);
        return Query("select line || ': ' || reason from bad_rows order by line");
    }

    private List<string> Query(string sql)
    {
        using var connection = _database.Connect();
        using var result = connection.Query(sql, Cancellation);
        return [.. result.Rows(Cancellation).Select(row => (string)row[0]!)];
    }
}
