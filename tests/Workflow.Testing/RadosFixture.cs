using System.Text;
using System.Xml.Linq;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Workflow.Cloud.Aws;
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

    private static readonly AwsService Topics = new("SNS", "sns") { Api = "2010-03-31" };

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

    /// <summary>From now on the gateway posts what happens to the bucket's objects to the address, as S3 writes its events.</summary>
    public async Task NotifyAsync(string bucket, Uri receiver, CancellationToken cancellation = default)
    {
        using var client = await CreateClientAsync(cancellation: cancellation);
        var request = new PutBucketNotificationRequest
        {
            BucketName = bucket,
            TopicConfigurations = [new() { Id = bucket, Topic = await CreateTopicAsync(bucket, receiver, cancellation), Events = [EventType.ObjectCreatedAll, EventType.ObjectRemovedAll] }],
        };
        await client.PutBucketNotificationAsync(request, cancellation);
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

    private async Task<string> CreateTopicAsync(string name, Uri receiver, CancellationToken cancellation)
    {
        var config = new SignedClientConfig(Topics) { ServiceURL = (await GetEndpointAsync(cancellation)).ToString(), AuthenticationRegion = "us-east-1" };
        using var client = new SignedClient(await GetCredentialsAsync(cancellation), config);
        var form = $"Action=CreateTopic&Name={name}&Attributes.entry.1.key=push-endpoint&Attributes.entry.1.value={Uri.EscapeDataString(receiver.ToString())}";
        var headers = new Dictionary<string, string> { ["Content-Type"] = "application/x-www-form-urlencoded; charset=utf-8" };
        var answer = await client.SendAsync(new(Topics, "CreateTopic", Encoding.UTF8.GetBytes(form), headers), new((body, _) => new() { Message = Encoding.UTF8.GetString(body) }), cancellation);
        return XDocument.Parse(Encoding.UTF8.GetString(answer.Body)).Descendants().Single(element => element.Name.LocalName == "TopicArn").Value;
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
