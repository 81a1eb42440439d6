using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Workflow.App.Triggers.Events;
using Workflow.Cloud.Objects;

namespace Workflow.App.Tests.Triggers.Events;

public sealed class EventEnvelopeTests
{
    [Theory]
    [InlineData("in/a+b.csv", "in/a b.csv")]
    [InlineData("in/a%2Bb.csv", "in/a+b.csv")]
    [InlineData("in/a%252Bb.csv", "in/a%2Bb.csv")]
    [InlineData("in/caf%C3%A9.csv", "in/café.csv")]
    [InlineData("in/100%25.csv", "in/100%.csv")]
    [InlineData("in/plain-(1)_~!.csv", "in/plain-(1)_~!.csv")]
    public void A_key_in_a_notification_of_S3_is_decoded_once_and_plus_is_a_space(string written, string key) =>
        Assert.Equal(new ObjectAddress("s3", "landing", key), Assert.IsType<ToldEvent.Created>(Assert.Single(Open(Envelopes.S3Encoded("landing", written)))).Address);

    [Theory]
    [InlineData("in/a%2Bb+c.csv")]
    [InlineData("in/100%.csv")]
    public void A_key_in_an_event_of_EventBridge_stands_as_it_is(string key) =>
        Assert.Equal(new ObjectAddress("s3", "landing", key), Assert.IsType<ToldEvent.Created>(Assert.Single(Open(Envelopes.EventBridge("landing", key)))).Address);

    [Fact]
    public void Ceph_writes_the_key_as_it_is() => Assert.Equal(
        new ObjectAddress("s3", "landing", "in/orders 2025+é%.csv"),
        Assert.IsType<ToldEvent.Created>(Assert.Single(Open(Envelopes.S3Encoded("landing", "in/orders 2025+é%.csv", source: "ceph:s3")))).Address);

    [Theory]
    [InlineData("in/100%.csv")]
    [InlineData("in/%C3%28.csv")]
    [InlineData("in/%zz.csv")]
    [InlineData("in/%00.csv")]
    public void A_key_that_is_not_encoded_as_S3_does_is_malformed(string written) =>
        Assert.IsType<ToldEvent.Malformed>(Assert.Single(Open(Envelopes.S3Encoded("landing", written))));

