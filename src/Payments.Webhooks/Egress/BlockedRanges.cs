using System.Net;
using System.Net.Sockets;

namespace Payments.Webhooks.Egress;

/// <summary>
/// Addresses that a merchant's URL may never lead us to: everything that is not the public Internet. From the IANA
/// special-purpose registries for IPv4 and IPv6, plus the addresses under which clouds offer machine metadata.
/// </summary>
public static class BlockedRanges
{
    private static readonly (IPNetwork Range, string Why)[] Table =
    [
        (IPNetwork.Parse("0.0.0.0/8"), "this network"),
        (IPNetwork.Parse("10.0.0.0/8"), "private"),
        (IPNetwork.Parse("100.64.0.0/10"), "carrier-grade NAT"),
        (IPNetwork.Parse("127.0.0.0/8"), "loopback"),
        (IPNetwork.Parse("168.63.129.16/32"), "cloud platform services"),
        (IPNetwork.Parse("169.254.0.0/16"), "link-local, cloud metadata"),
        (IPNetwork.Parse("172.16.0.0/12"), "private"),
        (IPNetwork.Parse("192.0.0.0/24"), "protocol assignments"),
        (IPNetwork.Parse("192.0.2.0/24"), "documentation"),
        (IPNetwork.Parse("192.31.196.0/24"), "AS112"),
        (IPNetwork.Parse("192.52.193.0/24"), "AMT relays"),
        (IPNetwork.Parse("192.88.99.0/24"), "6to4 relays"),
        (IPNetwork.Parse("192.168.0.0/16"), "private"),
        (IPNetwork.Parse("192.175.48.0/24"), "AS112"),
        (IPNetwork.Parse("198.18.0.0/15"), "benchmarking"),
        (IPNetwork.Parse("198.51.100.0/24"), "documentation"),
        (IPNetwork.Parse("203.0.113.0/24"), "documentation"),
        (IPNetwork.Parse("224.0.0.0/4"), "multicast"),
        (IPNetwork.Parse("240.0.0.0/4"), "reserved, broadcast"),
        // Of IPv6 only global unicast is allowed at all; these are the exceptions inside it.
        (IPNetwork.Parse("2001::/23"), "protocol assignments, Teredo"),
        (IPNetwork.Parse("2001:db8::/32"), "documentation"),
        (IPNetwork.Parse("2002::/16"), "6to4, which embeds IPv4 addresses"),
        (IPNetwork.Parse("2620:4f:8000::/48"), "AS112"),
        (IPNetwork.Parse("3fff::/20"), "documentation"),
    ];

    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork[] Loopback = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];

    /// <summary>Why an address is refused, or null where it may be called.</summary>
    /// <param name="address">IPv4 addresses mapped into IPv6 are judged as what they are.</param>
    /// <param name="allowLoopback">The development exception: loopback, and nothing else, is allowed.</param>
    public static string? Refuse(IPAddress address, bool allowLoopback)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        if (allowLoopback && Loopback.Any(range => range.Contains(address)))
        {
            return null;
        }

        foreach (var (range, why) in Table)
        {
            if (range.BaseAddress.AddressFamily == address.AddressFamily && range.Contains(address))
            {
                return why;
            }
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6 && !GlobalUnicast.Contains(address) ? "not global unicast" : null;
    }
}
