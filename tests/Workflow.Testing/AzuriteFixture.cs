using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Azure;
using Workflow.Cloud.Local;
using Workflow.Cloud.Objects.Blob;
using Workflow.Cloud.Secrets;
using Xunit;

namespace Workflow.Testing;

/// <summary>
/// A server of Azure's blob protocol per test process, started when the first test asks for it:
/// <c>[assembly: AssemblyFixture(typeof(AzuriteFixture))]</c>. It keeps everything in memory, checks signatures and checksums, and
/// answers twice: over http to whoever has the account's key, and over https also to bearer tokens (all but their signature is checked).
/// </summary>
public sealed class AzuriteFixture : IAsyncLifetime
{
    /// <summary>The only account, as everywhere where this server runs.</summary>
    public const string Account = "devstoreaccount1";

    // Ends when its input does, so it cannot outlive the test process.
    private const string Script =
        """
        const load = name => require(`azurite/dist/src/${name}`);
        const Configuration = load('blob/BlobConfiguration').default, Server = load('blob/BlobServer').default;
        const { MemoryExtentChunkStore } = load('common/persistence/MemoryExtentStore');
        const [certificate, key] = process.argv.slice(1);
        const start = async (...secure) => {
          const server = new Server(new Configuration('127.0.0.1', 0, 30, 'blobs', 'extents', [], false, undefined, false, undefined, false, true, ...secure, false, true, new MemoryExtentChunkStore()));
          await server.start();
          return new URL(server.getHttpServerAddress()).port;
        };
        (async () => {
          console.log(JSON.stringify([await start('', '', '', undefined), await start(certificate, key, '', 'basic')]));
          process.stdin.resume().on('end', () => process.exit());
        })().catch(error => { console.error(error); process.exit(1); });
        """;

    private readonly SemaphoreSlim _starting = new(1, 1);
    private readonly TempFolder _folder = new();
    private Process? _server;
    private (Uri Http, Uri Https)? _endpoints;

    /// <summary>The account's key: new for each server.</summary>
    public string AccountKey { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));

    /// <summary>Of the endpoint that speaks https.</summary>
    public LoopbackCertificate Certificate { get; } = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async Task<Uri> GetEndpointAsync(CancellationToken cancellation = default) => (await GetEndpointsAsync(cancellation)).Http;

    public async Task<Uri> GetSecureEndpointAsync(CancellationToken cancellation = default) => (await GetEndpointsAsync(cancellation)).Https;

    /// <summary>The name of a fresh, empty container, at both endpoints.</summary>
    public async Task<string> CreateContainerAsync(CancellationToken cancellation = default)
    {
        var name = $"test-{Guid.NewGuid():N}";
        var endpoints = await GetEndpointsAsync(cancellation);
        using var secure = new HttpClientTransport(Certificate.CreateHandler());
        await CreateAsync(endpoints.Http, name, new BlobClientOptions(), cancellation);
        await CreateAsync(endpoints.Https, name, new BlobClientOptions { Transport = secure }, cancellation);
        return name;
    }

    /// <summary>A store that has the account's key.</summary>
    public async Task<BlobObjectStore> CreateStoreAsync(CancellationToken cancellation = default) =>
        new(new BlobAccount(await GetEndpointAsync(cancellation), Sign(), new BlobClientOptions()), TimeProvider.System);

    /// <summary>Signs with the account's key.</summary>
    public HttpPipelinePolicy Sign() => Sign(AccountKey);

    /// <summary>Signs with the first of the keys, and with the next when that is refused.</summary>
    public HttpPipelinePolicy Sign(params string[] keys) => new SharedKeyPolicy(
        Account,
        new Secrets(new SecretStores(new(_folder.Path), new Rotated(keys)), SecretLifetimes.Usual, new KnownSecrets(TimeProvider.System), TimeProvider.System, NullLogger<Secrets>.Instance),
        "storage",
        TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            _server.StandardInput.Close();
            await _server.WaitForExitAsync();
            _server.Dispose();
        }

        Certificate.Dispose();
        _folder.Dispose();
        _starting.Dispose();
    }

    private async Task<(Uri Http, Uri Https)> GetEndpointsAsync(CancellationToken cancellation)
    {
        await _starting.WaitAsync(cancellation);
        try
        {
            return _endpoints ??= await LocalPart.OrSkipAsync(() => StartAsync(cancellation));
        }
        finally
        {
            _starting.Release();
        }
    }

    private async Task<(Uri Http, Uri Https)> StartAsync(CancellationToken cancellation)
    {
        LocalParts.FindPackage("azurite");
        await File.WriteAllTextAsync(_folder.File("certificate.pem"), Certificate.Certificate.ExportCertificatePem(), cancellation);
        using (var key = System.Security.Cryptography.X509Certificates.RSACertificateExtensions.GetRSAPrivateKey(Certificate.Certificate)!)
        {
            await File.WriteAllTextAsync(_folder.File("key.pem"), key.ExportPkcs8PrivateKeyPem(), cancellation);
        }

        _server = Process.Start(new ProcessStartInfo("node", ["--eval", Script, "--", _folder.File("certificate.pem"), _folder.File("key.pem")])
        {
            WorkingDirectory = LocalParts.Folder,
            Environment = { ["AZURITE_ACCOUNTS"] = $"{Account}:{AccountKey}" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var line = await _server.StandardOutput.ReadLineAsync(cancellation)
            ?? throw new InvalidOperationException("The blob server ended before it listened; its words are above.");
        var ports = JsonSerializer.Deserialize<string[]>(line)!;
        return (new($"http://127.0.0.1:{ports[0]}/{Account}"), new($"https://127.0.0.1:{ports[1]}/{Account}"));
    }

    private async Task CreateAsync(Uri endpoint, string container, BlobClientOptions options, CancellationToken cancellation)
    {
        var pipeline = HttpPipelineBuilder.Build(options, Sign());
        using var message = pipeline.CreateMessage();
        message.Request.Method = RequestMethod.Put;
        message.Request.Uri.Reset(new Uri($"{endpoint}/{container}?restype=container"));
        message.Request.Headers.SetValue("x-ms-version", BlobAccount.Version);
        await pipeline.SendAsync(message, cancellation);
        if (message.Response.IsError)
        {
            throw new RequestFailedException(message.Response);
        }
    }

    private sealed class Rotated(string[] keys) : ISecretStore
    {
        private int _reads;

        public Task<Secret> GetAsync(string name, CancellationToken cancellation) =>
            Task.FromResult(new Secret(name, JsonSerializer.SerializeToElement(new Dictionary<string, string> { [SharedKeyPolicy.Field] = keys[Math.Min(_reads++, keys.Length - 1)] })));
    }
}
