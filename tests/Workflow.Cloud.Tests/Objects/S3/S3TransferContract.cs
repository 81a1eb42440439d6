using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.S3;

/// <summary>What S3 transfers bear, in front of any server: refusals, cuts, silence, lost answers and bytes that change on the way.</summary>
public abstract class S3TransferContract : IAsyncLifetime
{
    private const int Small = 1_000_000;
    private const int Large = (16 << 20) + 17;

    private readonly TempFolder _folder = new();
    private FaultProxy _proxy = null!;
    private IAmazonS3 _direct = null!;
    private IAmazonS3 _throughProxy = null!;
    private S3ObjectStore _store = null!;
    private ObjectAddress _object = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected abstract Task<(Uri Server, string Bucket)> PrepareAsync();

    protected abstract Task<IAmazonS3> ConnectAsync(Uri endpoint);

    public async ValueTask InitializeAsync()
    {
        var (server, bucket) = await PrepareAsync();
        _proxy = await FaultProxy.StartAsync(server, Cancellation);
        _direct = await ConnectAsync(server);
        _throughProxy = await ConnectAsync(_proxy.Address);
        _store = new(_throughProxy, TimeProvider.System) { StallLimit = TimeSpan.FromSeconds(1) };
        _object = new("s3", bucket, "some/object");
    }

    public async ValueTask DisposeAsync()
    {
        _throughProxy.Dispose();
        _direct.Dispose();
        await _proxy.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("SlowDown")]
    [InlineData("InternalError")]
    [InlineData("TooManyRequests")]
    [InlineData("CutRequest")]
    [InlineData("FlipRequest")]
    [InlineData("LoseAnswer")]
    public async Task A_small_object_arrives_whole_whatever_befalls_the_first_attempt(string fault)
    {
        var content = RandomNumberGenerator.GetBytes(Small);
        _proxy.Inject(Named(fault), when: request => request.StartsWith("PUT", StringComparison.Ordinal));

        // On the condition that there is none: an attempt that was done, and whose answer was lost, is in the way of the next.
        var written = await WriteAsync(content, WriteCondition.IfAbsent);

        Assert.True(_proxy.Requests.Count(request => request.StartsWith("PUT", StringComparison.Ordinal)) > 1, "The fault befell nobody.");
        Assert.Equal(content, await ReadDirectlyAsync());
        Assert.Equal((await _store.FindAsync(_object, Cancellation))!.ETag, written.ETag);
    }

    [Fact]
    public async Task Parts_arrive_whole_whatever_befalls_each_of_them()
    {
        var content = RandomNumberGenerator.GetBytes(Large);
        (int Part, string Fault)[] faults = [(1, "SlowDown"), (1, "CutRequest"), (2, "FlipRequest"), (2, "LoseAnswer"), (3, "InternalError")];
        foreach (var (part, fault) in faults)
        {
            _proxy.Inject(Named(fault), when: request => request.Contains($"partNumber={part}&", StringComparison.Ordinal));
        }

        _proxy.Inject(Fault.InternalError, when: request => request.EndsWith("?uploads", StringComparison.Ordinal));
        _proxy.Inject(new Fault.LoseAnswer(), when: request => request.StartsWith("POST", StringComparison.Ordinal) && request.Contains("?uploadId=", StringComparison.Ordinal));

        await WriteAsync(content, WriteCondition.IfAbsent);

        Assert.All(
            faults.CountBy(fault => fault.Part), befell => Assert.True(_proxy.Requests.Count(request => request.Contains($"partNumber={befell.Key}&", StringComparison.Ordinal)) > befell.Value, $"Not every fault befell part {befell.Key}."));
        Assert.Equal(content, await ReadDirectlyAsync());
        await HasNoPartsLeftAsync();
    }

    [Fact]
    public async Task Parts_go_up_side_by_side_and_no_more_than_a_few_are_held()
    {
        const int inFlight = 6;
        var hold = new TaskCompletionSource();
        _proxy.Inject(new Fault.Hold(hold.Task), times: 99, when: request => request.Contains("partNumber=", StringComparison.Ordinal));
        var content = new UnseekableStream(new byte[64 << 20]);

        var writing = _store.WriteAsync(_object, content, WriteCondition.Always, Cancellation);
        await Eventually.TrueAsync(() => _proxy.Requests.Count(request => request.Contains("partNumber=", StringComparison.Ordinal)) == inFlight, cancellation: Cancellation);

        Assert.InRange(content.Taken, 1, (inFlight + 1) * S3PartSizes.Smallest);
        hold.SetResult();
        Assert.Equal(64 << 20, (await writing).Size);
    }

