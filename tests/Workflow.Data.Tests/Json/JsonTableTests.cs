using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.DuckDb;
using Workflow.Data.Json;
using Workflow.Testing;

namespace Workflow.Data.Tests.Json;

public sealed class JsonTableTests : IDisposable
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
    [InlineData("""[{"id":1,"name":"a"},{"id":2,"name":"b"}]""")]
    [InlineData("""
        [
          { "id" : 1, "name" : "a" },
          { "name" : "b", "id" : 2 }
        ]

        """)]
    [InlineData("{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n")]
    [InlineData("{\"id\":1,\"name\":\"a\"}\r\n\r\n{\"id\":2,\"name\":\"b\"}")]
    [InlineData("\uFEFF[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]")]
    public async Task An_array_or_lines_of_objects_become_rows(string json)
    {
        var (table, rows) = await LoadAsync(json);
        Assert.Equal(["id", "name"], table.Columns);
        Assert.Equal(2, table.Rows);
        Assert.Equal(["1|1|a", "2|2|b"], rows);
    }

    [Theory]
    [InlineData("12.50")]
    [InlineData("1e2")]
    [InlineData("-0.0")]
    [InlineData("123456789012345678901234567890")]
    [InlineData("0.1000000000000000055511151231257827")]
    [InlineData("true")]
    [InlineData("[1, 2.50, null]")]
    [InlineData("{\"a\": {\"b\": []}}")]
    public async Task A_value_keeps_the_text_it_has(string value) => Assert.Equal([$"1|{value}"], (await LoadAsync($"[{{\"v\":{value}}}]")).Rows);

    [Fact]
    public async Task A_string_is_unescaped() =>
        Assert.Equal(["1|\"quoted\" \\ / é 🌍\n\t|x"], (await LoadAsync("""[{"v":"\"quoted\" \\ \/ \u00e9 \ud83c\udf0d\n\t","\u006e":"x"}]""")).Rows);

    [Fact]
    public async Task Null_and_absent_are_null_and_the_empty_string_is_not() =>
        Assert.Equal(["1|∅|1", "2|∅|∅", "3||∅"], (await LoadAsync("""[{"a":null,"b":1},{},{"a":""}]""")).Rows);

    [Fact]
    public async Task Columns_come_in_the_order_of_their_first_appearance_wherever_that_is()
    {
        var json = "[" + string.Concat(Enumerable.Range(1, 5000).Select(id => $$"""{"id":{{id}}},""")) + """{"late":1,"id":5001},{"later":2}]""";
        var (table, rows) = await LoadAsync(json);
        Assert.Equal(["id", "late", "later"], table.Columns);
        Assert.Equal(["1|1|∅|∅", "5001|5001|1|∅", "5002|∅|∅|2"], [rows[0], rows[5000], rows[5001]]);
    }

    [Fact]
    public async Task Names_that_differ_in_case_only_are_two_columns() => Assert.Equal(["1|1|2"], (await LoadAsync("""[{"Name":1,"name":2}]""")).Rows);

    [Fact]
    public async Task Of_a_name_twice_in_one_object_the_last_counts() => Assert.Equal(["1|2"], (await LoadAsync("""[{"a":1,"a":2}]""")).Rows);

    [Fact]
    public async Task An_array_of_nothing_has_no_rows()
    {
        var (table, rows) = await LoadAsync(" [ ] ");
        Assert.Empty(table.Columns);
        Assert.Empty(rows);
    }

    [Fact]
    public async Task A_record_of_ten_megabytes_is_read_whole()
    {
        var (_, rows) = await LoadAsync($$"""[{"v":"{{new string('x', 10_000_000)}}"},{"v":1}]""");
        Assert.Equal([10_000_002, 3], rows.Select(row => row.Length));
    }

    [Fact]
    public async Task Gzip_is_unpacked()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write("[{\"id\":1}]"u8);
        }

        var table = await JsonTable.LoadAsync(_database, "packed", _folder.Write("a.json.gz", packed.ToArray()), Cancellation);
        Assert.Equal(1, table.Rows);
        var error = await Assert.ThrowsAsync<BadInputException>(() => JsonTable.LoadAsync(_database, "cut", _folder.Write("b.json.gz", packed.ToArray()[..^9]), Cancellation));
        Assert.Contains("cut off", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("  \n", "is empty")]
    [InlineData("[{\"id\":1},\n{\"id\":2},\n{\"id\":]", "is not JSON at line 3, byte 7")]
    [InlineData("[{\"id\":1}", "is not JSON at line 1")]
    [InlineData("{\"id\":1}\n{\"id\"", "is not JSON at line 2")]
    [InlineData("[{\"id\":1}] [{\"id\":2}]", "goes on after the end of its array")]
    [InlineData("[{\"id\":1}, 5]", "has a Number where its object number 2 should be")]
    [InlineData("\"text\"", "has a String where its object number 1 should be")]
    [InlineData("id,name\n1,a\n", "is not JSON at line 1, byte 1")]
    [InlineData("[{\"id\":\"\\ud800\"}]", "half a surrogate pair")]
    public async Task What_is_not_objects_is_an_error_that_names_the_place(string json, string error) =>
        Assert.Contains(error, (await Assert.ThrowsAsync<BadInputException>(() => LoadAsync(json))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Bytes_that_are_not_UTF8_are_an_error()
    {
        var file = _folder.Write("latin.json", [.. "[{\"id\":\"caf"u8, 0xE9, .. "\"}]"u8]);
        var error = await Assert.ThrowsAsync<BadInputException>(() => JsonTable.LoadAsync(_database, "latin", file, Cancellation));
        Assert.Contains("not UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_token_stops_it() =>
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => JsonTable.LoadAsync(_database, "t", _folder.Write("a.json", "[]"), new(canceled: true)));

    [Fact]
    public void Any_table_comes_back_through_JSON()
    {
        var value = Gen.Elements("", "a", "\"", "\\", "\n", "é", "🌍", "{", "]", ",").ListOf().Select(parts => string.Concat(parts));
        Prop.ForAll(value.ListOf(3).ListOf().ToArbitrary(), table =>
        {
            var json = System.Text.Json.JsonSerializer.Serialize(table.Select(row => new { a = row[0], b = row[1], c = row[2] }));
            var (_, rows) = Task.Run(() => LoadAsync(json)).GetAwaiter().GetResult();
            Assert.Equal(table.Select((row, index) => $"{index + 1}|{string.Join('|', row)}"), rows);
        }).QuickCheckThrowOnFailure();
    }

    private async Task<(JsonTable Table, List<string> Rows)> LoadAsync(string json)
    {
        var name = Guid.NewGuid().ToString();
        var table = await JsonTable.LoadAsync(_database, name, _folder.Write("input.json", Encoding.UTF8.GetBytes(json)), Cancellation);
        using var connection = _database.Connect();
        using var result = connection.Query($"select * from \"{name}\" order by _row", Cancellation);
        return (table, [.. result.Rows(Cancellation).Select(row => string.Join('|', row.Select(value => value ?? "∅")))]);
    }
}
