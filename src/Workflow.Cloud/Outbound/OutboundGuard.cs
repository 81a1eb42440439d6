using System.Net;
using System.Net.Sockets;

namespace Workflow.Cloud.Outbound;

/// <summary>An address was refused before anything was sent to it.</summary>
public sealed class OutboundRefusedException(string message) : IOException(message);

/// <summary>
/// Guards calls to addresses that come from configuration or data: none goes to this machine, to a private network or to where a cloud
/// keeps the credentials of its machines, unless the host is allowed by name. The check is made on the address that is then connected
/// to, so a name that resolves otherwise a moment later gains nothing.
/// </summary>
/// <param name="allowed">Host names, <c>*.suffix</c> for all below a domain, addresses and networks (<c>10.20.0.0/16</c>).</param>
/// <param name="own">Where this service itself listens, for its own stand-ins: asked at each connection.</param>
public sealed class OutboundGuard(IEnumerable<string> allowed, Func<IEnumerable<Uri>> own)
{
    private static readonly TimeSpan LookUpAgainAfter = TimeSpan.FromMinutes(5);

    private static readonly (IPNetwork Network, string What)[] Closed =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "this machine"),
        (IPNetwork.Parse("10.0.0.0/8"), "a private network"),
        (IPNetwork.Parse("100.64.0.0/10"), "a provider's internal network"),
        (IPNetwork.Parse("127.0.0.0/8"), "this machine"),
        (IPNetwork.Parse("168.63.129.16/32"), "Azure's address for its own machines"),
        (IPNetwork.Parse("169.254.0.0/16"), "a link-local network, where clouds keep the credentials of their machines"),
        (IPNetwork.Parse("172.16.0.0/12"), "a private network"),
        (IPNetwork.Parse("192.0.0.0/24"), "a reserved network"),
        (IPNetwork.Parse("192.168.0.0/16"), "a private network"),
        (IPNetwork.Parse("198.18.0.0/15"), "a network for benchmarks"),
        (IPNetwork.Parse("224.0.0.0/3"), "a multicast or reserved network"),
        (IPNetwork.Parse("::/127"), "this machine"),
        (IPNetwork.Parse("fc00::/7"), "a private network"),
        (IPNetwork.Parse("fe80::/10"), "a link-local network"),
        (IPNetwork.Parse("ff00::/8"), "a multicast network"),
    ];

    // IPv6 addresses that stand for an IPv4 one, and where in them it is.
    private static readonly (IPNetwork Network, int Offset)[] Embedding =
        [(IPNetwork.Parse("::/96"), 12), (IPNetwork.Parse("64:ff9b::/96"), 12), (IPNetwork.Parse("2002::/16"), 2)];

    private readonly string[] _names = [.. allowed.Where(entry => !IPNetwork.TryParse(AsNetwork(entry), out _))];
    private readonly IPNetwork[] _networks = [.. allowed.Where(entry => IPNetwork.TryParse(AsNetwork(entry), out _)).Select(entry => IPNetwork.Parse(AsNetwork(entry)))];

    /// <summary>A handler for an <see cref="HttpClient"/>. Redirects and what they lead to are connections like others.</summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        PooledConnectionLifetime = LookUpAgainAfter,
        ConnectCallback = async (context, cancellation) =>
        {
            var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
            var addresses = await CheckAsync(host, port, cancellation);
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(addresses, port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
    };

    /// <returns>Where the host may be connected to.</returns>
    /// <exception cref="OutboundRefusedException">One of its addresses is closed to us.</exception>
    public async Task<IPAddress[]> CheckAsync(string host, int port, CancellationToken cancellation)
    {
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var given) ? [given] : await Dns.GetHostAddressesAsync(host, cancellation);
        foreach (var address in addresses)
        {
            if (WhatIs(address) is { } closed && !IsAllowed(host, address) && !IsOwn(address, port))
            {
                throw new OutboundRefusedException(
                    $"{host} is {(host == address.ToString() ? "" : $"at {address}, ")}{closed}, and nothing is sent there. If that is meant, add \"{host}\" to Outbound:Allow.");
            }
        }

        return addresses;
    }

    /// <summary>What a closed address belongs to; null for one that is open to everybody.</summary>
    public static string? WhatIs(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return WhatIs(address.MapToIPv4());
        }

        if (Closed.FirstOrDefault(closed => closed.Network.Contains(address)).What is { } what)
        {
            return what;
        }

        return Embedding.FirstOrDefault(embedding => embedding.Network.Contains(address)) is { Offset: > 0 } stands
            ? WhatIs(new IPAddress(address.GetAddressBytes().AsSpan(stands.Offset, 4)))
            : null;
    }

    private bool IsAllowed(string host, IPAddress address) =>
        _networks.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
        || _names.Any(name => name.StartsWith("*.", StringComparison.Ordinal)
            ? host.EndsWith(name[1..], StringComparison.OrdinalIgnoreCase)
            : host.Equals(name, StringComparison.OrdinalIgnoreCase));

    private bool IsOwn(IPAddress address, int port) =>
        IPAddress.IsLoopback(address) && own().Any(uri => uri.Port == port && uri.IsLoopback);

    private static string AsNetwork(string entry) => IPAddress.TryParse(entry, out var one) ? $"{one}/{(one.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)}" : entry;
}
