using System.Globalization;
using System.Net;

namespace Payments.TrafficGenerator.Population;

/// <summary>One network and the country it is used in.</summary>
/// <param name="Kind"><c>access</c> for homes, mobiles and offices, <c>hosting</c> for data centres.</param>
public sealed record Network(string Cidr, string Country, string Kind);

/// <summary>
/// A plan of addresses that belong to nobody: IPv4 of the block that is reserved for ever (240.0.0.0/4, RFC 1112), IPv6 of the block
/// for documentation (2001:db8::/32, RFC 3849). Each country has eight networks of IPv4 and one of IPv6; data centres have their own.
/// </summary>
public static class Networks
{
    private const int PerCountry = 8;
    private const int FirstHosting = 200;

    private static readonly byte[] Documentation = [0x20, 0x01, 0x0D, 0xB8];

    private static readonly string[] Hosts = ["US", "NL", "DE", "FR", "RO", "SG", "HK", "LT"];

    public static IEnumerable<Network> All =>
    [
        .. Country.All.SelectMany(c => Enumerable.Range(c.Index * PerCountry, PerCountry).Select(block => new Network($"{Block(block, 0)}/12", c.Code, "access"))),
        .. Country.All.Select(c => new Network(string.Create(CultureInfo.InvariantCulture, $"2001:db8:{c.Index + 1:x}::/48"), c.Code, "access")),
        .. Hosts.Select((code, i) => new Network($"{Block(FirstHosting + i, 0)}/12", code, "hosting")),
    ];

    /// <summary>An address that one household, office or gateway of a country has.</summary>
    public static string Access(Country country, Dice dice, bool sixth)
    {
        ArgumentNullException.ThrowIfNull(country);
        ArgumentNullException.ThrowIfNull(dice);
        return sixth
            ? string.Create(CultureInfo.InvariantCulture, $"2001:db8:{country.Index + 1:x}:{1 + dice.Below(65_535):x}::{1 + dice.Below(65_535):x}")
            : Block((country.Index * PerCountry) + dice.Below(PerCountry), 256 + dice.Below((1 << 20) - 512));
    }

    public static string Hosting(Dice dice)
    {
        ArgumentNullException.ThrowIfNull(dice);
        return Block(FirstHosting + dice.Below(Hosts.Length), 256 + dice.Below((1 << 20) - 512));
    }

    /// <summary>The country that <see cref="All"/> says for an address of the plan; null for others.</summary>
    public static string? CountryOf(string address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!IPAddress.TryParse(address, out var parsed) || !parsed.TryWriteBytes(bytes, out var length))
        {
            return null;
        }

        if (length == 16)
        {
            var index = (bytes[4] << 8) + bytes[5] - 1;
            return bytes[..4].SequenceEqual(Documentation) && index >= 0 && index < Country.All.Count ? Country.All[index].Code : null;
        }

        var block = ((bytes[0] & 0x0F) << 4) | (bytes[1] >> 4);
        return bytes[0] < 0xF0 ? null
            : block < Country.All.Count * PerCountry ? Country.All[block / PerCountry].Code
            : block >= FirstHosting && block < FirstHosting + Hosts.Length ? Hosts[block - FirstHosting]
            : null;
    }

    private static string Block(int block, int within)
    {
        var bits = 0xF0000000u | ((uint)block << 20) | (uint)within;
        return new IPAddress([(byte)(bits >> 24), (byte)(bits >> 16), (byte)(bits >> 8), (byte)bits]).ToString();
    }
}
