using System.Text.Json.Nodes;
using Workflow.App.Pipelines.QualityGate;
using Workflow.Data.Quality;

namespace Workflow.App.Tests.Pipelines;

public sealed class QualityAlertTests
{
    private const string Input = "s3://lake/orders.csv";
    private static readonly DateTime Time = new(2024, 3, 3, 8, 0, 0, DateTimeKind.Utc);
    private static readonly RuleResult Duplicates = new("duplicate_order_id", "DUPLICATE_ORDER_ID", "Several rows have this order id", RuleAction.Quarantine, RuleVerdict.Failed, 2, 0.5) { SetsAside = true };

    private static readonly QualityGateResult Found = new()
    {
        RowsIn = 4,
        Loaded = 2,
        Quarantined = 2,
        Written = "s3://lake/good/orders.csv",
        Rules =
        [
            Duplicates,
            Duplicates with { Name = "fine", Verdict = RuleVerdict.Passed, Count = 0 },
            Duplicates with { Name = "tolerated", Verdict = RuleVerdict.Tolerated },
            Duplicates with { Name = "broken", ErrorType = QualityRules.ExecutionError, Verdict = RuleVerdict.Crashed, Count = 0, Error = "no such column" },
        ],
        Errors = new Dictionary<string, string> { ["DUPLICATE_ORDER_ID"] = "s3://lake/error/DUPLICATE_ORDER_ID/20240303080000/orders.csv" },
    };

    [Fact]
    public void Its_subject_counts_the_rules_that_found_something()
    {
        var alert = QualityAlert.Of("orders", Input, Time, Found)!;
        Assert.Equal("Data Quality Alert for orders - 2 Issues Found", alert.Subject);
        Assert.Equal("""
            Data Quality Alert for orders - 2 Issues Found in s3://lake/orders.csv. 2 of 4 rows went on to s3://lake/good/orders.csv, 2 were set aside.
            DUPLICATE_ORDER_ID by duplicate_order_id: 2, Several rows have this order id (s3://lake/error/DUPLICATE_ORDER_ID/20240303080000/orders.csv)
            SQL_EXECUTION_ERROR by broken: 0, Several rows have this order id. no such column
            """, alert.Text);
    }

    [Fact]
    public void Its_JSON_is_what_subscribers_of_the_seed_read() => Assert.Equal("""
        {
          "job_name": "orders",
          "input_path": "s3://lake/orders.csv",
          "timestamp": "2024-03-03T08:00:00Z",
          "total_errors": 2,
          "errors": [
            {
              "rule_name": "duplicate_order_id",
              "error_type": "DUPLICATE_ORDER_ID",
              "description": "Several rows have this order id",
              "count": 2,
              "error_path": "s3://lake/error/DUPLICATE_ORDER_ID/20240303080000/orders.csv",
              "source_file": "s3://lake/orders.csv"
            },
            {
              "rule_name": "broken",
              "error_type": "SQL_EXECUTION_ERROR",
              "description": "Several rows have this order id. no such column",
              "count": 0,
              "error_path": null,
              "source_file": "s3://lake/orders.csv"
            }
          ]
        }
        """, $"{JsonNode.Parse(QualityAlert.Of("orders", Input, Time, Found)!.Json!)}");

    [Fact]
    public void Rows_that_a_rule_let_go_on_are_in_no_file_also_where_another_rule_has_one_for_its_error_type()
    {
        var alert = QualityAlert.Of("orders", Input, Time, Found with { Rules = [Duplicates with { Action = RuleAction.Warn, SetsAside = false }] })!;
        Assert.Null(JsonNode.Parse(alert.Json!)!["errors"]![0]!["error_path"]);
    }

    [Fact]
    public void Where_nothing_was_found_there_is_none() =>
        Assert.Null(QualityAlert.Of("orders", Input, Time, Found with { Rules = [Duplicates with { Verdict = RuleVerdict.Tolerated }] }));

    [Fact]
    public void A_rule_that_stopped_is_named() => Assert.Contains(
        "The rule 'duplicate_order_id' stopped it before anything was published: Several rows have this order id.",
        QualityAlert.Of("orders", Input, Time, Found with { Rules = [Duplicates with { Action = RuleAction.Stop }] })!.Text, StringComparison.Ordinal);

    [Fact]
    public void An_object_that_cannot_be_read_is_one_critical_error()
    {
        var alert = QualityAlert.Of("orders", Input, Time, new() { Unreadable = "The file 'orders.csv' is empty." })!;
        Assert.Equal("CRITICAL DQ ERROR: orders: The file 'orders.csv' is empty.", alert.Subject);
        Assert.Contains(Input, alert.Text, StringComparison.Ordinal);
        Assert.Equal((1, Input), ((int)JsonNode.Parse(alert.Json!)!["total_errors"]!, (string?)JsonNode.Parse(alert.Json!)!["errors"]![0]!["source_file"]));
    }

    [Fact]
    public void The_longest_name_of_a_pipeline_is_cut_and_not_what_was_found() =>
        Assert.Equal($"Data Quality Alert for {new string('n', 56)}... - 2 Issues Found", QualityAlert.Of(new string('n', 60), Input, Time, Found)!.Subject);
}
