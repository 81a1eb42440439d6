using Amazon.Runtime;
using Amazon.S3;
using Xunit;

namespace Workflow.Testing;

/// <summary>
/// Ceph's S3 gateway, one per test process, started when the first test asks for it: <c>[assembly: AssemblyFixture(typeof(RadosFixture))]</c>.
/// It keeps everything in memory, checks signatures, holds conditional writes, keeps versions and notifies.
/// </summary>
public sealed class RadosFixture : IAsyncLifetime
{
    /// <summary>How many keys a listing brings at a time: fewer than S3, so that a test needs fewer to see two.</summary>
    public const int ListingPage = 100;

    private readonly SemaphoreSlim _starting = new(1, 1);
    private RadosCluster? _cluster;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async Task<Uri> GetEndpointAsync(CancellationToken cancellation = default) => (await GetAsync(cancellation)).Endpoint;

    /// <summary>The keys of the one user there is.</summary>
    public async Task<AWSCredentials> GetCredentialsAsync(CancellationToken cancellation = default)
    {
        var cluster = await GetAsync(cancellation);
        return new BasicAWSCredentials(cluster.AccessKey, cluster.SecretKey);
    }

    /// <param name="endpoint">A proxy in front of the gateway; null for the gateway itself.</param>
    public async Task<IAmazonS3> CreateClientAsync(Uri? endpoint = null, CancellationToken cancellation = default)
    {
        var cluster = await GetAsync(cancellation);
        return Connect(endpoint ?? cluster.Endpoint, cluster.AccessKey, cluster.SecretKey);
    }

    /// <summary>The name of a fresh, empty bucket.</summary>
    public async Task<string> CreateBucketAsync(CancellationToken cancellation = default)
    {
        using var client = await CreateClientAsync(cancellation: cancellation);
        var name = $"test-{Guid.NewGuid():N}";
        await client.PutBucketAsync(name, cancellation);
        return name;
    }

    /// <summary>It knows none of the checksums that the SDK sends by itself.</summary>
    public static IAmazonS3 Connect(Uri endpoint, string accessKey, string secretKey) => new AmazonS3Client(
        new BasicAWSCredentials(accessKey, secretKey),
        new AmazonS3Config
        {
            ServiceURL = endpoint.ToString(),
            ForcePathStyle = true,
            AuthenticationRegion = "us-east-1",
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });

    public async ValueTask DisposeAsync()
    {
        await (_cluster?.DisposeAsync() ?? ValueTask.CompletedTask);
        _starting.Dispose();
    }

    private async Task<RadosCluster> GetAsync(CancellationToken cancellation)
    {
        await _starting.WaitAsync(cancellation);
        try
        {
            return _cluster ??= await LocalPart.OrSkipAsync(() => RadosCluster.StartAsync(cancellation));
        }
        finally
        {
            _starting.Release();
        }
    }
}
