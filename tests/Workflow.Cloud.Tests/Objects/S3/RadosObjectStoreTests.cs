using Amazon.S3;
using Amazon.S3.Model;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.S3;

/// <summary>On a server that checks signatures and holds conditions, and knows no checksum but the ETag.</summary>
public sealed class RadosObjectStoreTests(RadosFixture rados) : ObjectStoreContract
{
    private IAmazonS3 _client = null!;
    private ObjectAddress _bucket = null!;
    private S3ObjectStore _store = null!;

    protected override int Page => RadosFixture.ListingPage;

    protected override async Task<(IObjectStore Store, ObjectAddress EmptyBucket)> CreateAsync()
    {
        _client = await rados.CreateClientAsync(cancellation: Cancellation);
        _bucket = new("s3", await rados.CreateBucketAsync(Cancellation), "");
        _store = new(_client, TimeProvider.System);
        return (_store, _bucket);
    }

    protected override void Release() => _client.Dispose();

    [Fact]
    public async Task Of_many_writers_that_want_to_be_first_one_is()
    {
        await OnlyOneIsFirstAsync(_bucket.WithKey("only/one"));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(20 << 20)]
    public async Task What_is_there_is_not_replaced_by_what_must_be_first(int size)
    {
        await WriteAsync(_bucket.WithKey("taken"), "first");

        await Assert.ThrowsAsync<ObjectExistsException>(() => _store.WriteAsync(_bucket.WithKey("taken"), new UnseekableStream(new byte[size]), WriteCondition.IfAbsent, Cancellation));

        Assert.Equal("first", await ReadTextAsync(_bucket.WithKey("taken")));
        Assert.Empty((await _client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = _bucket.Bucket }, Cancellation)).MultipartUploads ?? []);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_told()
    {
        var endpoint = await rados.GetEndpointAsync(Cancellation);
        var own = await (await rados.GetCredentialsAsync(Cancellation)).GetCredentialsAsync();
        await WriteAsync(_bucket.WithKey("x"), "x");
        using var wrongSecret = RadosFixture.Connect(endpoint, own.AccessKey, "not-the-secret");
        using var unknownKey = RadosFixture.Connect(endpoint, "NOBODY", own.SecretKey);

        foreach (var (client, code) in new[] { (wrongSecret, "SignatureDoesNotMatch"), (unknownKey, "InvalidAccessKeyId") })
        {
            var store = new S3ObjectStore(client, TimeProvider.System);
            var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => store.OpenReadAsync(_bucket.WithKey("x"), Cancellation));
            Assert.Contains($"{_bucket.WithKey("x")} cannot be read: {code}", refused.Message, StringComparison.Ordinal);
            Assert.Contains("credentials", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("not-the-secret", refused.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ObjectStoreException>(() => store.WriteAsync(_bucket.WithKey("y"), new MemoryStream(new byte[10]), WriteCondition.Always, Cancellation));
        }

        Assert.Equal(["x"], await ListAsync(""));
    }

    [Fact]
    public async Task In_a_bucket_with_versions_a_read_is_of_the_newest_and_a_delete_hides_it()
    {
        await _client.PutBucketVersioningAsync(
            new PutBucketVersioningRequest { BucketName = _bucket.Bucket, VersioningConfig = new() { Status = VersionStatus.Enabled } }, Cancellation);
        var address = _bucket.WithKey("versioned");
        await WriteAsync(address, "one");
        await WriteAsync(address, "two");

        Assert.Equal("two", await ReadTextAsync(address));
        Assert.Equal(["versioned"], await ListAsync(""));
        await _store.DeleteAsync(address, Cancellation);
        Assert.Null(await _store.FindAsync(address, Cancellation));
        Assert.Empty(await ListAsync(""));
        await WriteAsync(address, "three", WriteCondition.IfAbsent);
        Assert.Equal("three", await ReadTextAsync(address));
        Assert.Equal(4, (await _client.ListVersionsAsync(_bucket.Bucket, Cancellation)).Versions.Count);
    }
}
