using System.Security.Cryptography;
using System.Text;
using Workflow.Cloud.Objects;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects;

/// <summary>What every object store does, whatever it keeps the objects in.</summary>
public abstract class ObjectStoreContract : IAsyncLifetime
{
    private IObjectStore _store = null!;
    private ObjectAddress _bucket = null!;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    protected abstract Task<(IObjectStore Store, ObjectAddress EmptyBucket)> CreateAsync();

    protected abstract void Release();

    /// <summary>How many keys a listing brings at a time.</summary>
    protected virtual int Page => 1_000;

    public async ValueTask InitializeAsync() => (_store, _bucket) = await CreateAsync();

    public ValueTask DisposeAsync()
    {
        Release();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(8 << 20)] // exactly one part of an upload in parts
    [InlineData((20 << 20) + 17)]
    public async Task What_is_written_is_read_back_whole(int size)
    {
        var content = RandomNumberGenerator.GetBytes(size);
        var address = _bucket.WithKey("some/deep/object.bin");

        var written = await _store.WriteAsync(address, new UnseekableStream(content), WriteCondition.Always, Cancellation);
        var found = await _store.FindAsync(address, Cancellation);

        Assert.Equal(address, written.Address);
        Assert.Equal(size, written.Size);
        Assert.Equal((written.Address, written.Size, written.ETag), (found!.Address, found.Size, found.ETag));
        Assert.True(found.LastModified > DateTimeOffset.UnixEpoch);
        Assert.Equal(SHA256.HashData(content), SHA256.HashData(await ReadAsync(address)));
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("brought"), new string('x', 1_000), Cancellation);
        await new ObjectStores([_store]).DownloadAsync(address, folder.File("brought"), Cancellation);
        Assert.Equal(SHA256.HashData(content), SHA256.HashData(await File.ReadAllBytesAsync(folder.File("brought"), Cancellation)));
    }

    [Fact]
    public async Task A_download_that_fails_leaves_no_file()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("brought"), "older", Cancellation);

        await Assert.ThrowsAsync<ObjectNotFoundException>(() => new ObjectStores([_store]).DownloadAsync(_bucket.WithKey("nothing"), folder.File("brought"), Cancellation));

        Assert.False(File.Exists(folder.File("brought")));
    }

    [Theory]
    [InlineData("plain.csv")]
    [InlineData("with space and + and % and %20 and &=?#;.csv")]
    [InlineData("ünï/cödé-日本-😀.csv")]
    [InlineData("quotes'\"`$(x)|pipe*star[1]{2}<3>~.csv")]
    [InlineData(".hidden/.file")]
    [InlineData("a..b/...c/d..")]
    [InlineData("trailing dot./x")]
    [InlineData("new\nline\tand tab")]
    public Task Keys_are_taken_as_they_stand(string key) => IsTakenAsItStandsAsync(key);

    protected async Task IsTakenAsItStandsAsync(string key)
    {
        var address = _bucket.WithKey(key);
        await WriteAsync(address, key);

        Assert.Equal(key, await ReadTextAsync(address));
        Assert.Equal([key], await ListAsync(""));
        var copy = address.WithKey("copy of/" + key);
        await _store.CopyAsync(address, copy, Cancellation);
        Assert.Equal(key, await ReadTextAsync(copy));
        await _store.DeleteAsync(address, Cancellation);
        Assert.Null(await _store.FindAsync(address, Cancellation));
        Assert.NotNull(await _store.FindAsync(copy, Cancellation));
    }

    [Fact]
    public async Task Listing_finds_every_key_that_begins_with_the_prefix_in_order()
    {
        string[] keys = ["a-b", "a/1", "a/10", "a/2", "a/b/c", "a/b/d", "ab", "b/a"];
        foreach (var key in keys.Reverse())
        {
            await WriteAsync(_bucket.WithKey(key), key);
        }

        Assert.Equal(keys, await ListAsync(""));
        Assert.Equal(["a/1", "a/10", "a/2", "a/b/c", "a/b/d"], await ListAsync("a/"));
        Assert.Equal(["a/1", "a/10"], await ListAsync("a/1"));
        Assert.Equal(["a/b/c", "a/b/d"], await ListAsync("a/b"));
        Assert.Equal(["a-b", "a/1", "a/10", "a/2", "a/b/c", "a/b/d", "ab"], await ListAsync("a"));
        Assert.Empty(await ListAsync("c"));
        Assert.Empty(await ListAsync("a/b/c/"));
    }

    [Fact]
    public async Task Listing_goes_on_past_a_page()
    {
        var keys = Enumerable.Range(0, Page + (Page / 10) + 1).Select(n => $"many/{n:0000}").ToArray();
        await Parallel.ForEachAsync(keys, Cancellation, async (key, _) => await WriteAsync(_bucket.WithKey(key), ""));

        Assert.Equal(keys, await ListAsync("many/"));
    }

    [Fact]
    public async Task What_a_listing_says_is_what_a_look_at_the_object_says()
    {
        await WriteAsync(_bucket.WithKey("x/1"), "one");

        var listed = Assert.Single(await _store.ListAsync(_bucket.WithKey("x/"), Cancellation).ToListAsync(Cancellation));
        var found = (await _store.FindAsync(listed.Address, Cancellation))!;

        Assert.Equal((found.Address, found.Size, found.ETag), (listed.Address, listed.Size, listed.ETag));
        Assert.True((found.LastModified - listed.LastModified).Duration() < TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task The_etag_changes_with_the_content_even_where_the_size_does_not()
    {
        var address = _bucket.WithKey("changing");
        var etags = new HashSet<string>();
        for (var n = 0; n < 10; n++)
        {
            etags.Add((await WriteAsync(address, $"version {n}")).ETag);
        }

        Assert.Equal(10, etags.Count);
    }

    [Fact]
    public async Task Nothing_there_is_null_to_a_look_and_an_error_to_a_read()
    {
        var nowhere = _bucket.WithKey("no/such/object");

        Assert.Null(await _store.FindAsync(nowhere, Cancellation));
        Assert.Contains(nowhere.ToString(), (await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.OpenReadAsync(nowhere, Cancellation))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.CopyAsync(nowhere, _bucket.WithKey("copy"), Cancellation));
        await _store.DeleteAsync(nowhere, Cancellation);
    }

    [Fact]
    public async Task A_copy_replaces_what_is_there()
    {
        await WriteAsync(_bucket.WithKey("from"), "new");
        await WriteAsync(_bucket.WithKey("to"), "old and longer");

        var copied = await _store.CopyAsync(_bucket.WithKey("from"), _bucket.WithKey("to"), Cancellation);

        Assert.Equal((_bucket.WithKey("to"), 3L), (copied.Address, copied.Size));
        Assert.Equal("new", await ReadTextAsync(_bucket.WithKey("to")));
        Assert.Equal("new", await ReadTextAsync(_bucket.WithKey("from")));
    }

    [Fact]
    public async Task A_write_that_fails_half_way_leaves_the_old_object()
    {
        var address = _bucket.WithKey("kept");
        await WriteAsync(address, "old");
        var broken = new UnseekableStream(new byte[20 << 20]) { BreaksAfter = 15 << 20 };

        await Assert.ThrowsAnyAsync<Exception>(() => _store.WriteAsync(address, broken, WriteCondition.Always, Cancellation));

        Assert.Equal("old", await ReadTextAsync(address));
        Assert.Equal(["kept"], await ListAsync(""));
    }

    [Fact]
    public async Task A_reader_sees_the_old_object_or_the_new_one_whole()
    {
        var address = _bucket.WithKey("contended");
        await WriteAsync(address, new string('0', 100_000));

        var writing = Task.Run(async () =>
        {
            for (var n = 1; n < 10; n++)
            {
                await WriteAsync(address, new string((char)('0' + n), 100_000));
            }
        });
        while (!writing.IsCompleted)
        {
            var seen = await ReadTextAsync(address);
            Assert.Equal(100_000, seen.Length);
            Assert.Single(seen.Distinct());
        }

        await writing;
    }

    [Theory]
    [InlineData("")]
    [InlineData("prefix/")]
    [InlineData("/leading")]
    public async Task What_is_no_key_is_refused_by_name(string key)
    {
        var address = _bucket.WithKey(key);

        Assert.Contains(address.ToString(), (await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(address, "x"))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.OpenReadAsync(address, Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.FindAsync(address, Cancellation));
        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.DeleteAsync(address, Cancellation));
    }

    [Fact]
    public async Task Cancelling_stops_a_write()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _store.WriteAsync(_bucket.WithKey("never"), new UnseekableStream(new byte[100]), WriteCondition.Always, cancelled.Token));
        Assert.Null(await _store.FindAsync(_bucket.WithKey("never"), Cancellation));
    }

    protected Task<ObjectInfo> WriteAsync(ObjectAddress address, string text, WriteCondition condition = WriteCondition.Always) =>
        _store.WriteAsync(address, new MemoryStream(Encoding.UTF8.GetBytes(text)), condition, Cancellation);

    /// <summary>Of many who write an object that must not be there yet, one does, and what it wrote stays.</summary>
    protected async Task OnlyOneIsFirstAsync(ObjectAddress address)
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(n => Task.Run(async () =>
        {
            try
            {
                await WriteAsync(address, $"{n}", WriteCondition.IfAbsent);
                return (int?)n;
            }
            catch (ObjectExistsException)
            {
                return null;
            }
        })));

        var winner = Assert.Single(outcomes, outcome => outcome is not null);
        Assert.Equal($"{winner}", await ReadTextAsync(address));
    }

    protected async Task<string> ReadTextAsync(ObjectAddress address) => Encoding.UTF8.GetString(await ReadAsync(address));

    private async Task<byte[]> ReadAsync(ObjectAddress address)
    {
        await using var content = await _store.OpenReadAsync(address, Cancellation);
        using var memory = new MemoryStream();
        await content.CopyToAsync(memory, Cancellation);
        return memory.ToArray();
    }

    protected async Task<string[]> ListAsync(string prefix) =>
        await _store.ListAsync(_bucket.WithKey(prefix), Cancellation).Select(found => found.Address.Key).ToArrayAsync(Cancellation);
}