    [Fact]
    public void Any_key_comes_out_as_it_went_in() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonEmptyString>().Filter(key => IsText(key.Get)),
        key => EventEnvelope.DecodeKey(Uri.EscapeDataString(key.Get).Replace("%20", "+", StringComparison.Ordinal)) == key.Get).QuickCheckThrowOnFailure();

    [Fact]
    public void Each_envelope_tells_of_the_same_object()
    {
        var s3 = Envelopes.S3("landing", "in/red flower.csv");
        foreach (var envelope in (string[])
            [s3, Envelopes.InSns(s3), Envelopes.InLambdaSqs(s3), Envelopes.InLambdaSqs(Envelopes.InSns(s3)), Envelopes.InLambdaSns(s3), Envelopes.EventBridge("landing", "in/red flower.csv"), Envelopes.InLambdaSqs(Envelopes.EventBridge("landing", "in/red flower.csv"))])
        {
            Assert.Equal(
                new ToldEvent.Created(new("s3", "landing", "in/red flower.csv"), null, "d41d8cd98f00b204e9800998ecf8427e", null, "0055AED6DCD90281E5"),
                Assert.Single(Open(envelope)));
        }
    }

    [Fact]
    public void Both_schemas_of_Event_Grid_tell_of_the_same_blob_by_its_subject()
    {
        var told = Open(Envelopes.EventGrid("landing", "in/a+b%20c.csv")).Concat(Open(Envelopes.CloudEvent("landing", "in/a+b%20c.csv"))).ToArray();

        Assert.Equal(new ObjectAddress("az", "landing", "in/a+b%20c.csv"), Assert.IsType<ToldEvent.Created>(told[0]).Address);
        Assert.Equal("0x8D4BCC2E4835CD0", Assert.IsType<ToldEvent.Created>(told[0]).ETag);
        Assert.Equal(told[0], told[1]);
    }

    [Fact]
    public void A_version_is_told_and_the_word_null_is_none()
    {
        Assert.Equal("v7", Assert.IsType<ToldEvent.Created>(Assert.Single(Open(Envelopes.S3("landing", "a", version: "v7")))).Version);
        Assert.Null(Assert.IsType<ToldEvent.Created>(Assert.Single(Open(Envelopes.S3("landing", "a", version: "null")))).Version);
    }

    [Fact]
    public void Ceph_and_MinIO_write_the_name_of_the_event_in_full() =>
        Assert.IsType<ToldEvent.Created>(Assert.Single(Open(Envelopes.S3("landing", "a", name: "s3:ObjectCreated:CompleteMultipartUpload"))));

    public static TheoryData<string, string> WhatIsIgnored => new()
    {
        { Envelopes.TestEvent, IgnoredBecause.Test },
        { Envelopes.InSns(Envelopes.TestEvent), IgnoredBecause.Test },
        { Envelopes.S3("landing", "a", name: "ObjectRemoved:Delete"), IgnoredBecause.NotCreation },
        { Envelopes.S3("landing", "a", name: "ObjectRestore:Completed"), IgnoredBecause.NotCreation },
        { Envelopes.EventBridge("landing", "a", type: "Object Deleted"), IgnoredBecause.NotCreation },
        { Envelopes.EventBridge("landing", "a", type: "EC2 Instance State-change Notification", source: "aws.ec2"), IgnoredBecause.Foreign },
        { Envelopes.EventGrid("landing", "a", type: "Microsoft.Storage.BlobDeleted"), IgnoredBecause.NotCreation },
        { Envelopes.EventGrid("landing", "a", api: "CreateFile"), IgnoredBecause.NotCreation },
        { Envelopes.CloudEvent("landing", "a", type: "Microsoft.Storage.BlobTierChanged"), IgnoredBecause.NotCreation },
        { Envelopes.CloudEvent("landing", "a", type: "com.example.thing"), IgnoredBecause.Foreign },
        { """{"Records":[{"eventSource":"aws:dynamodb","eventName":"INSERT","dynamodb":{}}]}""", IgnoredBecause.Foreign },
    };

    [Theory]
    [MemberData(nameof(WhatIsIgnored))]
    public void What_is_no_creation_of_an_object_is_ignored_with_its_reason(string envelope, string reason) =>
        Assert.Equal(new ToldEvent.Ignored(reason), Assert.Single(Open(envelope)));

    [Theory]
    [InlineData("1")]
    [InlineData("\"text\"")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"hello":1}""")]
    [InlineData("""{"Records":[{}]}""")]
    [InlineData("""{"Records":[1]}""")]
    [InlineData("""{"Records":[{"eventSource":"aws:s3","s3":{}}]}""")]
    [InlineData("""{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"object":{"key":"a"}}}]}""")]
    [InlineData("""{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"a/b"},"object":{"key":"a"}}}]}""")]
    [InlineData("""{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":7}}}]}""")]
    [InlineData("""{"Records":[{"eventSource":"aws:sqs","body":"not json"}]}""")]
    [InlineData("""{"Type":"Notification","TopicArn":"t","Message":"hello"}""")]
    [InlineData("""{"detail-type":"Object Created","source":"aws.s3","detail":{}}""")]
    [InlineData("""{"detail-type":"Object Created","source":"aws.s3"}""")]
    [InlineData("""{"detail-type":"Scheduled Event","source":"aws.events","detail":{}}""")]
    [InlineData("""[{"eventType":"Microsoft.Storage.BlobCreated","data":{},"subject":"/elsewhere"}]""")]
    public void What_nobody_will_ever_understand_is_malformed(string envelope) =>
        Assert.IsType<ToldEvent.Malformed>(Assert.Single(Open(envelope)));

    [Fact]
    public void Envelopes_in_envelopes_without_end_are_malformed()
    {
        var envelope = Envelopes.TestEvent;
        for (var depth = 0; depth < 10; depth++)
        {
            envelope = Envelopes.InSns(envelope);
        }

        Assert.IsType<ToldEvent.Malformed>(Assert.Single(Open(envelope)));
    }

    private static ToldEvent[] Open(string json) => [.. EventEnvelope.Open(JsonDocument.Parse(json).RootElement)];

    /// <summary>Half a surrogate pair is nothing that a key can hold.</summary>
    private static bool IsText(string key) => key.EnumerateRunes().All(rune => rune != System.Text.Rune.ReplacementChar);
}
