using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Blob;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Objects.Blob;

public sealed class BlobObjectStoreTests(AzuriteFixture azurite) : ObjectStoreContract
{
    private BlobAccount _account = null!;
    private ObjectAddress _container = null!;

    protected override async Task<(IObjectStore Store, ObjectAddress EmptyBucket)> CreateAsync()
    {
        _account = new(await azurite.GetEndpointAsync(Cancellation), azurite.Sign(), new BlobClientOptions());
        _container = new("az", await azurite.CreateContainerAsync(Cancellation), "");
        return (new BlobObjectStore(_account, TimeProvider.System) { PageSize = Page }, _container);
    }

    protected override int Page => 50;

    protected override void Release()
    {
    }

    [Fact]
    public Task A_key_with_an_empty_segment_is_taken_as_it_stands() => IsTakenAsItStandsAsync("a//b");

    [Theory]
    [InlineData("a/../b")]
    [InlineData("./a")]
    [InlineData("a\\b")]
    public async Task A_key_that_no_url_can_hold_is_refused_by_name(string key)
    {
        var refused = await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(_container.WithKey(key), "x"));
        Assert.Contains(key, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_container_is_named()
    {
        var address = new ObjectAddress("az", "no-such-container", "key");

        Assert.Contains("no container 'no-such-container'", (await Assert.ThrowsAsync<ObjectStoreException>(() => WriteAsync(address, "x"))).Message, StringComparison.Ordinal);
    }
}
