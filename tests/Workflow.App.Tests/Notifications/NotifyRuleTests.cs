using System.Text.Json.Nodes;
using Workflow.App.Configuration;
using Workflow.App.Notifications;

namespace Workflow.App.Tests.Notifications;

public sealed class NotifyRuleTests
{
    [Theory]
    [InlineData("""{ "On": ["failure", "RECOVERY"], "Slack": "local:etl", "AtMost": 3, "Per": "01:00:00" }""", null)]
    [InlineData("""{ "On": "Success", "Webhook": "crm", "Text": "{pipeline} loaded {loaded} rows" }""", null)]
    [InlineData("""{ "On": ["Sometimes"], "Slack": "local:etl" }""", "On is 'Sometimes': write one or more of Failure, Recovery, SchemaChange, Quarantine, Success")]
    [InlineData("""{ "On": ["Failure"] }""", "say whom to tell: Slack, Topic or Webhook")]
    [InlineData("""{ "Topic": "etl" }""", "the ARN of an SNS topic")]
    [InlineData("""{ "Slack": "etl", "AtMost": 0 }""", "AtMost")]
    [InlineData("""{ "Slack": "etl", "Per": "00:00:00" }""", "Per")]
    [InlineData("""{ "Slack": "etl", "Text": "{pipeline} loaded {rows}" }""", "{rows}")]
    public void A_rule_that_tells_nobody_or_nothing_is_refused(string written, string? wrong)
    {
        var errors = new SettingErrors();

        SettingsReader.Read<NotifyRule>((JsonObject)JsonNode.Parse(written)!, "Notify:0", errors).Check(name => $"Notify:0:{name}", errors);

        Assert.Equal(wrong is null ? 0 : 1, errors.All.Count);
        Assert.All(errors.All, error => Assert.Contains(wrong!, error.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void A_template_takes_each_name_and_leaves_other_braces_alone() =>
        Assert.Equal("users: 3 rows, {not a name}, ", MessageTemplate.Fill("{pipeline}: {loaded} rows, {not a name}, {reason}", new Dictionary<string, object?> { ["pipeline"] = "users", ["loaded"] = 3L }));
}
