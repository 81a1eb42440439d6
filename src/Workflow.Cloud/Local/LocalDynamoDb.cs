using System.Globalization;
using Amazon.DynamoDBv2;
using Amazon.Runtime;
using Microsoft.Extensions.Logging;

namespace Workflow.Cloud.Local;

/// <summary>
/// The local stand-in for DynamoDB: dynalite on the tables in a data folder, on loopback, started at the first request.
/// Every process that uses the folder shares the one server. It ends with the process that started it, and whoever comes next starts it
/// anew; the tables stay.
/// </summary>
public sealed class LocalDynamoDb : IAsyncDisposable
{
    /// <summary>Of a data folder: where the tables are.</summary>
    public const string Subfolder = "dynamodb";

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan ReadyDeadline = TimeSpan.FromMinutes(1);

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _starting = new(1, 1);
    private DynaliteServer? _own;

    /// <param name="dataFolder">The tables are in its subfolder <see cref="Subfolder"/>.</param>
    public LocalDynamoDb(string dataFolder, TimeProvider time, ILogger logger)
    {
        _folder = Path.Combine(Path.GetFullPath(dataFolder), Subfolder);
        _time = time;
        _logger = logger;
    }

    /// <summary>The server's process id, where this is what started it.</summary>
    public int? ProcessId => _own is { HasExited: false } own ? own.ProcessId : null;

    /// <summary>A client that starts the server when it is first used, and again whenever it is gone.</summary>
    public IAmazonDynamoDB CreateClient() => new AmazonDynamoDBClient(
        new BasicAWSCredentials("local", "local"),
        new AmazonDynamoDBConfig { ServiceURL = "http://127.0.0.1", AuthenticationRegion = "us-east-1", HttpClientFactory = new ClientFactory(this) });

    /// <summary>Starts or joins the server.</summary>
    /// <returns>Its port on loopback.</returns>
    /// <exception cref="LocalPartMissingException">The server is not installed.</exception>
    public async Task<int> StartAsync(CancellationToken cancellation)
    {
        await _starting.WaitAsync(cancellation);
        try
        {
            if (_own is { HasExited: false } running)
            {
                return running.Port;
            }

            Directory.CreateDirectory(_folder);
            using (await FileLock.TakeAsync(Path.Combine(_folder, "lock"), _time, cancellation))
            {
                // Held by the process whose server it is, for as long as that server runs.
                var ownership = FileLock.TryTake(Path.Combine(_folder, "owner"));
                return ownership is null ? await ReadPortAsync(cancellation) : await StartAsync(ownership, cancellation);
            }
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>Stops the server, if this is what started it.</summary>
    public async ValueTask DisposeAsync()
    {
        await (_own?.DisposeAsync() ?? ValueTask.CompletedTask);
        _starting.Dispose();
    }

    private string PortFile => Path.Combine(_folder, "port");

    private async Task<int> StartAsync(FileLock ownership, CancellationToken cancellation)
    {
        try
        {
            await (_own?.DisposeAsync() ?? ValueTask.CompletedTask);
            _own = await DynaliteServer.StartAsync(Path.Combine(_folder, "tables"), ownership.Dispose, _logger, cancellation);
            await File.WriteAllTextAsync(PortFile, _own.Port.ToString(CultureInfo.InvariantCulture), cancellation);
        }
        catch
        {
            ownership.Dispose();
            throw;
        }

        _logger.LogInformation("Started the local stand-in for DynamoDB in {Folder} on 127.0.0.1:{Port}.", _folder, _own.Port);
        return _own.Port;
    }

    private async Task<int> ReadPortAsync(CancellationToken cancellation) =>
        int.Parse(await File.ReadAllTextAsync(PortFile, cancellation), CultureInfo.InvariantCulture);

    /// <summary>Sends requests to wherever the server is at the time.</summary>
    private sealed class Router(LocalDynamoDb server) : DelegatingHandler(new SocketsHttpHandler())
    {
        private int? _port;

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var since = server._time.GetTimestamp();
            while (true)
            {
                var port = _port ??= await server.StartAsync(cancellationToken);
                request.RequestUri = new UriBuilder(request.RequestUri!) { Port = port }.Uri;
                try
                {
                    return await base.SendAsync(request, cancellationToken);
                }
                catch (HttpRequestException gone) when (gone.HttpRequestError == HttpRequestError.ConnectionError && server._time.GetElapsedTime(since) < ReadyDeadline)
                {
                    // Its owner is gone, or going: nothing was sent yet, so it can be sent to the next one.
                    _port = null;
                    await Task.Delay(LookEvery, server._time, cancellationToken);
                }
            }
        }
    }

    private sealed class ClientFactory(LocalDynamoDb server) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new Router(server));

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}
