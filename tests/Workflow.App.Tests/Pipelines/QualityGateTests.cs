using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Hosting;
using Workflow.App.Pipelines.QualityGate;
using Workflow.App.Tests.Faults;
using Workflow.Cloud.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>quality-gate whole: real files, the rules it brings, rules from settings and from a file, and what is told.</summary>
[TakesLong]
public sealed class QualityGateTests(PostgresFixture postgres)
{
    private const string Topic = "arn:aws:sns:eu-west-1:000000000000:data-quality";
    private const string Header = "order_id,user_id,email,product_category,price\n";
    private const string Good = "o1,1,ann@example.com,Books,9.50\no2,2,bo.b@mail.example.com,Home & Kitchen,10\n";
    private const string Bad = "o3,,cy@example.com,Books,1\no4,4,nobody,Books,1\no1,5,di@example.com,Toys,-3\no6,6,el@example.com,Clothing,abc\n";

    [Fact]
    public async Task The_rules_of_the_seed_find_what_they_are_for_and_the_rest_goes_on()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/a/orders.csv", Header + Good + Bad);

        var run = await CheckAsync(installation, "a/orders.csv");

        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        Assert.Equal((6, 1, 5, 0), Balance(run));
        Assert.Equal("local://quality/good/in/a/orders.csv", run.Output!.Value.GetProperty("written").GetString());
        Assert.Equal(Header + "o2,2,bo.b@mail.example.com,Home & Kitchen,10\n", installation.Read("local://quality/good/in/a/orders.csv"));
        Assert.Equal(
            ["null_user_id Failed 1", "invalid_email Failed 1", "duplicate_order_id Failed 2", "product_category Failed 1", "price_positive Failed 2"],
            run.Output.Value.GetProperty("rules").EnumerateArray().Select(rule => $"{rule.GetProperty("name")} {rule.GetProperty("verdict")} {rule.GetProperty("count")}"));
    }

    [Fact]
    public async Task Bad_rows_lie_under_their_error_type_and_the_time_of_the_run_with_rule_reason_source_and_line()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good + Bad);

        var run = await CheckAsync(installation, "orders.csv");

        var errors = run.Output!.Value.GetProperty("errors").EnumerateObject().ToDictionary(error => error.Name, error => error.Value.GetString()!);
        Assert.Equal(["DUPLICATE_ORDER_ID", "INVALID_CATEGORY", "INVALID_EMAIL", "INVALID_PRICE", "NULL_USER_ID"], errors.Keys.Order());
        Assert.All(errors, error => Assert.Matches($@"^local://quality/error/{error.Key}/20\d{{12}}/in/orders\.csv$", error.Value));
        Assert.Single(errors.Values.Select(error => error.Split('/')[5]).Distinct());
        Assert.Equal(
            $"rule,reason,source,line,{Header}price_positive,\"price is '-3', not positive\",local://quality/in/orders.csv,6,o1,5,di@example.com,Toys,-3\nprice_positive,\"price is 'abc', not a number\",local://quality/in/orders.csv,7,o6,6,el@example.com,Clothing,abc\n",
            installation.Read(errors["INVALID_PRICE"]));
        Assert.Equal($"rule,reason,source,line,{Header}null_user_id,The user id is missing,local://quality/in/orders.csv,4,o3,,cy@example.com,Books,1\n", installation.Read(errors["NULL_USER_ID"]));
    }

    [Fact]
    public async Task Json_is_checked_as_well_packed_or_not()
    {
        await using var installation = await StartAsync();
        object[] rows =
        [
            new { order_id = "o1", user_id = (int?)1, email = "ann@example.com", product_category = "Books", price = (object)9.50m },
            new { order_id = "o2", user_id = (int?)null, email = "bo@example.com", product_category = "Books", price = (object)"2" },
            new { order_id = "o3", user_id = (int?)3, email = "cy@example.com", product_category = "Books", price = (object)0 },
        ];
        var json = JsonSerializer.Serialize(rows);
        installation.Drop("local://quality/in/array.json", json);
        installation.Drop("local://quality/in/lines.ndjson", string.Join('\n', rows.Select(row => JsonSerializer.Serialize(row))));
        installation.Drop("local://quality/in/packed.json.gz", Gzip(json));

        foreach (var name in new[] { "array.json", "lines.ndjson", "packed.json.gz" })
        {
            Assert.Equal((3, 1, 2, 0), Balance(await CheckAsync(installation, name)));
            Assert.Equal(Header + "o1,1,ann@example.com,Books,9.50\n", installation.Read($"local://quality/good/in/{name}.csv"));
        }
    }

    [Fact]
    public async Task Good_rows_go_on_as_typed_Parquet_where_that_is_asked_for_and_Parquet_is_read_again()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good);

        await CheckAsync(installation, "orders.csv", new { format = "Parquet", output = "local://lake/orders.parquet" });
        Assert.Equal(["SNAPPY"], installation.Compressions("local://lake/orders.parquet"));
        var again = await installation.RunAsync("gate", new
        {
            @object = "local://lake/orders.parquet",
            rules = new[] { new { name = "price", kind = "Range", columns = "price", min = "10" } },
        });

        Assert.Equal((2, 1, 1, 0), Balance(again));
        Assert.Equal(Header + "o2,2,bo.b@mail.example.com,Home & Kitchen,10.00\n", installation.Read(again.Output!.Value.GetProperty("written").GetString()!));
    }

    [Fact]
    public async Task An_alert_goes_to_the_topic_with_how_many_issues_there_are_and_what_they_are()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good + Bad);

        var run = await CheckAsync(installation, "orders.csv");

        var (subject, json) = Assert.Single(await TopicAsync(installation));
        Assert.Equal("Data Quality Alert for gate - 5 Issues Found", subject);
        var alert = JsonNode.Parse(json)!.AsObject();
        Assert.Equal(["job_name", "input_path", "timestamp", "total_errors", "errors"], alert.Select(field => field.Key));
        Assert.Equal(("gate", "local://quality/in/orders.csv", 5), ((string?)alert["job_name"], (string?)alert["input_path"], (int)alert["total_errors"]!));
        Assert.Matches(@"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$", (string?)alert["timestamp"]);
        var error = alert["errors"]!.AsArray().Single(entry => (string?)entry!["rule_name"] == "duplicate_order_id")!.AsObject();
        Assert.Equal(["rule_name", "error_type", "description", "count", "error_path", "source_file"], error.Select(field => field.Key));
        Assert.Equal(
            ("DUPLICATE_ORDER_ID", "Several rows have this order id", 2, "local://quality/in/orders.csv"),
            ((string?)error["error_type"], (string?)error["description"], (int)error["count"]!, (string?)error["source_file"]));
        Assert.Equal(run.Output!.Value.GetProperty("errors").GetProperty("DUPLICATE_ORDER_ID").GetString(), (string?)error["error_path"]);
        Assert.StartsWith(subject, Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_an_issue_there_is_no_alert_but_word_that_it_is_done()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good);

        var run = await CheckAsync(installation, "orders.csv");

        Assert.Equal((2, 2, 0, 0), Balance(run));
        var said = Assert.Single(await installation.SlackAsync()).Text;
        Assert.Contains("gate completed", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Alert", said, StringComparison.Ordinal);
        Assert.Equal(("gate completed", said), Assert.Single(await TopicAsync(installation)));
        Assert.Equal(["good/in/orders.csv", "in/orders.csv"], installation.Objects("quality"));
    }

    [Fact]
    public async Task A_rule_that_stops_fails_the_run_by_name_and_leaves_the_target_as_it_was()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/good/in/orders.csv", "what was there");
        installation.Drop("local://quality/in/orders.csv", Header + Good + Bad);

        var run = await CheckAsync(installation, "orders.csv", new { rules = new[] { new { name = "user_there", kind = "Completeness", columns = "user_id", action = "Stop" } } });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("'user_there'", run.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal("what was there", installation.Read("local://quality/good/in/orders.csv"));
        var refused = Assert.Single(installation.Objects("quality"), name => name.StartsWith("error/COMPLETENESS/", StringComparison.Ordinal));
        Assert.Contains("user_there,user_id missing,local://quality/in/orders.csv,4,o3", installation.Read($"local://quality/{refused}"), StringComparison.Ordinal);
        var said = Assert.Single(await installation.SlackAsync()).Text;
        Assert.Contains("Data Quality Alert for gate - 1 Issues Found", said, StringComparison.Ordinal);
        Assert.Contains("'user_there' stopped it", said, StringComparison.Ordinal);
        Assert.Equal("Data Quality Alert for gate - 1 Issues Found", Assert.Single(await TopicAsync(installation)).Subject);
    }

    [Fact]
    public async Task A_rule_that_crashes_is_told_as_an_execution_error_and_the_others_have_run()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good + Bad);

        var run = await CheckAsync(installation, "orders.csv", new
        {
            rules = new object[]
            {
                new { name = "broken", errorType = "X", query = "select * from temp_data where nothing_there = 1" },
                new { name = "null_user", errorType = "NULL_USER", query = "select * from temp_data where user_id is null" },
            },
        });

        Assert.Equal((6, 5, 1, 0), Balance(run));
        var said = Assert.Single(await installation.SlackAsync()).Text;
        Assert.Contains("SQL_EXECUTION_ERROR by broken", said, StringComparison.Ordinal);
        Assert.Contains("nothing_there", said, StringComparison.Ordinal);
        Assert.Contains("NULL_USER by null_user: 1", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_that_cannot_be_read_is_a_critical_error_and_the_next_one_runs()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/next.csv", Header + Good);
        var rubbish = new Dictionary<string, string> { ["empty.csv"] = "", ["broken.json"] = "[{\"a\":1},", ["rubbish.json"] = "\u0001\u0002not json ü\n", ["rubbish.parquet"] = "PAR1" };
        foreach (var (name, content) in rubbish)
        {
            installation.Drop($"local://quality/in/{name}", content);

            var run = await CheckAsync(installation, name);

            Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
            Assert.Contains($"'{name}'", run.Failure!.Message, StringComparison.Ordinal);
            Assert.StartsWith("CRITICAL DQ ERROR: ", (await installation.SlackAsync())[^1].Text, StringComparison.Ordinal);
            Assert.StartsWith($"CRITICAL DQ ERROR: gate: The file '{name}' ", (await TopicAsync(installation))[^1].Subject, StringComparison.Ordinal);
        }

        Assert.Equal(rubbish.Count, (await installation.SlackAsync()).Count);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await CheckAsync(installation, "next.csv")).Status);
    }

    [Theory]
    [InlineData("local://quality/in/gone.csv", "There is no object at local://quality/in/gone.csv.")]
    [InlineData("local://quality/in/locked.csv", "local://quality/in/locked.csv cannot be read: ")]
    public async Task An_object_that_is_gone_or_out_of_reach_is_a_critical_error(string address, string says)
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/locked.csv", Header + Good);
        using var locked = File.Open(Path.Combine(installation.Data.Objects, "quality", "in", "locked.csv"), FileMode.Open, FileAccess.ReadWrite, FileShare.None);

        var run = await installation.RunAsync("gate", new { @object = address, attempts = 1 });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        Assert.StartsWith($"CRITICAL DQ ERROR: gate cannot read {address}: {says}", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
        var (subject, json) = Assert.Single(await TopicAsync(installation));
        Assert.StartsWith("CRITICAL DQ ERROR: gate: ", subject, StringComparison.Ordinal);
        Assert.Equal("UNREADABLE_INPUT", (string?)JsonNode.Parse(json)!["errors"]![0]!["error_type"]);
    }

    [Fact]
    public async Task JSON_without_a_record_is_no_error_unless_a_rule_wants_some()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/none.json", "[]");

        var run = await CheckAsync(installation, "none.json");
        var wanted = await CheckAsync(installation, "none.json", new { rules = new[] { new { name = "some", kind = "RowCount", min = "1" } } });

        Assert.Equal((0, 0, 0, 0), Balance(run));
        Assert.Equal(OrchestrationRuntimeStatus.Failed, wanted.Status);
        Assert.Contains("'some' stopped it before anything was published: some. 0 rows, where at least 1 are wanted", wanted.Failure!.Message, StringComparison.Ordinal);
        Assert.Equal(["in/none.json"], installation.Objects("quality"));
        Assert.Equal(["gate completed", "Data Quality Alert for gate - 1 Issues Found"], (await TopicAsync(installation)).Select(said => said.Subject));
    }

    [Theory]
    [InlineData("local://quality/in/orders.csv", "in/orders.csv")]
    [InlineData("local://quality/in/ORDERS.CSV", "in/ORDERS.CSV")]
    [InlineData("local://quality/in/2024.05.csv", "in/2024.05.csv")]
    [InlineData("local://quality/in/orders.csv.gz", "in/orders.csv.gz.csv")]
    [InlineData("local://quality/in/orders.json", "in/orders.json.csv")]
    [InlineData("local://quality/in/orders.json.csv", "in/orders.json.ce92e9a1.csv")]
    [InlineData("local://quality/in/orders", "in/orders.e15f61ab.csv")]
    [InlineData("s3://a/in/orders.csv", "in/orders.c72ec6c7.csv")]
    public void Good_rows_lie_under_the_key_of_their_object(string address, string name) =>
        Assert.Equal($"local://quality/good/{name}", $"{new GatePlaces(new() { Object = address, Output = "local://quality/good/" }, default).Good}");

    [Theory]
    [InlineData(nameof(GateFormat.Csv))]
    [InlineData(nameof(GateFormat.Parquet))]
    public void Two_objects_never_share_what_is_written(string format)
    {
        string[] keys = ["o", "o.csv", "o.csv.gz", "o.csv.csv", "o.csv.gz.csv", "o.json", "o.json.csv", "o.json.gz", "o.json.gz.csv", "o.gz", "o.gz.csv", "o.parquet", "o.parquet.csv", "o.csv.parquet", "o.parquet.parquet", "O.csv"];
        var places = new[] { "s3://lake/", "s3://other/", "local://lake/" }
            .SelectMany(bucket => keys.Select(key => new GatePlaces(new() { Object = bucket + key, Output = "s3://lake/good/", ErrorPrefix = "s3://lake/error/", Format = Enum.Parse<GateFormat>(format) }, default)))
            .ToList();

        Assert.Distinct(places.Select(place => place.Good));
        Assert.Distinct(places.Select(place => place.Bad("X")));
    }

    [Fact]
    public async Task Broken_records_are_bad_rows_too()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good + "o9,9\n");

        var run = await CheckAsync(installation, "orders.csv");

        Assert.Equal((3, 2, 1, 0), Balance(run));
        Assert.EndsWith("malformed_record,2 fields where the header has 5,local://quality/in/orders.csv,4,\"o9,9\"\n", installation.Read(run.Output!.Value.GetProperty("quarantineObject").GetString()!), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_come_from_a_file_and_may_refer_to_other_files()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good + Bad);
        installation.Drop("local://quality/users.csv", "id\n1\n2\n4\n5\n");
        installation.Drop("local://quality/rules.json", """
            {
              // The shape is that of the settings.
              "Rules": [
                { "Name": "known_user", "Kind": "Referential", "ErrorType": "UNKNOWN_USER", "Columns": ["user_id"], "References": "users", "ReferencedColumns": ["id"] },
                { "Name": "users_by_sql", "ErrorType": "UNKNOWN_USER", "Action": "Warn", "Threshold": 0.5, "Query": "select * from temp_data where user_id not in (select id from users)" },
                { "Name": "enough", "Kind": "RowCount", "Min": 6 }
              ]
            }
            """);

        var run = await CheckAsync(installation, "orders.csv", new { rulesFile = "local://quality/rules.json", references = new[] { new { name = "users", @object = "local://quality/users.csv" } } });

        Assert.Equal((6, 5, 1, 0), Balance(run));
        Assert.Equal(["Failed", "Tolerated", "Passed"], run.Output!.Value.GetProperty("rules").EnumerateArray().Select(rule => rule.GetProperty("verdict").GetString()));
    }

    [Fact]
    public async Task A_rules_file_that_will_not_do_says_where()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/in/orders.csv", Header + Good);
        foreach (var (file, says) in new[]
        {
            ("no json", "rules.json is not JSON"),
            ("""{"Rules":[{"Name":"a","Kind":"Range","Columns":["price"],"Min":"low"}]}""", "Rules:0:Min"),
            ("""{"Rules":[{"Name":"a","Kind":"Guess"}]}""", "Rules:0:Kind"),
            ("""{"Rulez":[]}""", "Rulez"),
        })
        {
            installation.Drop("local://quality/rules.json", file);
            var run = await CheckAsync(installation, "orders.csv", new { rulesFile = "local://quality/rules.json" });
            Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
            Assert.Contains(says, run.Failure!.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Rules_that_will_not_do_are_refused_before_anything_runs()
    {
        await using var installation = await StartAsync();
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => CheckAsync(installation, "orders.csv", new
        {
            rules = new object[] { new { name = "a", kind = "Pattern", columns = "x" }, new { name = "a", query = "select 1", errorType = "../x", threshold = "2" } },
        }));
        Assert.All(["rules:0:Pattern", "rules:1:Name", "rules:1:ErrorType", "rules:1:Threshold"], key => Assert.Contains(key, refused.Message, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_gate_does_not_check_what_it_writes()
    {
        await using var installation = await StartAsync();
        installation.Drop("local://quality/error/X/20240101000000/orders.csv", Header + Good);
        var run = await installation.RunAsync("gate", new { @object = "local://quality/error/X/20240101000000/orders.csv" });
        Assert.Equal(OrchestrationRuntimeStatus.Failed, run.Status);
        Assert.Contains("lies where this gate writes", run.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_that_lands_is_checked_once()
    {
        await using var installation = Configure(await Installation.CreateAsync(postgres), "local://quality/in/");
        await installation.StartServiceAsync(ServiceRoles.All);
        installation.Drop("local://quality/in/orders.csv", Header + Good + Bad);

        await Eventually.TrueAsync(async () => (await installation.SlackAsync()).Count > 0, TimeSpan.FromSeconds(30));

        Assert.Contains("5 Issues Found in local://quality/in/orders.csv", Assert.Single(await installation.SlackAsync()).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_ends_the_same_when_it_is_killed_after_each_activity()
    {
        await using var installation = Configure(await Installation.CreateAsync(postgres));
        installation.Drop("local://quality/in/orders.csv", Header + Good + Bad);

        var killed = await KilledRun.CompleteAsync(installation, "gate", new { @object = "local://quality/in/orders.csv" });

        Assert.Equal(OrchestrationRuntimeStatus.Completed, killed.Run.Status);
        Assert.Contains(killed.Kills, kill => kill.EndsWith("activity:CheckQuality", StringComparison.Ordinal));
        Assert.Equal((6, 1, 5, 0), Balance(killed.Run));
        Assert.Equal(Header + "o2,2,bo.b@mail.example.com,Home & Kitchen,10\n", installation.Read("local://quality/good/in/orders.csv"));
        Assert.Equal(5, installation.Objects("quality").Count(name => name.StartsWith("error/", StringComparison.Ordinal)));
        Assert.Single((await TopicAsync(installation)).Distinct());
    }

    private async Task<Installation> StartAsync() => await Configure(await Installation.CreateAsync(postgres)).StartServiceAsync();

    private static Installation Configure(Installation installation, string? watch = null) =>
        installation.With("gate", "quality-gate", new { output = "local://quality/good/", slack = "local:quality", topic = Topic }, watch);

    private static Task<Run> CheckAsync(Installation installation, string name, object? options = null)
    {
        var input = JsonSerializer.SerializeToNode(options ?? new { })!.AsObject();
        input["object"] = $"local://quality/in/{name}";
        return installation.RunAsync("gate", input);
    }

    private static async Task<IReadOnlyList<(string? Subject, string Text)>> TopicAsync(Installation installation) =>
        [.. (await new LocalSns(installation.Data.Path, new HashSet<string>(), TimeProvider.System).ReadAsync(TestContext.Current.CancellationToken)).Select(message => (message.Subject, message.Text))];

    private static (long RowsIn, long Loaded, long Quarantined, long Skipped) Balance(Run run)
    {
        Assert.Equal(OrchestrationRuntimeStatus.Completed, run.Status);
        var output = run.Output!.Value;
        return (Number("rowsIn"), Number("loaded"), Number("quarantined"), Number("skipped"));

        long Number(string name) => output.GetProperty(name).GetInt64();
    }

    private static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }
}
