using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.S3;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.S3;

public sealed class S3ObjectStoreTests(S3Fixture s3) : ObjectStoreContract
{
    private IAmazonS3 _client = null!;
    private ObjectAddress _bucket = null!;

    protected override async Task<(IObjectStore Store, ObjectAddress EmptyBucket)> CreateAsync()
    {
        _client = await s3.CreateClientAsync(Cancellation);
        _bucket = new("s3", await s3.CreateBucketAsync(Cancellation), "");
        return (new S3ObjectStore(_client, TimeProvider.System), _bucket);
    }

    protected override void Release() => _client.Dispose();

    [Theory]
    [InlineData("a/../b")]
    [InlineData("./a")]
    [InlineData("a//b")]
    [InlineData("back\\slash")]
    public Task Keys_that_no_file_could_have_are_taken_as_they_stand(string key) => IsTakenAsItStandsAsync(key);

    [Fact]
    public async Task The_standard_settings_lead_to_the_service()
    {
        // Every other client here is told its endpoint and credentials, so these variables are this test's alone.
        string[] settings = [$"AWS_ENDPOINT_URL_S3={await s3.GetEndpointAsync(Cancellation)}", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"];
        var store = S3ObjectStore.FromEnvironment(TimeProvider.System, new([], () => []));
        foreach (var setting in settings)
        {
            Environment.SetEnvironmentVariable(setting.Split('=')[0], setting.Split('=')[1]);
        }

        try
        {
            await WriteAsync(_bucket.WithKey("x"), "x");
            Assert.Equal(1, (await store.FindAsync(_bucket.WithKey("x"), Cancellation))!.Size);
        }
        finally
        {
            foreach (var setting in settings)
            {
                Environment.SetEnvironmentVariable(setting.Split('=')[0], null);
            }
        }
    }

    [Theory]
    [InlineData(1_000, 0)]
    [InlineData((20 << 20) + 17, 3)]
    public async Task The_store_keeps_the_checksum_that_the_SDK_sends_by_default(int size, int parts)
    {
        var content = new byte[size];
        Random.Shared.NextBytes(content);
        var address = _bucket.WithKey("summed");
        await new S3ObjectStore(_client, TimeProvider.System).WriteAsync(address, new MemoryStream(content), WriteCondition.Always, Cancellation);

        var kept = await _client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = address.Bucket, Key = address.Key, ChecksumMode = ChecksumMode.ENABLED }, Cancellation);

        var checksum = S3Checksum.Parse(S3Algorithm.CRC32, kept.ChecksumCRC32);
        Assert.Equal(parts, checksum!.Parts);
        using var digest = S3Digest.Of(Workflow.Cloud.Objects.S3.S3Object.Of(address, kept) with { Checksum = checksum })!;
        digest.Append(content);
        Assert.True(digest.Matches());
    }

    [Fact]
    public async Task A_missing_bucket_is_named()
    {
        var address = new ObjectAddress("s3", "no-such-bucket", "key");

        Assert.Contains("no bucket 'no-such-bucket'", (await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(address, "x"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_too_large_for_one_copy_is_copied_in_parts()
    {
        // The server takes the SDK's content type for this request, which has no body, as a promise of one.
        ((AmazonS3Client)_client).BeforeRequestEvent += (_, request) => ((WebServiceRequestEventArgs)request).Headers["Content-Type"] = "application/octet-stream";
        var store = new S3ObjectStore(_client, TimeProvider.System) { CopyLimit = 8 << 20, CopyPartSize = 6 << 20 };
        var content = new byte[(20 << 20) + 1];
        Random.Shared.NextBytes(content);
        await store.WriteAsync(_bucket.WithKey("large one"), new MemoryStream(content), WriteCondition.Always, Cancellation);

        var copied = await store.CopyAsync(_bucket.WithKey("large one"), _bucket.WithKey("copy"), Cancellation);

        Assert.Equal(content.Length, copied.Size);
        using var memory = new MemoryStream();
        await using var read = await store.OpenReadAsync(_bucket.WithKey("copy"), Cancellation);
        await read.CopyToAsync(memory, Cancellation);
        Assert.Equal(content, memory.ToArray());
    }

    [Fact]
    public async Task A_folder_made_by_a_console_is_not_listed()
    {
        await _client.PutObjectAsync(new() { BucketName = _bucket.Bucket, Key = "folder/", ContentBody = "" }, Cancellation);
        await WriteAsync(_bucket.WithKey("folder/object"), "x");

        Assert.Equal(["folder/object"], await ListAsync(""));
    }

    [Fact]
    public async Task A_service_that_cannot_be_reached_is_an_error_with_the_address_and_what_to_check()
    {
        using var client = S3Fixture.Connect($"http://127.0.0.1:{FreePort.Next()}");
        var store = new S3ObjectStore(client, TimeProvider.System);

        var failed = await Assert.ThrowsAsync<ObjectStoreException>(() => store.OpenReadAsync(_bucket.WithKey("x"), Cancellation));
        Assert.Contains(_bucket.WithKey("x").ToString(), failed.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_ENDPOINT_URL", failed.Message, StringComparison.Ordinal);
    }
}
