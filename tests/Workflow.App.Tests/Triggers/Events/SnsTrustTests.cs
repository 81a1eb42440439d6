using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.App.Triggers.Events.Inbound;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Events;

public sealed class SnsTrustTests : IDisposable
{
    private const string China = "arn:aws-cn:sns:cn-north-1:000000000000:landing";
    private static readonly DateTimeOffset Now = new(2025, 1, 31, 10, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _time = new(Now);
    private readonly SnsSigner _sns = new();
    private readonly SnsTrust _trust;

    public SnsTrustTests()
    {
        var settings = EventsHost.Read($$"""{ "Events": { "Sns": { "Topics": ["{{SnsSigner.Topic}}", "{{SnsSigner.Topic}}2", "{{China}}"] } } }""");
        _trust = new(settings, new(new HttpClient(_sns), _time), _time);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> TypesAndVersions => new(
        from type in (string[])[SnsMessage.Notification, SnsMessage.SubscriptionConfirmation, SnsMessage.UnsubscribeConfirmation]
        from version in (string[])["1", "2"]
        select (type, version));

    [Theory]
    [MemberData(nameof(TypesAndVersions))]
    public async Task A_message_that_SNS_signed_is_trusted_and_no_changed_field_is(string type, string version)
    {
        var signed = SnsSigner.Sign(Message(type), version);
        await CheckAsync(signed);

        foreach (var changed in Changes(signed))
        {
            Assert.Equal("the signature is not that of the message", (await Assert.ThrowsAsync<UntrustedException>(() => CheckAsync(changed))).Message);
        }
    }

    [Fact]
    public async Task A_subject_that_is_added_or_taken_away_breaks_the_signature()
    {
        await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)) with { Subject = "" }, "the signature");
        await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now, subject: "s")) with { Subject = null }, "the signature");
    }

    [Fact]
    public void The_signed_text_is_the_fields_by_name_each_with_its_value_on_a_line() => Assert.Equal(
        $"Message\n{{}}\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nhello\nTimestamp\n2025-01-31T10:00:00.000Z\nTopicArn\n{SnsSigner.Topic}\nType\nNotification\n",
        Encoding.UTF8.GetString(SnsSigner.Notification(Now, subject: "hello").SignedText()));

    [Fact]
    public async Task Another_signature_version_is_none() => await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)) with { SignatureVersion = "3" }, "there is no signature version '3'");

    [Theory]
    [InlineData("")]
    [InlineData("no base64 at all")]
    [InlineData("AAAA")]
    [InlineData(null)]
    public async Task A_signature_that_is_none_is_refused(string? signature) => await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)) with { Signature = signature }, "the signature");

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com.example.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com@example.com/SimpleNotificationService-1.pem")]
    [InlineData("https://example.com/sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://example.com\\.sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com\\@example.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com:443/SimpleNotificationService-1.pem")]
    [InlineData("https://user@sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com./SimpleNotificationService-1.pem")]
    [InlineData("https://SNS.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com.cn/SimpleNotificationService-1.pem")]
    [InlineData("https://s3.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns-eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://bucket.sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/folder/SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/folder/../SimpleNotificationService-1.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem?to=example.com")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem#x")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem\n")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-.pem")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/other.pem")]
    [InlineData("//sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem")]
    public async Task A_certificate_from_elsewhere_is_not_even_fetched(string? url)
    {
        await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)) with { SigningCertURL = url }, "the certificate is at");
        Assert.Empty(_sns.Asked);
    }

    [Fact]
    public async Task In_China_the_certificate_is_at_the_host_of_China()
    {
        var message = SnsSigner.Sign(SnsSigner.Notification(Now, topic: China));

        await RefusedAsync(message with { SigningCertURL = "https://sns.cn-north-1.amazonaws.com/SimpleNotificationService-1.pem" }, "the certificate is at");
        await CheckAsync(message with { SigningCertURL = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem" });
    }

    [Theory]
    [InlineData("arn:aws:sns:eu-central-1:000000000000:other")]
    [InlineData("arn:aws:sns:eu-central-1:000000000000:LANDING")]
    [InlineData("")]
    [InlineData(null)]
    public async Task A_topic_that_is_not_ours_is_refused_and_nothing_is_fetched_for_it(string? topic)
    {
        await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)) with { TopicArn = topic }, "topic '");
        Assert.Empty(_sns.Asked);
    }

    [Theory]
    [InlineData(-61)]
    [InlineData(-60 * 24 * 365)]
    [InlineData(6)]
    public async Task A_message_of_another_time_is_refused(int minutes) => await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now.AddMinutes(minutes))), "it is of ");

    [Theory]
    [InlineData("yesterday")]
    [InlineData("2025-01-31T10:00:00+02:00")]
    [InlineData(null)]
    public async Task A_message_of_no_time_is_refused(string? timestamp)
    {
        var message = SnsSigner.Notification(Now) with { Timestamp = timestamp };
        await RefusedAsync(timestamp is null ? message : SnsSigner.Sign(message), "is no time");
    }

    [Fact]
    public async Task A_certificate_is_fetched_once_a_day()
    {
        var message = SnsSigner.Sign(SnsSigner.Notification(Now));
        await Task.WhenAll(CheckAsync(message), CheckAsync(message), CheckAsync(message));
        Assert.Equal([SnsSigner.CertificateUrl], _sns.Asked);

        _time.Advance(TimeSpan.FromHours(25));
        await CheckAsync(SnsSigner.Sign(SnsSigner.Notification(Now.AddHours(25))));
        Assert.Equal(2, _sns.Asked.Count);
    }

    [Fact]
    public async Task A_certificate_that_SNS_could_not_sign_with_is_refused()
    {
        using var weak = RSA.Create(1024);
        foreach (var (pem, reason) in (IEnumerable<(string, string)>)
            [
                (SnsSigner.Certificate("example.com"), "is of 'example.com'"), (SnsSigner.Certificate("sns.amazonaws.com.example.com"), "is of '"), (SnsSigner.Certificate("xsns.amazonaws.com"), "is of '"),
                (SnsSigner.Certificate(days: -50 * 365), "is not of this time"), (SnsSigner.Certificate(key: weak), "no RSA key"), ("<html/>", "is no certificate"), (new('x', 100_000), "could not be fetched"),
            ])
        {
            _sns.Answer = _ => new(HttpStatusCode.OK) { Content = new StringContent(pem) };
            await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)), reason);
        }
    }

    [Fact]
    public async Task A_certificate_that_is_somewhere_else_by_now_is_not_followed()
    {
        _sns.Answer = _ => new(HttpStatusCode.Redirect) { Headers = { Location = new("https://example.com/SimpleNotificationService-1.pem") } };
        await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)), "answered 302");
        Assert.Single(_sns.Asked);
    }

    [Fact]
    public async Task A_certificate_of_another_key_does_not_vouch_for_the_message()
    {
        using var other = RSA.Create(2048);
        _sns.Answer = _ => new(HttpStatusCode.OK) { Content = new StringContent(SnsSigner.Certificate(key: other)) };
        await RefusedAsync(SnsSigner.Sign(SnsSigner.Notification(Now)), "the signature");
    }

    [Theory]
    [InlineData("https://example.com/?Action=ConfirmSubscription&TopicArn=" + SnsSigner.Topic)]
    [InlineData("http://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + SnsSigner.Topic)]
    [InlineData("https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + SnsSigner.Topic)]
    [InlineData("https://sns.eu-central-1.amazonaws.com:8443/?Action=ConfirmSubscription&TopicArn=" + SnsSigner.Topic)]
    [InlineData("https://user@sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + SnsSigner.Topic)]
    [InlineData("https://sns.eu-central-1.amazonaws.com/?Action=DeleteTopic&TopicArn=" + SnsSigner.Topic)]
    [InlineData("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:000000000000:other")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription")]
    [InlineData("https://sns.eu-central-1.amazonaws.com/")]
    [InlineData("")]
    public async Task A_subscription_is_confirmed_nowhere_else(string url)
    {
        var subscriptions = new SnsSubscriptions(new(_sns), NullLogger<SnsSubscriptions>.Instance);

        await Assert.ThrowsAsync<UntrustedException>(() => subscriptions.ConfirmAsync(SnsSigner.Sign(SnsSigner.Confirmation(Now, url: url)), Cancellation));

        Assert.Empty(_sns.Asked);
    }

    public void Dispose() => _sns.Dispose();

    private static SnsMessage Message(string type) => type == SnsMessage.Notification ? SnsSigner.Notification(Now, subject: "s") : SnsSigner.Confirmation(Now, type);

    /// <summary>Each signed field, changed to what would do by itself.</summary>
    private static IEnumerable<SnsMessage> Changes(SnsMessage signed)
    {
        yield return signed with { Message = signed.Message + " " };
        yield return signed with { MessageId = "00000000-0000-0000-0000-000000000000" };
        yield return signed with { Timestamp = SnsSigner.Timestamp(Now.AddSeconds(1)) };
        yield return signed with { TopicArn = SnsSigner.Topic + "2" };
        yield return signed with { SignatureVersion = signed.SignatureVersion == "1" ? "2" : "1" };
        yield return signed with { Signature = Convert.ToBase64String([.. Convert.FromBase64String(signed.Signature!).Select((octet, index) => index == 0 ? (byte)(octet ^ 1) : octet)]) };
        if (signed.Type == SnsMessage.Notification)
        {
            yield return signed with { Subject = "other" };
            yield return signed with { Type = SnsMessage.SubscriptionConfirmation, Token = "t", SubscribeURL = SnsSigner.SubscribeUrl };
        }
        else
        {
            yield return signed with { Token = "other" };
            yield return signed with { SubscribeURL = signed.SubscribeURL + "&more=1" };
            yield return signed with { Type = signed.Type == SnsMessage.SubscriptionConfirmation ? SnsMessage.UnsubscribeConfirmation : SnsMessage.SubscriptionConfirmation };
            yield return signed with { Type = SnsMessage.Notification };
        }
    }

    private Task CheckAsync(SnsMessage message) => _trust.CheckAsync(message, Cancellation);

    private async Task RefusedAsync(SnsMessage message, string reason) =>
        Assert.Contains(reason, (await Assert.ThrowsAsync<UntrustedException>(() => CheckAsync(message))).Message, StringComparison.Ordinal);
}
