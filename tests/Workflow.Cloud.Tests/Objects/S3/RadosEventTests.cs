using System.Collections.Concurrent;
using System.Text.Json;
using Amazon.S3;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.S3;

/// <summary>What a real gateway tells of objects that this store writes.</summary>
public sealed class RadosEventTests : IAsyncLifetime
{
    private readonly RadosFixture _rados;
    private readonly WebApplication _receiver;
    private readonly ConcurrentQueue<string> _received = new();
    private IAmazonS3 _client = null!;
    private S3ObjectStore _store = null!;
    private string _bucket = "";

    public RadosEventTests(RadosFixture rados)
    {
        _rados = rados;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _receiver = builder.Build();
        _receiver.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            _received.Enqueue(await body.ReadToEndAsync(Cancellation));
        });
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _receiver.StartAsync(Cancellation);
        _client = await _rados.CreateClientAsync(cancellation: Cancellation);
        _store = new(_client, TimeProvider.System);
        _bucket = await _rados.CreateBucketAsync(Cancellation);
        await _rados.NotifyAsync(_bucket, new(_receiver.Urls.Single()), Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _receiver.DisposeAsync();
    }

    [Theory]
    [InlineData("csv/orders 2025+é%.csv", 100, "ObjectCreated:Put")]
    [InlineData("csv/large.csv", 9 << 20, "ObjectCreated:CompleteMultipartUpload")]
    public async Task A_written_object_is_told_with_its_bucket_key_size_and_ETag(string key, int size, string what)
    {
        var written = await _store.WriteAsync(new("s3", _bucket, key), new MemoryStream(new byte[size]), WriteCondition.IfAbsent, Cancellation);

        var told = await FirstEventAsync(what);

        Assert.Equal("ceph:s3", told.GetProperty("eventSource").GetString());
        var s3 = told.GetProperty("s3");
        Assert.Equal(_bucket, s3.GetProperty("bucket").GetProperty("name").GetString());
        Assert.Equal(size, s3.GetProperty("object").GetProperty("size").GetInt64());
        // Not encoded, as AWS would.
        Assert.Equal(key, s3.GetProperty("object").GetProperty("key").GetString());
        Assert.Equal(written.ETag, s3.GetProperty("object").GetProperty("eTag").GetString());
    }

    private async Task<JsonElement> FirstEventAsync(string what)
    {
        var body = await Eventually.GetAsync(() => Task.FromResult(_received.FirstOrDefault(body => body.Contains(what, StringComparison.Ordinal))), body => body is not null, cancellation: Cancellation);
        using var document = JsonDocument.Parse(body!);
        return document.RootElement.GetProperty("Records")[0].Clone();
    }
}
