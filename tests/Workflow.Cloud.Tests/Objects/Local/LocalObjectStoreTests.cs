using System.Text;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.Local;

public sealed class LocalObjectStoreTests : ObjectStoreContract
{
    private static readonly ObjectAddress Bucket = new("local", "bucket", "");

    private readonly TempFolder _data = new();
    private LocalObjectStore _store = null!;

    protected override Task<(IObjectStore Store, ObjectAddress EmptyBucket)> CreateAsync()
    {
        _store = new(_data.File("objects"), TimeProvider.System);
        return Task.FromResult<(IObjectStore, ObjectAddress)>((_store, Bucket));
    }

    protected override void Release() => _data.Dispose();

    [Fact]
    public Task A_backslash_is_a_character_like_others() => IsTakenAsItStandsAsync("back\\slash");

    [Fact]
    public async Task An_object_is_the_file_of_its_key()
    {
        await WriteAsync(Bucket.WithKey("a/b.csv"), "content");

        Assert.Equal("content", await File.ReadAllTextAsync(_data.File("objects", "bucket", "a", "b.csv"), Cancellation));
    }

    [Fact]
    public async Task A_file_dropped_in_by_hand_is_an_object()
    {
        Directory.CreateDirectory(_data.File("objects", "bucket", "drop"));
        await File.WriteAllTextAsync(_data.File("objects", "bucket", "drop", "by hand.csv"), "dropped", Cancellation);

        Assert.Equal(["drop/by hand.csv"], await ListAsync("drop/"));
        Assert.Equal("dropped", await ReadTextAsync(Bucket.WithKey("drop/by hand.csv")));
    }

    [Fact]
    public async Task A_file_replaced_by_one_of_the_same_size_and_time_has_another_etag()
    {
        var path = _data.File("objects", "bucket", "x");
        var time = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, "one", Cancellation);
        File.SetLastWriteTimeUtc(path, time);
        var before = await _store.FindAsync(Bucket.WithKey("x"), Cancellation);

        await File.WriteAllTextAsync(path + ".new", "two", Cancellation);
        File.SetLastWriteTimeUtc(path + ".new", time);
        File.Move(path + ".new", path, overwrite: true);
        var after = await _store.FindAsync(Bucket.WithKey("x"), Cancellation);

        Assert.NotEqual(before!.ETag, after!.ETag);
    }

    [Fact]
    public async Task Keys_are_listed_in_the_order_of_their_bytes()
    {
        // UTF-16 would put the last two the other way round.
        string[] keys = ["A", "Z/a", "a", "a b", "a-", "a.txt", "a0", "ab", "b", "é", "\uFF21", "😀"];
        foreach (var key in keys.Reverse())
        {
            await WriteAsync(Bucket.WithKey(key), "");
        }

        Assert.Equal(keys, await ListAsync(""));
    }

    [Fact]
    public async Task Of_many_writers_that_want_to_be_first_one_is()
    {
        await OnlyOneIsFirstAsync(Bucket.WithKey("only/one"));
    }

    [Fact]
    public async Task Nothing_outside_the_folder_is_reached_through_a_symbolic_link()
    {
        var outside = _data.File("outside");
        Directory.CreateDirectory(outside);
        await File.WriteAllTextAsync(Path.Combine(outside, "secret"), "secret", Cancellation);
        Directory.CreateDirectory(_data.File("objects", "bucket"));
        Directory.CreateSymbolicLink(_data.File("objects", "bucket", "way-out"), outside);
        Directory.CreateSymbolicLink(_data.File("objects", "linked"), outside);
        File.CreateSymbolicLink(_data.File("objects", "bucket", "link"), Path.Combine(outside, "secret"));

        Assert.Empty(await ListAsync(""));
        Assert.Empty(await ListAsync("way-out/"));
        Assert.Empty(await _store.ListAsync(new("local", "linked", ""), Cancellation).ToArrayAsync(Cancellation));
        foreach (var address in new[] { Bucket.WithKey("way-out/secret"), Bucket.WithKey("link"), new("local", "linked", "secret") })
        {
            Assert.Null(await _store.FindAsync(address, Cancellation));
            await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.OpenReadAsync(address, Cancellation));
            var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(address, "changed"));
            Assert.Contains("symbolic link", refused.Message, StringComparison.Ordinal);
            await _store.DeleteAsync(address, Cancellation);
        }

        await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(Bucket.WithKey("way-out/new/file"), "x"));
        Assert.Equal([Path.Combine(outside, "secret")], Directory.GetFileSystemEntries(outside));
        Assert.Equal("secret", await File.ReadAllTextAsync(Path.Combine(outside, "secret"), Cancellation));
    }

    [Theory]
    [InlineData("", "key")]
    [InlineData("..", "key")]
    [InlineData(".unpublished", "key")]
    [InlineData("a/b", "key")]
    [InlineData("bucket", "a//b")]
    [InlineData("bucket", "a/../b")]
    [InlineData("bucket", "../b")]
    [InlineData("bucket", "./b")]
    [InlineData("bucket", "a/..")]
    [InlineData("bucket", "nul\0")]
    public async Task What_cannot_be_a_file_is_refused_by_name(string bucket, string key)
    {
        var address = new ObjectAddress("local", bucket, key);

        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(address, "x"));

        Assert.Contains(address.ToString(), refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.OpenReadAsync(address, Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.FindAsync(address, Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.DeleteAsync(address, Cancellation));
        Assert.Throws<ObjectStoreException>(() => _store.ListAsync(address.WithKey(key + "/"), Cancellation));
        Assert.Equal([_data.File("objects", ".unpublished")], Directory.GetFileSystemEntries(_data.File("objects"), "*", new EnumerationOptions { AttributesToSkip = 0 }));
    }

    [Fact]
    public async Task A_key_below_an_object_or_on_a_folder_says_what_is_in_the_way()
    {
        await WriteAsync(Bucket.WithKey("a/b"), "x");

        Assert.Contains("local://bucket/a/b is an object", (await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(Bucket.WithKey("a/b/c/d"), "x"))).Message, StringComparison.Ordinal);
        Assert.Contains("there is a folder", (await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(Bucket.WithKey("a"), "x"))).Message, StringComparison.Ordinal);
        Assert.Null(await _store.FindAsync(Bucket.WithKey("a"), Cancellation));
        Assert.Null(await _store.FindAsync(Bucket.WithKey("a/b/c/d"), Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(Bucket.WithKey(new string('x', 300)), "x"));
    }

    [Fact]
    public async Task What_a_killed_writer_left_is_removed_and_what_is_being_written_is_not()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2100-01-01T00:00:00Z"));
        var leftover = _data.File("objects", ".unpublished", "leftover");
        await File.WriteAllTextAsync(leftover, "half", Cancellation);
        var content = new WaitingStream(Encoding.UTF8.GetBytes("late"));
        var writing = _store.WriteAsync(Bucket.WithKey("late"), content, WriteCondition.Always, Cancellation);

        _ = new LocalObjectStore(_data.File("objects"), clock);
        Assert.False(File.Exists(leftover));
        content.GoOn();
        await writing;

        Assert.Equal("late", await ReadTextAsync(Bucket.WithKey("late")));
        Assert.Empty(Directory.GetFiles(_data.File("objects", ".unpublished")));
    }

    private sealed class WaitingStream(byte[] content) : MemoryStream(content)
    {
        private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void GoOn() => _goOn.SetResult();

        public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            await _goOn.Task;
            await base.CopyToAsync(destination, bufferSize, cancellationToken);
        }
    }
}
