using System.Net;
using System.Text;
using System.Text.Json;
using Workflow.App.Api.Access;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Events.Inbound;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>The entrances for clouds, over HTTP.</summary>
public sealed class InboundTests(InboundHost host) : IClassFixture<InboundHost>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Now => $"{host.Time.GetUtcNow().ToUnixTimeSeconds()}";

    [Theory]
    [InlineData("1")]
    [InlineData("2")]
    public async Task A_notification_that_SNS_signed_starts_a_run(string version)
    {
        var key = $"in/{Guid.NewGuid():N} a+b.csv";

        var (status, _) = await host.PostSnsAsync(SnsSigner.Sign(SnsSigner.Notification(host.Time.GetUtcNow(), Envelopes.S3("landing", key), "Amazon S3 Notification"), version));

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(await HasRunAsync("told", $"s3://landing/{key}"));
    }

    [Fact]
    public async Task A_subscription_to_our_topic_is_confirmed_at_SNS_and_its_end_only_noted()
    {
        Assert.Equal(HttpStatusCode.OK, (await host.PostSnsAsync(SnsSigner.Sign(SnsSigner.Confirmation(host.Time.GetUtcNow())))).Status);
        Assert.Contains(SnsSigner.SubscribeUrl, host.Sns.Asked);
        var asked = host.Sns.Asked.Count(url => url == SnsSigner.SubscribeUrl);

        Assert.Equal(HttpStatusCode.OK, (await host.PostSnsAsync(SnsSigner.Sign(SnsSigner.Confirmation(host.Time.GetUtcNow(), SnsMessage.UnsubscribeConfirmation)))).Status);
        Assert.Equal(asked, host.Sns.Asked.Count(url => url == SnsSigner.SubscribeUrl));
        Assert.Contains(host.Logged.Lines, line => line.StartsWith($"The subscription to {SnsSigner.Topic} has ended", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Logged.Lines, line => line.Contains("made-up-token", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whatever_is_refused_is_answered_alike_counted_and_logged_with_its_reason()
    {
        var now = host.Time.GetUtcNow();
        var signed = SnsSigner.Sign(SnsSigner.Notification(now, Envelopes.TestEvent));
        var body = Envelopes.TestEvent;
        var before = host.Counts.Read().Refused.Values.Sum();
        (Task<(HttpStatusCode, string)> Answer, string Reason)[] refused =
        [
            (host.PostSnsAsync(signed with { Message = "{}" }), "the signature is not that of the message"),
            (host.PostSnsAsync(signed with { TopicArn = "arn:aws:sns:eu-central-1:000000000000:other" }), "is not among Events:Sns:Topics"),
            (host.PostSnsAsync(SnsSigner.Sign(SnsSigner.Notification(now.AddHours(-2)))), "and Events:Sns:Window is"),
            (host.PostSnsAsync(signed, ("x-amz-sns-rawdelivery", "true")), "it is delivered raw"),
            (host.PostAsync("/api/events/sns", "not json", "text/plain"), "it is no message of SNS"),
            (host.PostAsync("/api/events/sns", "null", "text/plain"), "it is no message of SNS"),
            (host.PostAsync("/api/events/eventbridge", body, "application/json"), "it brings no key in X-Event-Key"),
            (host.PostAsync("/api/events/eventbridge", body, "application/json", ("X-Event-Key", "bridge-kez")), "its key is another"),
            (host.PostAsync("/api/events/eventbridge", body, "application/json", ("X-Event-Key", "")), "it brings no key in X-Event-Key"),
            (host.PostAsync("/api/events/eventgrid", body, "application/json", ("X-Event-Key", "grid-key")), "it brings no key in X-Grid"),
            (host.PostAsync("/api/events/s3", body, "application/json", ("X-Event-Timestamp", Now), ("X-Event-Signature", SharedKeys.Sign("other", Now, Encoding.UTF8.GetBytes(body)))), "its signature is not that of the body"),
            (host.PostAsync("/api/events/s3", body, "application/json", ("X-Event-Timestamp", "soon"), ("X-Event-Signature", "v0=00")), "it does not say when it was signed"),
            (host.PostAsync("/api/slack/commands", "text=list", "application/x-www-form-urlencoded"), "it does not say when it was signed"),
        ];

        foreach (var (answer, reason) in refused)
        {
            Assert.Equal((HttpStatusCode.Forbidden, ""), await answer);
            Assert.Contains(host.Logged.Lines, line => line.Contains(reason, StringComparison.Ordinal));
        }

        Assert.True(host.Counts.Read().Refused.Values.Sum() >= before + refused.Length);
    }

    [Fact]
    public async Task A_secret_that_is_not_as_it_should_be_is_nobodys_business()
    {
        var before = host.Counts.Read().Refused.Values.Sum();
        try
        {
            foreach (var name in new[] { "local/eventbridge", "local/slack" })
            {
                await host.SecretStore.PutAsync(name, new Dictionary<string, string> { ["kez"] = "x" }, Cancellation);
            }

            Assert.Equal((HttpStatusCode.Forbidden, ""), await host.PostAsync("/api/events/eventbridge", Envelopes.TestEvent, "application/json", ("X-Event-Key", "bridge-key")));
            Assert.Equal((HttpStatusCode.Forbidden, ""), await PostSlackAsync("text=list", Now, SharedKeys.Sign("slack-secret", Now, "text=list"u8.ToArray())));
        }
        finally
        {
            await host.WriteSecretsAsync();
        }

        Assert.Contains(host.Logged.Lines, line => line.Contains("The secret 'local/eventbridge' has no field 'key'", StringComparison.Ordinal));
        Assert.Contains(host.Logged.Lines, line => line.Contains("The secret 'local/slack' has no field 'signing_secret'", StringComparison.Ordinal));
        Assert.True(host.Counts.Read().Refused.Values.Sum() >= before + 2);
    }

    [Fact]
    public async Task While_secrets_cannot_be_read_the_sender_is_to_come_again_and_is_told_nothing()
    {
        Assert.Equal((HttpStatusCode.ServiceUnavailable, ""), await host.PostAsync(InboundHost.WithSecretAway, "", "application/json", ("X-Event-Key", "any")));
        Assert.Contains(host.Logged.Lines, line => line.Contains($"from 127.0.0.1 is refused: {InboundHost.Away}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bridge-key")]
    [InlineData("bridge-key-before")]
    public async Task EventBridge_brings_its_key_or_the_one_before_it(string key)
    {
        var name = $"in/{Guid.NewGuid():N}.csv";

        var (status, body) = await host.PostAsync("/api/events/eventbridge", Envelopes.EventBridge("landing", name), "application/json", ("X-Event-Key", key));

        Assert.Equal((HttpStatusCode.OK, """{"started":1,"ignored":0}"""), (status, body));
        Assert.True(await HasRunAsync("told", $"s3://landing/{name}"));
    }

    [Fact]
    public async Task Events_that_are_passed_on_bring_a_key_or_a_signature_over_their_body()
    {
        foreach (var headers in (Func<string, (string, string)[]>[])
            [_ => [("X-Event-Key", "relay-key")], _ => [("Authorization", "Bearer relay-key")], body => [("X-Event-Timestamp", Now), ("X-Event-Signature", SharedKeys.Sign("relay-key", Now, Encoding.UTF8.GetBytes(body)))]])
        {
            var key = $"in/{Guid.NewGuid():N}.csv";
            var body = Envelopes.S3("landing", key, name: "s3:ObjectCreated:Put");

            Assert.Equal(HttpStatusCode.OK, (await host.PostAsync("/api/events/s3", body, "application/json", headers(body))).Status);
            Assert.True(await HasRunAsync("told", $"s3://landing/{key}"));
        }
    }

    [Fact]
    public async Task Event_Grid_delivers_in_both_schemas()
    {
        var blob = $"in/{Guid.NewGuid():N}.csv";

        Assert.Equal("""{"started":1,"ignored":0}""", (await host.PostAsync("/api/events/eventgrid", Envelopes.EventGrid("landing", blob), "application/json", ("X-Grid", "grid-key"), ("aeg-event-type", "Notification"))).Body);
        Assert.Equal("""{"started":0,"ignored":1}""", (await host.PostAsync("/api/events/eventgrid", Envelopes.CloudEvent("landing", blob), "application/cloudevents+json", ("X-Grid", "grid-key"))).Body);
        Assert.True(await HasRunAsync("blobs", $"az://landing/{blob}"));
    }

    [Fact]
    public async Task A_subscription_of_Event_Grid_to_our_account_is_validated_and_to_no_other()
    {
        static string Validation(string topic) => JsonSerializer.Serialize(new[] { new { id = "1", topic, subject = "", data = new { validationCode = "512d38b6" }, eventType = "Microsoft.EventGrid.SubscriptionValidationEvent", eventTime = "2025-01-31T10:00:00Z", metadataVersion = "1", dataVersion = "1" } });

        Assert.Equal((HttpStatusCode.OK, """{"validationResponse":"512d38b6"}"""), await host.PostAsync("/api/events/eventgrid", Validation(InboundHost.Account), "application/json", ("aeg-event-type", "SubscriptionValidation")));
        Assert.Equal((HttpStatusCode.Forbidden, ""), await host.PostAsync("/api/events/eventgrid", Validation("/subscriptions/0/other"), "application/json", ("aeg-event-type", "SubscriptionValidation")));
        Assert.Equal((HttpStatusCode.Forbidden, ""), await host.PostAsync("/api/events/eventgrid", Envelopes.EventGrid("landing", "in/a"), "application/json", ("aeg-event-type", "SubscriptionValidation")));
    }

    [Theory]
    [InlineData("eventgrid.azure.net", HttpStatusCode.OK, "eventgrid.azure.net")]
    [InlineData("example.com", HttpStatusCode.Forbidden, null)]
    [InlineData(null, HttpStatusCode.Forbidden, null)]
    public async Task CloudEvents_ask_first_and_only_Event_Grid_may_send(string? origin, HttpStatusCode status, string? allowed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, "/api/events/eventgrid");
        request.Headers.TryAddWithoutValidation("WebHook-Request-Origin", origin);
        using var answer = await host.Http.SendAsync(request, Cancellation);

        Assert.Equal(status, answer.StatusCode);
        Assert.Equal(allowed, answer.Headers.TryGetValues("WebHook-Allowed-Origin", out var origins) ? origins.Single() : null);
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    public async Task What_cannot_be_understood_is_said_to_be_so_to_who_proved_himself(string body) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await host.PostAsync("/api/events/eventbridge", body, "application/json", ("X-Event-Key", "bridge-key"))).Status);

    [Fact]
    public async Task A_body_that_is_too_long_is_not_read()
    {
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await host.PostAsync("/api/events/sns", new('x', 2 << 20), "text/plain")).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await host.PostAsync("/api/slack/commands", new('x', SlackCommands.Longest + 1), "application/x-www-form-urlencoded")).Status);
    }

    [Fact]
    public async Task A_command_of_Slack_starts_one_run_however_often_it_comes_and_shows_it()
    {
        var trigger = $"{Guid.NewGuid():N}";

        var started = await SlackAsync($"command=%2Fworkflow&text=run+nightly&user_id=U1&trigger_id={trigger}");
        Assert.Equal(started, await SlackAsync($"command=%2Fworkflow&text=run+nightly&user_id=U1&trigger_id={trigger}"));

        var instance = started.Split('`')[1];
        Assert.Equal("Pending", $"{(await host.Client.GetInstanceAsync(instance, cancellation: Cancellation))!.RuntimeStatus}");
        Assert.StartsWith($"`{instance}` of *nightly* is Pending", await SlackAsync($"text=status+{instance}&user_id=U2"), StringComparison.Ordinal);
        Assert.Contains(instance, await SlackAsync("text=runs+nightly&user_id=U2"), StringComparison.Ordinal);
        Assert.Contains("*nightly*", await SlackAsync("text=list&user_id=U2"), StringComparison.Ordinal);
        Assert.StartsWith("There is no pipeline 'nobody'", await SlackAsync("text=run+nobody&user_id=U1"), StringComparison.Ordinal);
        Assert.StartsWith("Say `list`", await SlackAsync("text=&user_id=U2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_is_no_operator_starts_nothing_from_Slack()
    {
        var trigger = $"{Guid.NewGuid():N}";

        Assert.Equal("You may look, but not start runs.", await SlackAsync($"text=run+nightly&user_id=U2&trigger_id={trigger}"));

        Assert.Null(await host.Client.GetInstanceAsync(Runs.InstanceFor("nightly", $"slack\n{trigger}"), cancellation: Cancellation));
    }

    [Fact]
    public async Task What_Slack_starts_or_may_not_start_is_in_the_audit()
    {
        var trigger = $"{Guid.NewGuid():N}";
        await SlackAsync($"text=run+nightly&user_id=U1&trigger_id={trigger}");
        await SlackAsync($"text=run+nightly&user_id=U3&trigger_id={trigger}");

        var rows = (await host.Audit.ListAsync("nightly", null, null, null, 100, Cancellation)).Entries;
        Assert.Equal("user U1 of Slack", Assert.Single(rows, row => row.Instance == Runs.InstanceFor("nightly", $"slack\n{trigger}") && row.Outcome == AuditOutcome.Done).Caller);
        Assert.Equal(AuditOutcome.Refused, Assert.Single(rows, row => row.Caller == "user U3 of Slack").Outcome);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(-301)]
    public async Task A_command_of_Slack_is_taken_within_five_minutes(int age)
    {
        var timestamp = $"{host.Time.GetUtcNow().ToUnixTimeSeconds() - age}";

        Assert.Equal((HttpStatusCode.Forbidden, ""), await PostSlackAsync("text=list", timestamp, SharedKeys.Sign("slack-secret", timestamp, "text=list"u8.ToArray())));
    }

    [Fact]
    public async Task No_changed_part_of_a_command_of_Slack_keeps_its_signature()
    {
        var signature = SharedKeys.Sign("slack-secret", Now, "text=list"u8.ToArray());
        Assert.Equal(HttpStatusCode.OK, (await PostSlackAsync("text=list", Now, signature)).Status);

        foreach (var (body, timestamp, given) in (IEnumerable<(string, string, string)>)
            [("text=lisT", Now, signature), ("text=list", $"{long.Parse(Now) - 1}", signature), ("text=list", Now, signature[..^1] + (signature[^1] == '0' ? '1' : '0')), ("text=list", Now, signature[..^1]), ("text=list", Now, "v1" + signature[2..]), ("text=list", Now, "")])
        {
            Assert.Equal((HttpStatusCode.Forbidden, ""), await PostSlackAsync(body, timestamp, given));
        }
    }

    [Fact]
    public void A_signature_is_that_of_Slacks_own_example() => Assert.Equal(
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        SharedKeys.Sign(
            "8f742231b10e8888abcd99yyyzzz85a5", "1531420618",
            "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"u8.ToArray()));

    private async Task<string> SlackAsync(string form)
    {
        var (status, body) = await PostSlackAsync(form, Now, SharedKeys.Sign("slack-secret", Now, Encoding.UTF8.GetBytes(form)));
        Assert.Equal(HttpStatusCode.OK, status);
        using var answer = JsonDocument.Parse(body);
        Assert.Equal("ephemeral", answer.RootElement.GetProperty("response_type").GetString());
        return answer.RootElement.GetProperty("text").GetString()!;
    }

    private Task<(HttpStatusCode Status, string Body)> PostSlackAsync(string form, string timestamp, string signature) =>
        host.PostAsync("/api/slack/commands", form, "application/x-www-form-urlencoded", ("X-Slack-Request-Timestamp", timestamp), ("X-Slack-Signature", signature));

    private async Task<bool> HasRunAsync(string pipeline, string address) =>
        (await host.Client.QueryInstancesAsync(new(Name: pipeline, PageSize: 1000, FetchInputsAndOutputs: true), Cancellation)).Values
            .Any(run => JsonDocument.Parse(run.SerializedInput!).RootElement.GetProperty("object").GetString() == address);
}
