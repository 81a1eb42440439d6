using System.Diagnostics;
using Amazon.Runtime;
using Amazon.S3;
using Workflow.Cloud.Local;
using Xunit;

namespace Workflow.Testing;

/// <summary>
/// A server of the S3 protocol per test process, started when the first test asks for it:
/// <c>[assembly: AssemblyFixture(typeof(S3Fixture))]</c>. It keeps everything in memory and does not enforce conditional writes.
/// </summary>
public sealed class S3Fixture : IAsyncLifetime
{
    // Ends when its input does, so it cannot outlive the test process.
    private const string Script =
        """
        import { startFauxqs } from './node_modules/fauxqs/dist/app.js';
        const server = await startFauxqs({ port: 0, logger: false });
        console.log(server.port);
        process.stdin.resume().on('end', () => process.exit());
        """;

    private readonly SemaphoreSlim _starting = new(1, 1);
    private Process? _server;
    private string? _endpoint;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A client of the server; any credentials pass.</summary>
    public async Task<IAmazonS3> CreateClientAsync(CancellationToken cancellation = default) => Connect(await GetEndpointAsync(cancellation));

    /// <summary>The name of a fresh, empty bucket.</summary>
    public async Task<string> CreateBucketAsync(CancellationToken cancellation = default)
    {
        using var client = await CreateClientAsync(cancellation);
        var name = $"test-{Guid.NewGuid():N}";
        await client.PutBucketAsync(name, cancellation);
        return name;
    }

    public async Task<string> GetEndpointAsync(CancellationToken cancellation = default)
    {
        await _starting.WaitAsync(cancellation);
        try
        {
            return _endpoint ??= await LocalPart.OrSkipAsync(() => StartAsync(cancellation));
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>A client that tries each request once, and waits so long for its answer.</summary>
    public static IAmazonS3 Connect(string endpoint, TimeSpan answerWithin) => new AmazonS3Client(
        new BasicAWSCredentials("test", "test"),
        new AmazonS3Config { ServiceURL = endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1", MaxErrorRetry = 0, MaxStaleConnectionRetries = 0, Timeout = answerWithin });

    public static IAmazonS3 Connect(string endpoint) => new AmazonS3Client(
        new BasicAWSCredentials("test", "test"),
        new AmazonS3Config { ServiceURL = endpoint, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            _server.StandardInput.Close();
            await _server.WaitForExitAsync();
            _server.Dispose();
        }

        _starting.Dispose();
    }

    private async Task<string> StartAsync(CancellationToken cancellation)
    {
        LocalParts.FindPackage("fauxqs");
        var node = Path.Combine(LocalParts.FindPackage($"node-{LocalParts.Platform}"), "bin", "node");
        _server = Process.Start(new ProcessStartInfo(node, ["--input-type=module", "--eval", Script])
        {
            WorkingDirectory = LocalParts.Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var port = await _server.StandardOutput.ReadLineAsync(cancellation)
            ?? throw new InvalidOperationException("The S3 server ended before it listened; its words are above.");
        return $"http://127.0.0.1:{port}";
    }
}
