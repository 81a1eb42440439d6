using System.Net;

namespace Workflow.Cloud.Outbound;

/// <summary>Who a closed network belongs to.</summary>
internal enum ClosedKind
{
    ThisMachine,

    /// <summary>Whoever runs us: that is where databases and private endpoints of clouds are.</summary>
    Private,

    /// <summary>Clouds and the network itself: nothing that anybody would put something on.</summary>
    Reserved,
}

/// <summary>Addresses that nothing is sent to unless it is meant.</summary>
internal sealed record ClosedNetwork(IPNetwork Network, ClosedKind Kind, string What)
{
    // The first that contains an address counts.
    private static readonly ClosedNetwork[] All =
    [
        new("0.0.0.0/8", ClosedKind.ThisMachine, "this machine"),
        new("10.0.0.0/8", ClosedKind.Private, "a private network"),
        new("100.100.100.200/32", ClosedKind.Reserved, "Alibaba Cloud's address for its own machines"),
        new("100.64.0.0/10", ClosedKind.Private, "a provider's internal network"),
        new("127.0.0.0/8", ClosedKind.ThisMachine, "this machine"),
        new("168.63.129.16/32", ClosedKind.Reserved, "Azure's address for its own machines"),
        new("169.254.0.0/16", ClosedKind.Reserved, "a link-local network, where clouds keep the credentials of their machines"),
        new("172.16.0.0/12", ClosedKind.Private, "a private network"),
        new("192.0.0.0/24", ClosedKind.Reserved, "a reserved network"),
        new("192.168.0.0/16", ClosedKind.Private, "a private network"),
        new("198.18.0.0/15", ClosedKind.Reserved, "a network for benchmarks"),
        new("224.0.0.0/3", ClosedKind.Reserved, "a multicast or reserved network"),
        new("::/127", ClosedKind.ThisMachine, "this machine"),
        new("fd00:ec2::/32", ClosedKind.Reserved, "AWS's network for its own machines"),
        new("fc00::/7", ClosedKind.Private, "a private network"),
        new("fe80::/10", ClosedKind.Reserved, "a link-local network"),
        new("ff00::/8", ClosedKind.Reserved, "a multicast network"),
    ];

    // IPv6 addresses that stand for an IPv4 one, and where in them it is.
    private static readonly (IPNetwork Network, int Offset)[] Embedding =
        [(IPNetwork.Parse("::/96"), 12), (IPNetwork.Parse("64:ff9b::/96"), 12), (IPNetwork.Parse("2002::/16"), 2)];

    private ClosedNetwork(string network, ClosedKind kind, string what)
        : this(IPNetwork.Parse(network), kind, what)
    {
    }

    /// <summary>What a closed address belongs to; null for one that is open to everybody.</summary>
    public static ClosedNetwork? Of(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return Of(address.MapToIPv4());
        }

        if (Array.Find(All, closed => closed.Network.Contains(address)) is { } found)
        {
            return found;
        }

        return Embedding.FirstOrDefault(embedding => embedding.Network.Contains(address)) is { Offset: > 0 } stands
            ? Of(new IPAddress(address.GetAddressBytes().AsSpan(stands.Offset, 4)))
            : null;
    }
}