    [Fact]
    public async Task An_upload_that_gets_nowhere_leaves_no_parts()
    {
        _proxy.Inject(new Fault.Answer(400, "<Error><Code>EntityTooSmall</Code><Message>No.</Message></Error>"), when: request => request.Contains("partNumber=3&", StringComparison.Ordinal));

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(new byte[Large], WriteCondition.Always));

        Assert.Contains($"{_object} cannot be written: EntityTooSmall", failed.Message, StringComparison.Ordinal);
        await HasNoPartsLeftAsync();
        Assert.Null(await _store.FindAsync(_object, Cancellation));
    }

    [Fact]
    public async Task An_upload_that_is_cancelled_leaves_no_parts()
    {
        using var cancel = new CancellationTokenSource();
        var hold = new TaskCompletionSource();
        _proxy.Inject(new Fault.Hold(hold.Task), times: 9, when: request => request.Contains("partNumber=2&", StringComparison.Ordinal));

        var writing = _store.WriteAsync(_object, new MemoryStream(new byte[Large]), WriteCondition.Always, cancel.Token);
        await Eventually.TrueAsync(() => _proxy.Requests.Any(request => request.Contains("partNumber=2&", StringComparison.Ordinal)), cancellation: Cancellation);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        await HasNoPartsLeftAsync();
        hold.SetResult();
    }

    [Theory]
    [InlineData("SlowDown")]
    [InlineData("TooManyRequests")]
    [InlineData("CutAnswer")]
    [InlineData("FlipAnswer")]
    [InlineData("StallAnswer")]
    [InlineData("LoseAnswer")]
    public async Task A_download_is_whole_whatever_befalls_it(string fault)
    {
        var content = await PutDirectlyAsync(Large);
        _proxy.Inject(Named(fault), times: 2, when: request => request.StartsWith("GET", StringComparison.Ordinal));

        Assert.Equal(content, await DownloadAsync());
        Assert.True(_proxy.Requests.Count(request => request.StartsWith("GET", StringComparison.Ordinal)) > 3, "The fault befell nobody.");
    }

    [Theory]
    [InlineData("SlowDown")]
    [InlineData("CutAnswer")]
    [InlineData("StallAnswer")]
    public async Task A_read_goes_on_where_it_broke(string fault)
    {
        var content = await PutDirectlyAsync(Large);
        _proxy.Inject(Named(fault), when: request => request.StartsWith("GET", StringComparison.Ordinal));

        Assert.Equal(content, await ReadAsync());
        Assert.Equal(2, _proxy.Requests.Count(request => request.StartsWith("GET", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(Large)]
    public async Task A_byte_that_changed_on_the_way_is_refused_by_a_read(int size)
    {
        await PutDirectlyAsync(size);
        _proxy.Inject(Named("FlipAnswer"), when: request => request.StartsWith("GET", StringComparison.Ordinal));

        var refused = await Assert.ThrowsAnyAsync<ObjectStoreException>(ReadAsync);

        Assert.Contains($"{_object} did not arrive as the store has it", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_change_on_the_way_time_and_again_are_an_error_and_no_file()
    {
        await PutDirectlyAsync(Large);
        _proxy.Inject(Named("FlipAnswer"), times: 100, when: request => request.StartsWith("GET", StringComparison.Ordinal));

        var refused = await Assert.ThrowsAnyAsync<ObjectStoreException>(DownloadAsync);

        Assert.Contains("did not arrive as the store has it", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task A_store_that_stays_busy_says_so()
    {
        await PutDirectlyAsync(Small);
        _proxy.Inject(Fault.SlowDown, times: 100, when: request => request.StartsWith("GET", StringComparison.Ordinal));

        var refused = await Assert.ThrowsAsync<ObjectStoreException>(ReadAsync);

        Assert.Contains($"{_object} cannot be read: SlowDown", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_that_is_removed_while_it_is_read_is_told()
    {
        await PutDirectlyAsync(Large);
        var removed = new TaskCompletionSource();
        _proxy.Inject(new Fault.StallAnswer(300_000, removed.Task), when: request => request.StartsWith("GET", StringComparison.Ordinal));

        await using var content = await _store.OpenReadAsync(_object, Cancellation);
        await _direct.DeleteObjectAsync(_object.Bucket, _object.Key, Cancellation);

        await Assert.ThrowsAsync<ObjectNotFoundException>(() => content.CopyToAsync(Stream.Null, Cancellation));
        removed.SetResult();
    }

    [Fact]
    public async Task A_download_is_of_one_object_even_where_it_is_replaced_meanwhile()
    {
        var patient = new S3ObjectStore(_throughProxy, TimeProvider.System);
        await PutDirectlyAsync(Large);
        var replaced = new TaskCompletionSource();
        _proxy.Inject(new Fault.Hold(replaced.Task), times: 3, when: request => request.StartsWith("GET", StringComparison.Ordinal));

        var downloading = new ObjectStores([patient]).DownloadAsync(_object, _folder.File("brought"), Cancellation);
        // All three ranges are asked for before the first has come.
        await Eventually.TrueAsync(() => _proxy.Requests.Count(request => request.StartsWith("GET", StringComparison.Ordinal)) == 3, cancellation: Cancellation);
        var content = await PutDirectlyAsync(Small);
        replaced.SetResult();
        await downloading;

        Assert.Equal(content, await File.ReadAllBytesAsync(_folder.File("brought"), Cancellation));
    }

    private static Fault Named(string name) => name switch
    {
        "SlowDown" => Fault.SlowDown,
        "InternalError" => Fault.InternalError,
        "TooManyRequests" => Fault.TooManyRequests,
        "CutRequest" => new Fault.CutRequest(300_000),
        "FlipRequest" => new Fault.FlipRequest(300_000),
        "CutAnswer" => new Fault.CutAnswer(300_000),
        "FlipAnswer" => new Fault.FlipAnswer(300_000),
        "StallAnswer" => new Fault.StallAnswer(300_000, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, Cancellation)),
        _ => new Fault.LoseAnswer(),
    };

    private Task<ObjectInfo> WriteAsync(byte[] content, WriteCondition condition) => _store.WriteAsync(_object, new UnseekableStream(content), condition, Cancellation);

    private async Task<byte[]> ReadAsync()
    {
        await using var content = await _store.OpenReadAsync(_object, Cancellation);
        using var memory = new MemoryStream();
        await content.CopyToAsync(memory, Cancellation);
        return memory.ToArray();
    }

    private async Task<byte[]> DownloadAsync()
    {
        await new ObjectStores([_store]).DownloadAsync(_object, _folder.File("brought"), Cancellation);
        return await File.ReadAllBytesAsync(_folder.File("brought"), Cancellation);
    }

    private async Task<byte[]> PutDirectlyAsync(int size)
    {
        var content = RandomNumberGenerator.GetBytes(size);
        await new S3ObjectStore(_direct, TimeProvider.System).WriteAsync(_object, new MemoryStream(content), WriteCondition.Always, Cancellation);
        return content;
    }

    private async Task<byte[]> ReadDirectlyAsync()
    {
        using var found = await _direct.GetObjectAsync(new GetObjectRequest { BucketName = _object.Bucket, Key = _object.Key }, Cancellation);
        using var memory = new MemoryStream();
        await found.ResponseStream.CopyToAsync(memory, Cancellation);
        return memory.ToArray();
    }

    private async Task HasNoPartsLeftAsync() =>
        Assert.Empty((await _direct.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = _object.Bucket }, Cancellation)).MultipartUploads ?? []);
}

public sealed class S3TransferTests(S3Fixture s3) : S3TransferContract
{
    protected override async Task<(Uri Server, string Bucket)> PrepareAsync() => (new(await s3.GetEndpointAsync(Cancellation)), await s3.CreateBucketAsync(Cancellation));

    protected override Task<IAmazonS3> ConnectAsync(Uri endpoint) => Task.FromResult(S3Fixture.Connect(endpoint.ToString()));
}

public sealed class RadosTransferTests(RadosFixture rados) : S3TransferContract
{
    protected override async Task<(Uri Server, string Bucket)> PrepareAsync() => (await rados.GetEndpointAsync(Cancellation), await rados.CreateBucketAsync(Cancellation));

    protected override Task<IAmazonS3> ConnectAsync(Uri endpoint) => rados.CreateClientAsync(endpoint, Cancellation);
}
