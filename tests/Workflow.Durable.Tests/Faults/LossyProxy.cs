using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Workflow.Durable.Tests.Faults;

/// <summary>A line to the database that can lose the answers of statements which the database has carried out.</summary>
internal sealed class LossyProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Line, Task> _lines = new();
    private readonly Task _accepting;
    private long _lost;
    private volatile bool _loses;

    public LossyProxy(string connectionString)
    {
        _server = new NpgsqlConnectionStringBuilder(connectionString);
        _listener.Start();
        ConnectionString = new NpgsqlConnectionStringBuilder(connectionString) { Port = ((IPEndPoint)_listener.LocalEndpoint).Port }.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string ConnectionString { get; }

    /// <summary>Loses answers from now on, and once one has been lost cuts every line.</summary>
    public async Task LoseAnswersAsync(CancellationToken cancellation)
    {
        var before = Interlocked.Read(ref _lost);
        _loses = true;
        await Testing.Eventually.TrueAsync(() => Interlocked.Read(ref _lost) > before, cancellation: cancellation);
        foreach (var line in _lines.Keys)
        {
            line.Cut();
        }

        _loses = false;
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting.ContinueWith(_ => { }, TaskScheduler.Default);
        await Task.WhenAll(_lines.Values);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptTcpClientAsync(_end.Token);
            var line = new Line(client);
            _lines[line] = RunAsync(line);
        }
    }

    private async Task RunAsync(Line line)
    {
        try
        {
            await line.Server.ConnectAsync(_server.Host!, _server.Port, _end.Token);
            await Task.WhenAny(PassAsync(line.Client, line.Server, false), PassAsync(line.Server, line.Client, true));
        }
        catch (Exception gone) when (gone is SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Either side hung up, or was hung up on.
        }

        line.Cut();
    }

    private async Task PassAsync(TcpClient from, TcpClient to, bool isAnswer)
    {
        var buffer = new byte[64 * 1024];
        while (await from.GetStream().ReadAsync(buffer, _end.Token) is var read && read > 0)
        {
            if (isAnswer && _loses)
            {
                Interlocked.Increment(ref _lost);
            }
            else
            {
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _end.Token);
            }
        }
    }

    private sealed record Line(TcpClient Client)
    {
        public TcpClient Server { get; } = new() { NoDelay = true };

        public void Cut()
        {
            Client.Dispose();
            Server.Dispose();
        }
    }
}
