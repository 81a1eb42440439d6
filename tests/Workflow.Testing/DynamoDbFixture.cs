using Amazon.DynamoDBv2;
using Amazon.Runtime;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Local;
using Xunit;

namespace Workflow.Testing;

/// <summary>
/// One local DynamoDB per test process, started when the first test asks for it:
/// <c>[assembly: AssemblyFixture(typeof(DynamoDbFixture))]</c>. Tests use tables with names of their own (<see cref="TableName"/>).
/// </summary>
public sealed class DynamoDbFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly LocalDynamoDb _server;

    public DynamoDbFixture() => _server = new(_folder.Path, TimeProvider.System, NullLogger.Instance);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A name that no other test has.</summary>
    public static string TableName() => $"test-{Guid.NewGuid():N}";

    public async Task<IAmazonDynamoDB> CreateClientAsync(CancellationToken cancellation = default)
    {
        await LocalPart.OrSkipAsync(() => _server.StartAsync(cancellation));
        return _server.CreateClient();
    }

    /// <summary>A client whose requests and answers pass a test's own hands; it tries nothing again by itself.</summary>
    public async Task<IAmazonDynamoDB> CreateClientAsync(DelegatingHandler between, CancellationToken cancellation = default)
    {
        var port = await LocalPart.OrSkipAsync(() => _server.StartAsync(cancellation));
        between.InnerHandler = new SocketsHttpHandler();
        return new AmazonDynamoDBClient(
            new BasicAWSCredentials("test", "test"),
            new AmazonDynamoDBConfig { ServiceURL = $"http://127.0.0.1:{port}", AuthenticationRegion = "us-east-1", MaxErrorRetry = 0, HttpClientFactory = new Through(between) });
    }

    /// <summary>Where a service on the data folder, in this process or another, is to use this server as its own.</summary>
    public async Task ShareAsync(string dataFolder, CancellationToken cancellation = default)
    {
        await LocalPart.OrSkipAsync(() => _server.StartAsync(cancellation));
        Directory.CreateDirectory(dataFolder);
        Directory.CreateSymbolicLink(Path.Combine(dataFolder, LocalDynamoDb.Subfolder), Path.Combine(_folder.Path, LocalDynamoDb.Subfolder));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    private sealed class Through(HttpMessageHandler between) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(between, disposeHandler: false);

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
