using System.Net;
using System.Net.Sockets;

namespace Workflow.Cloud.Outbound;

/// <summary>An address was refused before anything was sent to it.</summary>
public sealed class OutboundRefusedException(string message) : Exception(message);

/// <summary>
/// Guards calls to addresses that come from configuration or data: none goes to this machine, to a private network or to where a cloud
/// keeps the credentials of its machines, unless the host is allowed by name. The check is made on the address that is then connected
/// to, so a name that resolves otherwise a moment later gains nothing.
/// </summary>
/// <param name="allowed">Host names, <c>*.suffix</c> for all below a domain, addresses and networks (<c>10.20.0.0/16</c>).</param>
/// <param name="own">Where this service itself listens, for its own stand-ins, and its embedded database: asked at each connection.</param>
public sealed class OutboundGuard(IEnumerable<string> allowed, Func<IEnumerable<Uri>> own)
{
    private static readonly TimeSpan LookUpAgainAfter = TimeSpan.FromMinutes(5);

    private readonly string[] _names = [.. allowed.Where(entry => !IPNetwork.TryParse(AsNetwork(entry), out _))];
    private readonly IPNetwork[] _networks = [.. allowed.Where(entry => IPNetwork.TryParse(AsNetwork(entry), out _)).Select(entry => IPNetwork.Parse(AsNetwork(entry)))];

    /// <summary>A handler for an <see cref="HttpClient"/>. Redirects and what they lead to are connections like others.</summary>
    public SocketsHttpHandler CreateHandler() => CreateHandler(named: null, _ => false);

    /// <summary>A handler for the client of one service.</summary>
    /// <param name="named">Where the settings say that the service is: on this machine, where they say so.</param>
    /// <param name="provesItself">Hosts that may be in a private network when they are called over TLS: nobody else there has a certificate of theirs.</param>
    internal SocketsHttpHandler CreateHandler(Uri? named, Func<string, bool> provesItself) => new()
    {
        PooledConnectionLifetime = LookUpAgainAfter,
        ConnectCallback = async (context, cancellation) =>
        {
            var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
            var isProven = context.InitialRequestMessage.RequestUri?.Scheme == Uri.UriSchemeHttps && provesItself(host);
            return new NetworkStream(await ConnectAsync(await CheckServiceAsync(host, port, named, isProven, cancellation), port, cancellation), ownsSocket: true);
        },
    };

    /// <returns>Where the host may be connected to.</returns>
    /// <exception cref="OutboundRefusedException">One of its addresses is closed to us.</exception>
    public Task<IPAddress[]> CheckAsync(string host, int port, CancellationToken cancellation) =>
        CheckAsync(host, (address, _) => IsOpen(host, port, address), isDatabase: false, cancellation);

    /// <inheritdoc cref="CheckAsync(string, int, CancellationToken)"/>
    /// <param name="named">Where the settings say that the service is.</param>
    /// <param name="isProven">Who answers proves to be the host.</param>
    internal Task<IPAddress[]> CheckServiceAsync(string host, int port, Uri? named, bool isProven, CancellationToken cancellation) => CheckAsync(
        host,
        (address, closed) => IsOpen(host, port, address) || (isProven && closed.Kind == ClosedKind.Private) || (named is not null && IsAt(named, address, port)),
        isDatabase: false,
        cancellation);

    /// <summary>
    /// Checks where a database is that data names, a secret for example: on this machine or in a private network only where that is allowed
    /// by name, and nowhere near a cloud's credentials, whatever is allowed.
    /// </summary>
    /// <returns>Where it may be connected to.</returns>
    /// <exception cref="OutboundRefusedException">One of its addresses is closed to us.</exception>
    public Task<IPAddress[]> CheckDatabaseAsync(string host, int port, CancellationToken cancellation) =>
        CheckAsync(host, (address, closed) => closed.Kind != ClosedKind.Reserved && IsOpen(host, port, address), isDatabase: true, cancellation);

    /// <summary>Checks where a database of the operator's own settings is: on this machine or in a private network, as databases are.</summary>
    /// <exception cref="OutboundRefusedException">No database can be at one of its addresses.</exception>
    public static Task CheckDatabaseOfSettingsAsync(string host, CancellationToken cancellation) =>
        CheckAsync(host, (_, closed) => closed.Kind != ClosedKind.Reserved, isDatabase: true, cancellation);

    /// <summary>What a closed address belongs to; null for one that is open to everybody.</summary>
    public static string? WhatIs(IPAddress address) => ClosedNetwork.Of(address)?.What;

    /// <summary>Connects to the first of a host's addresses that answers.</summary>
    /// <exception cref="SocketException">None does.</exception>
    public static async Task<Socket> ConnectAsync(IPAddress[] addresses, int port, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<IPAddress[]> CheckAsync(string host, Func<IPAddress, ClosedNetwork, bool> isOpen, bool isDatabase, CancellationToken cancellation)
    {
        var addresses = IPAddress.TryParse(host.Trim('[', ']'), out var given) ? [given] : await Dns.GetHostAddressesAsync(host, cancellation);
        foreach (var address in addresses)
        {
            if (ClosedNetwork.Of(address) is { } closed && !isOpen(address, closed))
            {
                var next = isDatabase && closed.Kind == ClosedKind.Reserved ? "No database is there: write where it is." : $"If that is meant, add \"{host}\" to Outbound:Allow.";
                throw new OutboundRefusedException($"{host} is {(host == address.ToString() ? "" : $"at {address}, ")}{closed.What}, and nothing is sent there. {next}");
            }
        }

        return addresses;
    }

    private bool IsOpen(string host, int port, IPAddress address) => IsAllowed(host, address) || own().Any(uri => IsAt(uri, address, port));

    private bool IsAllowed(string host, IPAddress address) =>
        _networks.Any(network => network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
        || _names.Any(name => name.StartsWith("*.", StringComparison.Ordinal)
            ? host.EndsWith(name[1..], StringComparison.OrdinalIgnoreCase)
            : host.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Both are on this machine, at the same port.</summary>
    private static bool IsAt(Uri named, IPAddress address, int port) => IPAddress.IsLoopback(address) && named.IsLoopback && named.Port == port;

    private static string AsNetwork(string entry) => IPAddress.TryParse(entry, out var one) ? $"{one}/{(one.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)}" : entry;
}
