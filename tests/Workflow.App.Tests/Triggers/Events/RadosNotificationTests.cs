using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;
using Workflow.Testing;

namespace Workflow.App.Tests.Triggers.Events;

/// <summary>What a real S3 gateway tells of uploads, as it tells it.</summary>
public sealed class RadosNotificationTests(EventsHost host, RadosFixture rados) : IClassFixture<EventsHost>
{
    private const string Key = "in/orders + returns of 100%.csv";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_is_a_run_its_event_again_is_none_and_each_upload_over_it_is_another()
    {
        const int uploads = 6;
        var told = new ConcurrentQueue<string>();
        await using var receiver = await ReceiveAsync(told);
        using var client = await rados.CreateClientAsync(cancellation: Cancellation);
        await client.PutBucketAsync("landing", Cancellation);
        await rados.NotifyAsync("landing", new(receiver.Urls.Single()), Cancellation);
        var store = new S3ObjectStore(client, TimeProvider.System);

        for (var upload = 1; upload <= uploads; upload++)
        {
            await store.WriteAsync(new("s3", "landing", Key), new MemoryStream(new byte[upload]), WriteCondition.Always, Cancellation);
            await Eventually.TrueAsync(() => told.Count == upload, cancellation: Cancellation);
            var body = told.Last();
            Assert.Equal(new(1, 0), await host.AcceptAsync(body));
            Assert.Equal(new(0, 1), await host.AcceptAsync(body));
        }

        Assert.Equal(Enumerable.Repeat($"s3://landing/{Key}", uploads), (await host.RunsAsync("told")).Select(run => run.Object));
    }

    private static async Task<WebApplication> ReceiveAsync(ConcurrentQueue<string> told)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var receiver = builder.Build();
        receiver.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            told.Enqueue(await body.ReadToEndAsync(Cancellation));
        });
        await receiver.StartAsync(Cancellation);
        return receiver;
    }
}
