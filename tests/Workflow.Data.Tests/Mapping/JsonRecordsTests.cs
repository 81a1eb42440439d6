using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.DuckDb;
using Workflow.Data.Mapping;
using Workflow.Data.Quality;
using Workflow.Testing;

namespace Workflow.Data.Tests.Mapping;

public sealed class JsonRecordsTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open(new());
    private readonly List<JsonSource> _sources = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _database.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_array_lines_and_gzip_are_one_table()
    {
        Add("a.json", """[{"id":1},{"id":2}]""");
        Add("b.json", "{\"id\":3}\n{\"id\":4}\n");
        using (var packed = new GZipStream(File.Create(_folder.File("c.json.gz")), CompressionLevel.Fastest))
        {
            packed.Write("""{"id":5,"late":true}"""u8);
        }

        _sources.Add(new(_folder.File("c.json.gz"), "c"));

        var records = await LoadAsync(new());

        Assert.Equal((5, 0), (records.Rows, records.Refused));
        Assert.Equal(["1 NULL", "2 NULL", "3 NULL", "4 NULL", "5 true"], Query("select id || ' ' || coalesce(late::varchar, 'NULL') from temp_data order by _row"));
    }

    [Fact]
    public async Task Objects_and_lists_stay_structs_and_lists_whatever_each_record_has_of_them()
    {
        Add("a.json", """[{"at":{"city":"Oslo","geo":{"lat":59.9}},"lines":[{"sku":"x","n":1}]},{"at":{"zip":"0150"},"lines":[{"sku":"y","tags":["a"]}]},{"lines":[]}]""");

        await LoadAsync(new());

        Assert.Equal(
            ["STRUCT(city VARCHAR, geo STRUCT(lat DOUBLE), zip VARCHAR)", "STRUCT(sku VARCHAR, n BIGINT, tags VARCHAR[])[]"],
            Query("select column_type from (describe from temp_data) where column_name <> '_row'"));
        Assert.Equal(["Oslo", "59.9", "0150", "y", "a"], Query("select unnest([a.at.city, a.at.geo.lat::varchar, b.at.zip, b.lines[1].sku, b.lines[1].tags[1]]) from temp_data a, temp_data b where a._row = 1 and b._row = 2"));
    }

    [Fact]
    public async Task Columns_are_renamed_cast_taken_from_inside_and_dropped_and_only_those_mapped_are_kept()
    {
        Add("a.json", """[{"id":"7","amount":"12.50","customer":{"address":{"city":"Oslo"}},"at":"2024-03-01T10:00:00Z","noise":1}]""");

        var records = await LoadAsync(new()
        {
            Columns = [new() { From = "id", To = "order_id", Type = "bigint" }, new() { From = "amount", Type = "decimal(9,2)" }, new() { From = "customer.address.city" }, new() { From = "at", Type = "timestamp" }, new() { From = "gone", Type = "date" }],
        });

        Assert.Equal(["order_id", "amount", "city", "at", "gone"], records.Columns);
        Assert.Equal(["7|12.50|Oslo|2024-03-01 10:00:00|NULL"], Query("select concat_ws('|', order_id, amount, city, \"at\", coalesce(gone::varchar, 'NULL')) from temp_data"));
        Assert.Equal(["BIGINT", "DECIMAL(9,2)", "VARCHAR", "TIMESTAMP", "DATE"], Query("select column_type from (describe from temp_data) where column_name <> '_row'"));
    }

    [Fact]
    public async Task Others_are_kept_where_asked_for_but_those_to_drop()
    {
        Add("a.json", """[{"id":1,"name":"a","secret":"s","_row":9}]""");

        var records = await LoadAsync(new() { Columns = [new() { From = "_row", To = "number" }], KeepOthers = true, Drop = ["secret"] });

        Assert.Equal(["number", "id", "name"], records.Columns);
    }

    [Fact]
    public async Task Text_stays_text_and_numbers_keep_what_they_are()
    {
        Add("a.json", """[{"zip":"00123","big":18446744073709551615,"price":12345678901234567890.12,"mixed":1,"flag":true},{"zip":"9","big":1,"price":0.10,"mixed":"x","flag":null}]""");

        await LoadAsync(new() { Columns = [new() { From = "price", Type = "decimal(38,2)" }], KeepOthers = true });

        Assert.Equal(["00123|18446744073709551615|12345678901234567890.12|1|true", "9|1|0.10|x|NULL"], Query("select concat_ws('|', zip, big, price, mixed, coalesce(flag::varchar, 'NULL')) from temp_data order by _row"));
    }

    [Fact]
    public async Task What_cannot_be_cast_is_set_aside_with_rule_reason_source_and_record()
    {
        Add("a.json", """[{"id":1,"n":"1"},{"id":2,"n":"many"}]""");
        Add("b.json", """[{"id":3,"n":1.5},{"id":"x","n":"","note":"kept"},{"id":5,"n":null}]""");
        _database.Lock(_folder.Path);

        var records = await LoadAsync(new() { Columns = [new() { From = "id", Type = "bigint" }, new() { From = "n", Type = "integer" }] });
        var report = await QualityRules.RunAsync(_database, [new() { Name = "id_5", Kind = RuleKind.Sql, Query = "select * from temp_data where id = 5" }], [], DateTimeOffset.UnixEpoch, Cancellation);

        Assert.Equal((5, 3, 1), (records.Rows, records.Refused, report.Good));
        Assert.Equal(
            [
                """cast|n is not integer: "many"|a.json|2|{"id":2,"n":"many","note":null}""",
                """cast|n is not integer: 1.5|b.json|1|{"id":3,"n":1.5,"note":null}""",
                """cast|id is not bigint: "x"; n is not integer: ""|b.json|2|{"id":"x","n":"","note":"kept"}""",
                """id_5|b.json|3""",
            ],
            Query($"select case when rule = 'cast' then concat_ws('|', rule, reason, source, line, content) else concat_ws('|', rule, source, line) end from ({records.Quarantine()})"));
    }

    [Fact]
    public void Whatever_the_records_hold_none_is_lost_and_no_value_without_a_type_vanishes()
    {
        var value = Gen.Elements("null", "1", "-5", "1.5", "1e3", "18446744073709551615", "true", "\"\"", "\"x\"", "\"12\"", "\"é \\\"\"", "[]", "[1,\"a\"]", "[null,2]", "{}", "{\"a\":1}", "{\"a\":\"x\",\"b\":[{}]}");
        var type = Gen.Elements<string?>(null, "integer", "bigint", "double", "decimal(5,2)", "varchar", "boolean", "date", "timestamptz");
        Prop.ForAll(value.ListOf().SelectMany(values => type.Select(given => (values, given))).ToArbitrary(), sample =>
        {
            var records = sample.values.Select(json => $"{{\"v\":{json}}}");
            File.WriteAllText(_folder.File("any.json"), $"[{string.Join(",", records)}]");
            using var database = DuckDbDatabase.Open(new() { Threads = 1 });
            var loaded = JsonRecords.LoadAsync(database, [new(_folder.File("any.json"), "any")], new() { Columns = [new() { From = "v", Type = sample.given }] }, Cancellation).GetAwaiter().GetResult();
            using var connection = database.Connect();
            var rows = (long)connection.Scalar("select count(*) from temp_data", Cancellation)!;

            Assert.Equal(sample.values.Count, loaded.Rows);
            Assert.Equal(loaded.Rows, rows + loaded.Refused);
            if (sample.given is null && rows > 0)
            {
                Assert.Equal(0, loaded.Refused);
                Assert.Equal(sample.values.Count(json => json != "null"), (long)connection.Scalar("select count(v) from temp_data", Cancellation)!);
            }
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("""[{"Name":1,"name":2}]""", "Two columns would be called")]
    [InlineData("""[{"id":1},2]""", "object number 2")]
    [InlineData("""[{"id":1}""", "a.json")]
    [InlineData("""[{"id":"\ud800"}]""", "surrogate")]
    [InlineData("[{}]", "No property")]
    public async Task What_is_no_table_is_refused_with_the_place(string json, string said)
    {
        Add("a.json", json);

        Assert.Contains(said, (await Assert.ThrowsAsync<BadInputException>(() => LoadAsync(new()))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_differ_in_case_inside_an_object_leave_it_as_JSON()
    {
        Add("a.json", """[{"tags":{"A":1,"a":2}}]""");

        await LoadAsync(new());

        Assert.Equal(["""{"A":1,"a":2}"""], Query("select tags from temp_data"));
    }

    [Fact]
    public async Task No_records_are_no_rows()
    {
        Add("a.json", "[]");

        Assert.Equal((0, 0), ((await LoadAsync(new())).Rows, (await LoadCountAsync())));
    }

    [Fact]
    public void A_mapping_that_will_not_do_is_named_with_what_would()
    {
        var problems = new JsonMapping
        {
            Columns = [new(), new() { From = "a..b" }, new() { From = "a", Type = "struct(x int)" }, new() { From = "b", To = "A", Type = "decimal(5,9)" }, new() { From = "c" }],
            Drop = ["c"],
        }.FindProblems();

        Assert.Equal(["0:From", "1:From", "2:Type", "3:To", "3:Type", "4:From"], problems.Select(problem => $"{problem.Column}:{problem.Setting}"));
    }

    private void Add(string name, string json)
    {
        File.WriteAllText(_folder.File(name), json, new UTF8Encoding(false));
        _sources.Add(new(_folder.File(name), name));
    }

    private Task<JsonRecords> LoadAsync(JsonMapping mapping) => JsonRecords.LoadAsync(_database, _sources, mapping, Cancellation);

    private Task<int> LoadCountAsync() => Task.FromResult(Query("select _row::varchar from temp_data").Count);

    private List<string> Query(string sql)
    {
        using var connection = _database.Connect();
        using var result = connection.Query(sql, Cancellation);
        return result.Rows(Cancellation).Select(row => (string)row[0]!).ToList();
    }
}
