using System.Diagnostics;
using System.Security.Cryptography;
using Azure.Core;
using Azure.Core.Pipeline;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Blob;
using Workflow.Cloud.Outbound;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.Blob;

/// <summary>What happens on the way to a real server of the protocol, and what the store makes of it.</summary>
public sealed class BlobFaultTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const int Small = 1_000;
    private const int BlockSize = 64 << 10;
    private const int InBlocks = 5 * BlockSize + 100;
    private const int ChunkSize = 32 << 10;
    private const int InChunks = 6 * ChunkSize + 17;

    private FaultProxy _proxy = null!;
    private BlobAccount _account = null!;
    private BlobObjectStore _store = null!;
    private ObjectAddress _address = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _proxy = await FaultProxy.StartAsync(await azurite.GetEndpointAsync(Cancellation), Cancellation);
        _account = new(new(_proxy.Address, AzuriteFixture.Account), azurite.Sign(), new BlobClientOptions { Retry = { Delay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(5) } });
        _store = new(_account, TimeProvider.System) { BlockSize = BlockSize, ChunkSize = ChunkSize };
        _address = new("az", await azurite.CreateContainerAsync(Cancellation), "some/key");
    }

    public async ValueTask DisposeAsync() => await _proxy.DisposeAsync();

    [Theory]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(429)]
    public async Task What_may_pass_is_tried_again_whatever_is_asked(int status)
    {
        var content = RandomNumberGenerator.GetBytes(Small);

        await AfterTwoAsync(status, () => WriteAsync(content));
        await AfterTwoAsync(status, () => _store.FindAsync(_address, Cancellation));
        Assert.Equal(content, await AfterTwoAsync(status, ReadAsync));
        await AfterTwoAsync(status, () => _store.CopyAsync(_address, _address.WithKey("copy"), Cancellation));
        Assert.Equal(2, await AfterTwoAsync(status, () => _store.ListAsync(_address.WithKey(""), Cancellation).CountAsync(Cancellation).AsTask()));
        await AfterTwoAsync(status, () => DeleteAsync(_address));
    }

    [Fact]
    public async Task The_service_says_when_to_come_again()
    {
        _proxy.Inject(Refusal(503, "ServerBusy") with { Headers = new Dictionary<string, string> { ["Retry-After"] = "1" } });
        var waited = Stopwatch.StartNew();

        await WriteAsync(new byte[Small]);

        Assert.True(waited.Elapsed >= TimeSpan.FromMilliseconds(990), $"It came again after {waited.Elapsed}.");
    }

    [Fact]
    public async Task What_does_not_pass_is_an_error_with_the_address_and_how_often_it_was_tried()
    {
        _proxy.Inject(Refusal(503, "ServerBusy"), times: 100);

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(new byte[Small]));
        Assert.Contains($"{_address} cannot be written", failed.Message, StringComparison.Ordinal);
        Assert.Contains("ServerBusy", failed.Message, StringComparison.Ordinal);
        Assert.Equal(6, _proxy.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_stops_answering_is_left_and_asked_again()
    {
        var never = new TaskCompletionSource();
        var hasty = new BlobObjectStore(new(new(_proxy.Address, AzuriteFixture.Account), azurite.Sign(), new BlobClientOptions { Retry = { NetworkTimeout = TimeSpan.FromMilliseconds(500), Delay = TimeSpan.FromMilliseconds(1) } }), TimeProvider.System);
        await WriteAsync(new byte[Small]);
        _proxy.Inject(new Fault.Hold(never.Task));
        Assert.NotNull(await hasty.FindAsync(_address, Cancellation));

        _proxy.Inject(new Fault.StallAnswer(100, never.Task));
        await using var read = await hasty.OpenReadAsync(_address, Cancellation);
        Assert.Equal(Small, read.Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_000)]
    [InlineData(32_000)]
    public async Task A_read_that_is_cut_goes_on_where_it_was_cut(int after)
    {
        var content = RandomNumberGenerator.GetBytes(InChunks);
        await WriteAsync(content);
        _proxy.Inject(new Fault.CutAnswer(after), times: 3, when: IsRead);

        Assert.Equal(content, await ReadAsync());
        Assert.Equal(7 + 3, _proxy.Requests.Count(IsRead));
    }

    [Fact]
    public async Task A_byte_that_flips_on_its_way_here_is_noticed_and_the_piece_read_again()
    {
        var content = RandomNumberGenerator.GetBytes(InChunks);
        await WriteAsync(content);
        _proxy.Inject(new Fault.FlipAnswer(12_345), times: 3, when: IsRead);

        Assert.Equal(content, await ReadAsync());
    }

    [Fact]
    public async Task A_read_that_never_comes_whole_is_an_error_and_never_a_short_or_wrong_object()
    {
        await WriteAsync(new byte[Small]);
        _proxy.Inject(new Fault.FlipAnswer(10), times: 100, when: IsRead);

        var damaged = await Assert.ThrowsAsync<ObjectStoreException>(ReadAsync);
        Assert.Contains("checksum", damaged.Message, StringComparison.Ordinal);
        Assert.Contains(_address.ToString(), damaged.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(InBlocks)]
    public async Task An_object_that_does_not_have_its_writers_checksum_is_not_read_to_its_end(int size)
    {
        await WriteAsync(new byte[size]);
        using var message = _account.Ask(RequestMethod.Put, _address, "?comp=properties");
        message.Request.Headers.SetValue("x-ms-blob-content-md5", Md5.Of("something else"u8));
        await _account.SendAsync(message, Cancellation);

        var damaged = await Assert.ThrowsAsync<ObjectStoreException>(ReadAsync);
        Assert.Contains("damaged", damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_replaced_while_it_is_read_is_an_error()
    {
        await WriteAsync(new byte[InChunks]);
        await using var read = await _store.OpenReadAsync(_address, Cancellation);
        await WriteAsync(new byte[InChunks]);

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => read.CopyToAsync(Stream.Null, Cancellation));
        Assert.Contains("replaced while it was read", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(InBlocks)]
    public async Task A_write_that_is_cut_is_sent_again(int size)
    {
        var content = RandomNumberGenerator.GetBytes(size);
        _proxy.Inject(new Fault.CutRequest(500), times: 2, when: IsPut);

        await WriteAsync(content);

        Assert.Equal(content, await ReadAsync());
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(InBlocks)]
    public async Task A_byte_that_flips_on_its_way_there_is_refused_and_nothing_of_it_is_seen(int size)
    {
        _proxy.Inject(new Fault.FlipRequest(500), times: 100, when: IsPut);

        await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(new byte[size]));

        Assert.Null(await _store.FindAsync(_address, Cancellation));
        Assert.Empty(await _store.ListAsync(_address.WithKey(""), Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task A_body_that_the_service_found_damaged_is_sent_again()
    {
        _proxy.Inject(Refusal(400, "Md5Mismatch"), times: 2);

        Assert.Equal(Small, (await WriteAsync(new byte[Small])).Size);
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(InBlocks)]
    public async Task A_conditional_write_whose_answer_is_lost_knows_its_own_object(int size)
    {
        _proxy.Inject(new Fault.LoseAnswer(), when: request => IsPut(request) && !request.Contains("comp=block&", StringComparison.Ordinal));

        var written = await _store.WriteAsync(_address, new MemoryStream(new byte[size]), WriteCondition.IfAbsent, Cancellation);

        Assert.Equal(written, await _store.FindAsync(_address, Cancellation));
        await Assert.ThrowsAsync<ObjectExistsException>(() => _store.WriteAsync(_address, new MemoryStream(new byte[size]), WriteCondition.IfAbsent, Cancellation));
    }

    [Fact]
    public async Task A_commit_whose_answer_is_lost_is_committed()
    {
        var content = RandomNumberGenerator.GetBytes(InBlocks);
        _proxy.Inject(new Fault.LoseAnswer(), when: request => request.Contains("comp=blocklist", StringComparison.Ordinal));

        await WriteAsync(content);

        Assert.Equal(content, await ReadAsync());
    }

    [Theory]
    [InlineData(Small)]
    [InlineData(InBlocks)]
    public async Task Of_many_who_write_only_if_nothing_is_there_one_does(int size)
    {
        var writers = await Task.WhenAll(Enumerable.Range(1, 4).Select(async n =>
        {
            var content = Enumerable.Repeat((byte)n, size).ToArray();
            try
            {
                await _store.WriteAsync(_address, new MemoryStream(content), WriteCondition.IfAbsent, Cancellation);
                return content;
            }
            catch (ObjectStoreException)
            {
                return null;
            }
        }));

        Assert.Equal(Assert.Single(writers, content => content is not null)!, await ReadAsync());
    }

    [Fact]
    public async Task A_copy_that_takes_its_time_is_asked_for_until_it_is_done()
    {
        await WriteAsync("copied"u8.ToArray());
        var to = _address.WithKey("to");
        _proxy.Inject(Copying(202, "pending"), when: IsPut);
        _proxy.Inject(Copying(200, "pending"), times: 2, when: IsLookAtCopy);
        _proxy.Inject(Copying(200, "success") with { Headers = new Dictionary<string, string>(Copying(200, "success").Headers) { ["ETag"] = "\"done\"" } }, when: IsLookAtCopy);

        Assert.Equal("done", (await _store.CopyAsync(_address, to, Cancellation)).ETag);
    }

    [Fact]
    public async Task A_copy_that_fails_on_the_service_is_an_error_and_what_it_began_is_removed()
    {
        await WriteAsync("copied"u8.ToArray());
        _proxy.Inject(Copying(202, "pending"), when: IsPut);
        _proxy.Inject(Copying(200, "failed"), times: 2, when: IsLookAtCopy);
        _proxy.Inject(new Fault.Answer(202), when: request => request.StartsWith("DELETE", StringComparison.Ordinal));

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => _store.CopyAsync(_address, _address.WithKey("to"), Cancellation));
        Assert.Contains("is failed (500 InternalServerError)", failed.Message, StringComparison.Ordinal);
        Assert.Contains(_proxy.Requests, request => request.StartsWith("DELETE", StringComparison.Ordinal) && request.EndsWith("/to", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_copy_began_and_nobody_can_remove_is_named()
    {
        await WriteAsync("copied"u8.ToArray());
        _proxy.Inject(Copying(202, "pending"), when: IsPut);
        _proxy.Inject(Copying(200, "failed"), times: 2, when: IsLookAtCopy);
        _proxy.Inject(Refusal(403, "AuthorizationPermissionMismatch"), when: request => request.StartsWith("DELETE", StringComparison.Ordinal));

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => _store.CopyAsync(_address, _address.WithKey("to"), Cancellation));
        Assert.Contains("is failed (500 InternalServerError)", failed.Message, StringComparison.Ordinal);
        Assert.Contains("could not be removed (Because AuthorizationPermissionMismatch.", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_that_is_given_up_is_aborted_and_what_it_began_is_removed()
    {
        await WriteAsync("copied"u8.ToArray());
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        _proxy.Inject(Copying(202, "pending"), when: request => IsPut(request) && !IsAbort(request));
        _proxy.Inject(Copying(200, "pending"), times: 1000, when: request => IsLookAtCopy(request) && !_proxy.Requests.Any(IsAbort));
        _proxy.Inject(Copying(200, "aborted"), when: request => IsLookAtCopy(request) && _proxy.Requests.Any(IsAbort));
        _proxy.Inject(new Fault.Answer(204), when: IsAbort);
        _proxy.Inject(new Fault.Answer(202), when: request => request.StartsWith("DELETE", StringComparison.Ordinal));

        var copying = _store.CopyAsync(_address, _address.WithKey("to"), impatient.Token);
        await Eventually.TrueAsync(() => _proxy.Requests.Count(IsLookAtCopy) >= 2, cancellation: Cancellation);
        await impatient.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copying);
        Assert.Contains(_proxy.Requests, IsAbort);
        Assert.Contains(_proxy.Requests, request => request.StartsWith("DELETE", StringComparison.Ordinal) && request.EndsWith("/to", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_refusal_names_the_address_and_what_to_check()
    {
        var store = new BlobObjectStore(new(await azurite.GetEndpointAsync(Cancellation), azurite.Sign(MadeUpKey()), new BlobClientOptions()), TimeProvider.System);

        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => store.OpenReadAsync(_address, Cancellation));
        Assert.Contains($"{_address} cannot be read", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Storage Blob Data Contributor", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_was_rotated_is_read_again()
    {
        var store = new BlobObjectStore(new(await azurite.GetEndpointAsync(Cancellation), azurite.Sign(MadeUpKey(), azurite.AccountKey), new BlobClientOptions()), TimeProvider.System);

        Assert.Null(await store.FindAsync(_address, Cancellation));
    }

    [Fact]
    public async Task A_service_that_cannot_be_reached_is_an_error_with_the_address_and_what_to_check()
    {
        var nowhere = new BlobObjectStore(new(new($"http://127.0.0.1:{FreePort.Next()}/account"), azurite.Sign(), new BlobClientOptions { Retry = { Delay = TimeSpan.FromMilliseconds(1) } }), TimeProvider.System);

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => nowhere.FindAsync(_address, Cancellation));
        Assert.Contains(_address.ToString(), failed.Message, StringComparison.Ordinal);
        Assert.Contains("Azure:Storage", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_account_at_an_address_that_is_closed_is_not_called_at_all()
    {
        using var guarded = new HttpClientTransport(new OutboundGuard([], () => []).CreateHandler());
        var closed = new BlobObjectStore(new(new(_proxy.Address, AzuriteFixture.Account), azurite.Sign(), new BlobClientOptions { Transport = guarded }), TimeProvider.System);

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => closed.FindAsync(_address, Cancellation));
        Assert.Contains("add \"127.0.0.1\" to Outbound:Allow", failed.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Tried", failed.Message, StringComparison.Ordinal);
        Assert.Empty(_proxy.Requests);
    }

    private static Fault.Answer Refusal(int status, string code) =>
        new(status, $"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>Because {code}.\nRequestId:1</Message></Error>") { Headers = new Dictionary<string, string> { ["x-ms-error-code"] = code } };

    private static Fault.Answer Copying(int status, string copy) => new(status)
    {
        Headers = new Dictionary<string, string>
        {
            ["x-ms-copy-id"] = "copy-1", ["x-ms-copy-status"] = copy, ["x-ms-copy-status-description"] = "500 InternalServerError", ["ETag"] = "\"begun\"", ["Last-Modified"] = "Mon, 01 Jan 2024 00:00:00 GMT",
        },
    };

    private static string MadeUpKey() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));

    private static bool IsRead(string request) => request.StartsWith("GET", StringComparison.Ordinal) && request.Contains("some/key", StringComparison.Ordinal);

    private static bool IsLookAtCopy(string request) => request.StartsWith("HEAD", StringComparison.Ordinal) && request.EndsWith("/to", StringComparison.Ordinal);

    private static bool IsAbort(string request) => request.EndsWith("/to?comp=copy&copyid=copy-1", StringComparison.Ordinal);

    private static bool IsPut(string request) => request.StartsWith("PUT", StringComparison.Ordinal);

    private async Task<T> AfterTwoAsync<T>(int status, Func<Task<T>> ask)
    {
        _proxy.Inject(Refusal(status, "Refused"), times: 2);
        return await ask();
    }

    private async Task<bool> DeleteAsync(ObjectAddress address)
    {
        await _store.DeleteAsync(address, Cancellation);
        return true;
    }

    private Task<ObjectInfo> WriteAsync(byte[] content) => _store.WriteAsync(_address, new UnseekableStream(content), WriteCondition.Always, Cancellation);

    private async Task<byte[]> ReadAsync()
    {
        using var memory = new MemoryStream();
        await using var read = await _store.OpenReadAsync(_address, Cancellation);
        await read.CopyToAsync(memory, Cancellation);
        return memory.ToArray();
    }
}
