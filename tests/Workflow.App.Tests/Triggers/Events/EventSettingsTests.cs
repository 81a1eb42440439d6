using Workflow.App.Configuration;
using Workflow.Cloud.Objects;

namespace Workflow.App.Tests.Triggers.Events;

public sealed class EventSettingsTests
{
    [Fact]
    public void Whatever_is_wrong_with_where_events_come_from_is_named_at_once()
    {
        var wrong = Assert.Throws<SettingsException>(() => EventsHost.Read("""
            {
              "Aws": { "Endpoints": { "SQS": "local" } },
              "Events": {
                "Queues": [
                  { "Url": "landing", "MaxReceives": 0, "Visibility": "00:00:01", "Receivers": 21 },
                  { "Url": "https://sqs.us-east-1.amazonaws.com/000000000000/a", "DeadLetter": "https://sqs.us-east-1.amazonaws.com/000000000000/a" }
                ],
                "Sns": { "Topics": ["landing"], "Window": "2.00:00:00" },
                "EventGrid": { "Topics": ["landingacct"] },
                "Pigeons": {}
              },
              "Pipelines": {
                "local": { "Kind": "quality-gate", "Trigger": { "Object": "local://in/", "Watch": false }, "Options": { "Output": "local://good/" } }
              }
            }
            """));

        Assert.Equal(
            [
                "Aws:Endpoints:SQS", "Events:EventGrid:Topics", "Events:Pigeons", "Events:Queues:0:MaxReceives", "Events:Queues:0:Receivers", "Events:Queues:0:Url",
                "Events:Queues:0:Visibility", "Events:Queues:1:DeadLetter", "Events:Sns:Topics", "Events:Sns:Window", "Pipelines:local:Trigger:Watch",
            ],
            wrong.Errors.Select(error => error.Key).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(".csv", ".csv", 1)]
    [InlineData(".csv", "", 1)]
    [InlineData(".csv", ".json", 0)]
    public void Two_pipelines_may_take_objects_away_from_one_place_if_their_suffixes_part_them(string one, string other, int errors)
    {
        static string Pipeline(string name, string suffix) => $$"""
            "{{name}}": { "Kind": "csv-to-warehouse", "Trigger": { "Object": "local://inbox/csv/{{(name == "a" ? "" : "b/")}}", "Suffix": "{{suffix}}" }, "Options": { "Table": "t", "Key": "k" } }
            """;
        var thrown = Record.Exception(() => EventsHost.Read($$"""{ "Pipelines": { {{Pipeline("a", one)}}, {{Pipeline("b", other)}} } }""")) as SettingsException;

        Assert.Equal(errors, thrown?.Errors.Count(error => error.Right.Contains("takes the objects under", StringComparison.Ordinal)) ?? 0);
    }

    [Theory]
    [InlineData("s3://landing/in/a.csv", true)]
    [InlineData("s3://landing/in/sub/a.csv", true)]
    [InlineData("s3://landing/in/a.CSV", false)]
    [InlineData("s3://landing/a.csv", false)]
    [InlineData("s3://other/in/a.csv", false)]
    [InlineData("az://landing/in/a.csv", false)]
    [InlineData("s3://landing/in/folder.csv/", false)]
    public void A_trigger_matches_by_bucket_prefix_and_suffix(string address, bool matches)
    {
        var trigger = EventsHost.Read("""{ "Pipelines": { "p": { "Kind": "quality-gate", "Trigger": { "Object": "s3://landing/in/", "Suffix": ".csv" }, "Options": { "Output": "local://good/" } } } }""").Pipelines[0].Trigger!;

        Assert.True(trigger.Watch);
        Assert.Equal(matches, trigger.Matches(ObjectAddress.Parse(address)));
    }
}
