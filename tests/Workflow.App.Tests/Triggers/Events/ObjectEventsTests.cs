using System.Diagnostics.Metrics;
using System.Text;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.App.Triggers.Events;
using Workflow.Cloud.Objects;

namespace Workflow.App.Tests.Triggers.Events;

public sealed class ObjectEventsTests(EventsHost host) : IClassFixture<EventsHost>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_event_five_times_and_from_each_source_is_one_run()
    {
        var key = $"in/{Guid.NewGuid():N} a+b.csv";
        var s3 = Envelopes.S3("landing", key);
        var accepted = new List<EventsAccepted>();
        foreach (var envelope in (string[])[s3, s3, s3, s3, s3, Envelopes.InSns(s3), Envelopes.InLambdaSqs(Envelopes.InSns(s3)), Envelopes.EventBridge("landing", key)])
        {
            accepted.Add(await host.AcceptAsync(envelope));
        }

        Assert.Equal([new(1, 0), .. Enumerable.Repeat(new EventsAccepted(0, 1), 7)], accepted);
        Assert.Single(await host.RunsAsync("told"), run => run.Object == $"s3://landing/{key}");
    }

    [Fact]
    public async Task An_event_whose_id_a_run_of_another_pipeline_has_taken_is_not_taken_for_done()
    {
        var key = $"in/{Guid.NewGuid():N}.csv";
        var created = Assert.IsType<ToldEvent.Created>(Assert.Single(EventEnvelope.Open(System.Text.Json.JsonDocument.Parse(Envelopes.S3("landing", key)).RootElement)));
        await host.Client.ScheduleNewOrchestrationInstanceAsync("another", null, new(ObjectArrivals.InstanceFor("told", created)), Cancellation);

        await Assert.ThrowsAsync<RunConflictException>(() => host.AcceptAsync(Envelopes.S3("landing", key)));
    }

    [Fact]
    public async Task An_object_whose_id_a_run_of_another_pipeline_has_taken_runs_under_the_next_one()
    {
        var pipeline = host.Configured.Find("told");
        var arrived = new ObjectInfo(ObjectAddress.Parse($"s3://landing/in/{Guid.NewGuid():N}.csv"), 1, "tag", DateTimeOffset.UnixEpoch);
        await host.Client.ScheduleNewOrchestrationInstanceAsync("another", null, new(Runs.InstanceFor("told", arrived)), Cancellation);

        var started = await new Runs(host.Client, host.Configured, host.Stores).StartForAsync(pipeline, arrived, Cancellation);

        Assert.Equal(Runs.InstanceFor("told", arrived, time: 2), started);
        Assert.Equal("told", (await host.Client.GetInstanceAsync(started!, cancellation: Cancellation))!.Name);
    }

    [Fact]
    public async Task Told_at_the_same_time_the_same_event_is_one_run()
    {
        var key = $"in/{Guid.NewGuid():N}.csv";

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.AcceptAsync(Envelopes.S3("landing", key))));

        Assert.Single(await host.RunsAsync("told"), run => run.Object == $"s3://landing/{key}");
    }

    [Fact]
    public async Task An_event_that_fails_by_itself_keeps_none_of_the_others_back()
    {
        var key = $"in/{Guid.NewGuid():N}.csv";

        // A run of it needs an object, which a schedule does not name.
        await Assert.ThrowsAsync<SettingsException>(() => host.AcceptAsync($"[{Envelopes.Schedule("told", "2025-01-31T02:00:00Z")},{{}},{Envelopes.S3("landing", key)}]"));

        Assert.Single(await host.RunsAsync("told"), run => run.Object == $"s3://landing/{key}");
    }

    [Fact]
    public async Task An_object_that_is_written_again_is_another_run()
    {
        var key = $"in/{Guid.NewGuid():N}.csv";

        await host.AcceptAsync(Envelopes.S3("landing", key, sequencer: "0055AED6DCD90281E5"));
        await host.AcceptAsync(Envelopes.S3("landing", key, sequencer: "0055AED6DCD90281E6"));

        Assert.Equal(2, (await host.RunsAsync("told")).Count(run => run.Object == $"s3://landing/{key}"));
    }

    [Theory]
    [InlineData("0055AED6DCD90281E6", "0055AED6DCD90281E5")]
    [InlineData("0055AED6DCD90281E6", "0055AED6DCD9")]
    [InlineData("0055aed6dcd90281e6", "0055AED6DCD90281E5")]
    public async Task An_event_that_a_newer_one_has_overtaken_starts_nothing(string newer, string older)
    {
        var key = $"in/{Guid.NewGuid():N}.csv";

        await host.AcceptAsync(Envelopes.S3("landing", key, etag: "new", sequencer: newer));
        var late = await host.AcceptAsync(Envelopes.S3("landing", key, etag: "old", sequencer: older));

        Assert.Equal(new(0, 1), late);
        Assert.Single(await host.RunsAsync("told"), run => run.Object == $"s3://landing/{key}");
    }

    [Theory]
    [InlineData("landing", "in/a.txt")]
    [InlineData("landing", "out/a.csv")]
    [InlineData("elsewhere", "in/a.csv")]
    [InlineData("landing", "in/folder.csv/")]
    public async Task Bucket_prefix_and_suffix_must_be_the_triggers(string bucket, string key)
    {
        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.S3(bucket, key)));
        Assert.DoesNotContain(await host.RunsAsync("told"), run => run.Object == $"s3://{bucket}/{key}");
    }

    [Fact]
    public async Task What_is_ignored_is_counted_by_its_reason_for_meters_and_the_API()
    {
        var measured = new List<string?>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument is { Meter.Name: EventCounts.MeterName, Name: "workflow.events.ignored" })
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => { lock (measured) { measured.Add(tags[0].Value?.ToString()); } });
        listener.Start();
        var before = host.Counts.Read().Ignored.GetValueOrDefault(IgnoredBecause.Foreign);

        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.EventBridge("landing", "a", type: "State", source: "aws.ec2")));

        Assert.True(host.Counts.Read().Ignored[IgnoredBecause.Foreign] > before);
        lock (measured)
        {
            Assert.Contains(IgnoredBecause.Foreign, measured);
        }
    }

    [Fact]
    public async Task What_is_well_formed_beside_something_malformed_is_taken()
    {
        var key = $"in/{Guid.NewGuid():N}.csv";
        var both = Envelopes.InLambdaSqs(Envelopes.S3Encoded("landing", "in/%zz.csv"), Envelopes.S3("landing", key));

        var malformed = await Assert.ThrowsAsync<MalformedEventException>(() => host.AcceptAsync(both));

        Assert.Equal("a record of S3 has no key that is URL-encoded UTF-8", malformed.Message);
        Assert.Single(await host.RunsAsync("told"), run => run.Object == $"s3://landing/{key}");
    }

    [Fact]
    public async Task A_blob_is_a_run_whatever_the_schema_and_only_of_an_account_of_ours()
    {
        var blob = $"in/{Guid.NewGuid():N}.csv";

        Assert.Equal(new(1, 0), await host.AcceptAsync(Envelopes.EventGrid("landing", blob)));
        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.CloudEvent("landing", blob)));
        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.EventGrid("landing", blob, topic: "/subscriptions/0/resourceGroups/data/providers/Microsoft.Storage/storageAccounts/other", sequencer: "1")));
        Assert.Single(await host.RunsAsync("blobs"), run => run.Object == $"az://landing/{blob}");
    }

    [Fact]
    public async Task A_scheduled_event_is_one_run_of_the_pipeline_in_its_detail_or_of_its_rules_name()
    {
        Assert.Equal(new(1, 0), await host.AcceptAsync(Envelopes.Schedule("nightly", "2025-01-31T02:00:00Z")));
        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.Schedule("nightly", "2025-01-31T02:00:00Z")));
        Assert.Equal(new(1, 0), await host.AcceptAsync(Envelopes.Schedule("any-rule", "2025-01-31T02:00:00Z", new { pipeline = "nightly" })));
        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.Schedule("nobodys", "2025-01-31T02:00:00Z")));
        Assert.Equal(2, (await host.RunsAsync("nightly")).Count);
    }

    [Fact]
    public async Task Where_the_pipeline_watches_too_the_event_and_the_watch_mean_the_same_run()
    {
        var address = ObjectAddress.Parse($"s3://seen/{Guid.NewGuid():N} a+b.csv");
        await PutAsync(address, "one");
        var listed = await host.Stores.For(address).ListAsync(address, Cancellation).SingleAsync(Cancellation);

        Assert.Equal(new(1, 0), await host.AcceptAsync(Envelopes.S3("seen", address.Key, listed.ETag)));

        var started = Assert.Single(await host.RunsAsync("seen"), run => run.Object == address.ToString());
        Assert.Equal(Runs.InstanceFor("seen", listed), started.Instance);
        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.EventBridge("seen", address.Key, listed.ETag)));
    }

    [Fact]
    public async Task Where_the_pipeline_watches_too_an_event_of_what_is_no_more_starts_nothing()
    {
        var address = ObjectAddress.Parse($"s3://seen/{Guid.NewGuid():N}.csv");
        var superseded = host.Counts.Read().Ignored.GetValueOrDefault(IgnoredBecause.Superseded);

        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.S3("seen", address.Key)));
        await PutAsync(address, "two");
        Assert.Equal(new(0, 1), await host.AcceptAsync(Envelopes.S3("seen", address.Key, etag: "the one before")));

        Assert.DoesNotContain(await host.RunsAsync("seen"), run => run.Object == address.ToString());
        Assert.True(host.Counts.Read().Ignored[IgnoredBecause.Superseded] > superseded);
    }

    private async Task PutAsync(ObjectAddress address, string content) =>
        await host.Stores.For(address).WriteAsync(address, new MemoryStream(Encoding.UTF8.GetBytes(content)), WriteCondition.Always, Cancellation);
}
