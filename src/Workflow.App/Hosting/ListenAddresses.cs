using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Workflow.App.Hosting;

/// <summary>Where the service listens: on loopback and nowhere else, because nothing asks a caller who it is.</summary>
/// <param name="OrAnyPort">A port that is taken is replaced by a free one.</param>
internal sealed record ListenAddresses(IReadOnlyList<string> Urls, bool OrAnyPort)
{
    private const int Backlog = 512;

    /// <summary>Port 7071, where an Azure Functions host is on a developer's machine; any free one if that is taken.</summary>
    public static ListenAddresses Default { get; } = new(["http://127.0.0.1:7071"], OrAnyPort: true);

    /// <summary>For a service that only its own process calls.</summary>
    public static ListenAddresses Ephemeral { get; } = new(["http://127.0.0.1:0"], OrAnyPort: false);

    /// <summary>No other machine reaches any of them.</summary>
    public bool IsLoopback => Urls.All(url => new Uri(url).IsLoopback);

    /// <param name="urls">As <c>--urls</c> takes them, separated by semicolons; null for the default.</param>
    /// <exception cref="UsageException">One is not an http address on loopback.</exception>
    public static ListenAddresses Parse(string? urls)
    {
        if (urls is null)
        {
            return Default;
        }

        var all = urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var url in all)
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttp || uri.PathAndQuery != "/")
            {
                throw new UsageException($"--urls: '{url}' is not an address to listen on. Write http://127.0.0.1:PORT.");
            }

            if (!uri.IsLoopback)
            {
                throw new UsageException($"--urls: '{url}' is reachable from other machines, and the service does not ask callers who they are. Write http://127.0.0.1:{uri.Port}.");
            }
        }

        return all.Length > 0 ? new(all, OrAnyPort: false) : throw new UsageException("--urls names no address. Write http://127.0.0.1:PORT.");
    }

    /// <summary>Binds as asked. The choice of another port is made here, where losing a race for the first is seen.</summary>
    public void Configure(SocketTransportOptions transport)
    {
        if (OrAnyPort)
        {
            transport.CreateBoundListenSocket = endpoint => TryListen(endpoint) ?? SocketTransportOptions.CreateDefaultBoundListenSocket(new IPEndPoint(IPAddress.Loopback, 0));
        }
    }

    private static Socket? TryListen(EndPoint endpoint)
    {
        Socket? socket = null;
        try
        {
            socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket?.Dispose();
            return null;
        }
    }
}
