using System.Collections.Concurrent;
using Amazon.S3;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.S3;

/// <summary>Answers no server gives on demand: refusals, broken connections, an object that changes under the reader.</summary>
public sealed class S3FaultTests : IAsyncLifetime
{
    private static readonly ObjectAddress Address = new("s3", "bucket", "some/key");

    private readonly WebApplication _service;
    private readonly ConcurrentQueue<string> _requests = [];
    private RequestDelegate _answer = _ => Task.CompletedTask;
    private IAmazonS3 _client = null!;
    private S3ObjectStore _store = null!;

    public S3FaultTests()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _service = builder.Build();
        _service.Run(async context =>
        {
            _requests.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {context.Request.Headers.IfNoneMatch}{context.Request.Headers.Range}".TrimEnd());
            await context.Request.Body.CopyToAsync(Stream.Null);
            await _answer(context);
        });
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _service.StartAsync(Cancellation);
        _client = S3Fixture.Connect(_service.Urls.Single());
        _store = new(_client, TimeProvider.System);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _service.DisposeAsync();
    }

    [Fact]
    public async Task A_conditional_write_says_so_and_a_failed_condition_is_an_object_that_exists()
    {
        _answer = context => RefuseAsync(context, 412, "PreconditionFailed");

        await Assert.ThrowsAsync<ObjectExistsException>(() => WriteAsync(10, WriteCondition.IfAbsent));
        Assert.Equal(["PUT /bucket/some/key *", "HEAD /bucket/some/key"], _requests);
    }

    [Fact]
    public async Task A_conditional_write_in_parts_decides_at_its_end_and_leaves_no_parts()
    {
        _answer = context => context.Request switch
        {
            { Method: "HEAD" } => RefuseAsync(context, 404, "NotFound"),
            { Method: "POST", QueryString.Value: "?uploads" } => BeginUploadAsync(context),
            { Method: "POST" } => RefuseAsync(context, 412, "PreconditionFailed"),
            _ => AcceptAsync(context),
        };

        await Assert.ThrowsAsync<ObjectExistsException>(() => WriteAsync(20 << 20, WriteCondition.IfAbsent));
        Assert.Equal(["POST /bucket/some/key?uploads", "HEAD /bucket/some/key", "POST /bucket/some/key?uploadId=u1 *", "HEAD /bucket/some/key", "DELETE /bucket/some/key?uploadId=u1"], _requests.Where(request => !request.StartsWith("PUT", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_unconditional_write_is_not_conditional()
    {
        _answer = AcceptAsync;

        await WriteAsync(10, WriteCondition.Always);
        Assert.Equal(["PUT /bucket/some/key"], _requests);
    }

    [Fact]
    public async Task A_write_that_breaks_off_removes_the_parts_already_sent()
    {
        _answer = context => context.Request.Method == "POST" ? BeginUploadAsync(context) : AcceptAsync(context);
        var broken = new UnseekableStream(new byte[40 << 20]) { BreaksAfter = 30 << 20 };

        await Assert.ThrowsAsync<IOException>(() => _store.WriteAsync(Address, broken, WriteCondition.Always, Cancellation));
        Assert.Equal("DELETE /bucket/some/key?uploadId=u1", _requests.Last());
    }

    [Fact]
    public async Task Parts_that_cannot_be_removed_are_named()
    {
        _answer = context => context.Request.Method switch
        {
            "POST" => BeginUploadAsync(context),
            "PUT" => AcceptAsync(context),
            _ => RefuseAsync(context, 403, "AccessDenied"),
        };
        var broken = new UnseekableStream(new byte[40 << 20]) { BreaksAfter = 30 << 20 };

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => _store.WriteAsync(Address, broken, WriteCondition.Always, Cancellation));
        Assert.Contains("The source broke off.", failed.Message, StringComparison.Ordinal);
        Assert.Contains("abort upload u1", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_that_breaks_is_taken_up_where_it_broke()
    {
        var content = new byte[3_000_000];
        Random.Shared.NextBytes(content);
        _answer = context => SendAsync(context, content, breakAfter: 1_000_000);

        using var memory = new MemoryStream();
        await using var read = await _store.OpenReadAsync(Address, Cancellation);
        await read.CopyToAsync(memory, Cancellation);

        Assert.Equal(content, memory.ToArray());
        Assert.True(_requests.Count > 1, "The server broke no connection.");
    }

    [Fact]
    public async Task A_read_that_gets_nowhere_is_an_error_and_never_a_short_object()
    {
        _answer = context => SendAsync(context, new byte[3_000_000], breakAfter: context.Request.Headers.Range.Count == 0 ? 1_000_000 : 0);

        await using var read = await _store.OpenReadAsync(Address, Cancellation);
        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => read.CopyToAsync(Stream.Null, Cancellation));
        Assert.Contains("of 3000000 bytes", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(10)]
    public async Task An_object_replaced_while_it_is_copied_is_an_error(long copyLimit)
    {
        _answer = context => context.Request switch
        {
            { Method: "HEAD" } => SendAsync(context, new byte[100], breakAfter: 100),
            { Method: "POST" } => BeginUploadAsync(context),
            { Method: "PUT" } when context.Request.Headers["x-amz-copy-source-if-match"] == "e1" => RefuseAsync(context, 412, "PreconditionFailed"),
            _ => context.Response.WriteAsync("<CopyObjectResult><ETag>e2</ETag></CopyObjectResult>", Cancellation),
        };
        var store = new S3ObjectStore(_client, TimeProvider.System) { CopyLimit = copyLimit, CopyPartSize = 50 };

        var failed = await Assert.ThrowsAnyAsync<ObjectStoreException>(() => store.CopyAsync(Address, Address.WithKey("copy"), Cancellation));
        Assert.Contains("some/key was replaced while it was read", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_replaced_while_it_is_read_is_an_error()
    {
        _answer = context => context.Request.Headers.IfMatch.Count == 0
            ? SendAsync(context, new byte[3_000_000], breakAfter: 1_000_000)
            : RefuseAsync(context, 412, "PreconditionFailed");

        await using var read = await _store.OpenReadAsync(Address, Cancellation);
        var failed = await Assert.ThrowsAnyAsync<ObjectStoreException>(() => read.CopyToAsync(Stream.Null, Cancellation));
        Assert.Contains("replaced while it was read", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hangs", "There was no answer in time.")]
    [InlineData("breaks off", "Check AWS_REGION")]
    [InlineData("is no S3", "Check AWS_")]
    public async Task A_server_in_trouble_is_told_with_the_address_and_what_to_check(string trouble, string says)
    {
        using var impatient = S3Fixture.Connect(_service.Urls.Single(), TimeSpan.FromMilliseconds(trouble == "hangs" ? 100 : 10_000));
        var store = new S3ObjectStore(impatient, TimeProvider.System);
        _answer = context =>
        {
            if (trouble == "breaks off")
            {
                context.Abort();
            }

            return trouble == "hangs" ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted) : context.Response.WriteAsync("{}", Cancellation);
        };

        foreach (var call in new Func<Task>[] { () => store.ListAsync(Address, Cancellation).ToListAsync(Cancellation).AsTask(), () => store.CopyAsync(Address, Address, Cancellation) })
        {
            var told = await Assert.ThrowsAsync<ObjectStoreException>(call);
            Assert.StartsWith("s3://bucket/some/key ", told.Message, StringComparison.Ordinal);
            Assert.Contains(says, told.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_refusal_names_the_address_and_what_to_check()
    {
        _answer = context => RefuseAsync(context, 403, "AccessDenied");

        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => _store.OpenReadAsync(Address, Cancellation));
        Assert.Contains("s3://bucket/some/key cannot be read: AccessDenied", refused.Message, StringComparison.Ordinal);
        Assert.Contains("credentials", refused.Message, StringComparison.Ordinal);
    }

    private Task<ObjectInfo> WriteAsync(int size, WriteCondition condition) =>
        _store.WriteAsync(Address, new UnseekableStream(new byte[size]), condition, Cancellation);

    private static Task AcceptAsync(HttpContext context)
    {
        context.Response.Headers.ETag = "\"e1\"";
        return Task.CompletedTask;
    }

    private static Task BeginUploadAsync(HttpContext context) => context.Response.WriteAsync(
        "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>some/key</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>", Cancellation);

    private static Task RefuseAsync(HttpContext context, int status, string code)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync($"<Error><Code>{code}</Code><Message>Because.</Message></Error>", Cancellation);
    }

    private static async Task SendAsync(HttpContext context, byte[] content, int breakAfter)
    {
        var from = (int)(context.Request.GetTypedHeaders().Range?.Ranges.Single().From ?? 0);
        context.Response.Headers.ETag = "\"e1\"";
        context.Response.StatusCode = from > 0 ? 206 : 200;
        context.Response.ContentLength = content.Length - from;
        await context.Response.Body.WriteAsync(content.AsMemory(from, Math.Min(breakAfter, content.Length - from)), Cancellation);
        await context.Response.Body.FlushAsync(Cancellation);
        if (from + breakAfter < content.Length)
        {
            context.Abort();
        }
    }
}
