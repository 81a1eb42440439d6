using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Workflow.App.Configuration;

namespace Workflow.App.Hosting;

/// <summary>Where the service listens: on loopback unless it is told otherwise.</summary>
/// <param name="OrAnyPort">A port that is taken is replaced by a free one.</param>
internal sealed record ListenAddresses(IReadOnlyList<string> Urls, bool OrAnyPort)
{
    private const string DefaultCertificate = "Certificates:Default";
    private const int Backlog = 512;

    /// <summary>Port 7071, where an Azure Functions host is on a developer's machine; any free one if that is taken.</summary>
    public static ListenAddresses Default { get; } = new(["http://127.0.0.1:7071"], OrAnyPort: true);

    /// <summary>For a service that only its own process calls.</summary>
    public static ListenAddresses Ephemeral { get; } = new(["http://127.0.0.1:0"], OrAnyPort: false);

    /// <summary>No other machine reaches any of them.</summary>
    public bool IsLoopback { get; init; } = Urls.All(url => new Uri(url).IsLoopback);

    /// <param name="urls">As <c>--urls</c> takes them, separated by semicolons; null for the default.</param>
    /// <exception cref="UsageException">One is not an address to listen on.</exception>
    public static ListenAddresses Parse(string? urls)
    {
        if (urls is null)
        {
            return Default;
        }

        var all = urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        foreach (var url in all)
        {
            // A host name would be listened for on every address of the machine, whatever it points to; so it is not taken for one.
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps) || uri.PathAndQuery != "/"
                || (uri.HostNameType == UriHostNameType.Dns && uri.Host != "localhost"))
            {
                throw new UsageException($"--urls: '{url}' is not an address to listen on. Write http://127.0.0.1:PORT, or https://0.0.0.0:PORT for all addresses of this machine; host names go into Access:Hosts.");
            }
        }

        return all.Length > 0 ? new(all, OrAnyPort: false) : throw new UsageException("--urls names no address. Write http://127.0.0.1:PORT.");
    }

    /// <summary>Where a server that listens is called from this machine.</summary>
    public static Uri FromHere(IServer server) => FromHere(server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses);

    /// <summary>Of the addresses a server listens on, the one to call from this machine.</summary>
    public static Uri FromHere(IEnumerable<string> bound)
    {
        var addresses = bound.Select(address => new UriBuilder(address)).ToArray();
        foreach (var address in addresses)
        {
            address.Host = address.Host switch { "0.0.0.0" => "127.0.0.1", "[::]" => "[::1]", var host => host };
        }

        return addresses.Select(address => address.Uri).OrderByDescending(address => address.IsLoopback).ThenBy(address => address.Scheme == Uri.UriSchemeHttps).First();
    }

    /// <summary>Certificates come from Kestrel's own section, under its own names.</summary>
    /// <exception cref="UsageException">There is none, and one is needed.</exception>
    public void Configure(KestrelServerOptions kestrel, IConfiguration sources)
    {
        var section = sources.GetSection(AccessSettings.Kestrel);
        kestrel.Configure(section);
        if (!section.GetSection(DefaultCertificate).Exists() && Urls.FirstOrDefault(url => new Uri(url).Scheme == Uri.UriSchemeHttps) is { } secure)
        {
            throw new UsageException($"--urls: for {secure} a certificate is needed. Set {AccessSettings.Kestrel}:{DefaultCertificate}:Path (and :KeyPath or :Password).");
        }
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
