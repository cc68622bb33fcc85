using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Payments.Fraud.Rules;

/// <summary>
/// The country of an address, by a table that the operator has (<c>Payments:Fraud:IpCountriesFile</c>, lines of <c>network,country</c> such
/// as <c>203.0.113.0/24,US</c>; the platform brings none). Without it every address is of unknown country.
/// </summary>
internal sealed class IpCountries
{
    private readonly UInt128[] first;
    private readonly UInt128[] last;
    private readonly string[] countries;

    /// <exception cref="InvalidDataException">A line is not a network and a country, or two networks overlap.</exception>
    public IpCountries(IEnumerable<string> lines)
    {
        var rows = lines.Select((line, index) => (Text: line.Trim(), Number: index + 1)).Where(l => l.Text.Length > 0 && l.Text[0] != '#').Select(l => Row(l.Text, l.Number)).OrderBy(r => r.First).ToArray();
        for (var i = 1; i < rows.Length; i++)
        {
            if (rows[i].First <= rows[i - 1].Last)
            {
                throw new InvalidDataException($"The network on line {rows[i].Number} overlaps with that on line {rows[i - 1].Number}.");
            }
        }

        (first, last, countries) = ([.. rows.Select(r => r.First)], [.. rows.Select(r => r.Last)], [.. rows.Select(r => r.Country)]);
    }

    public static IpCountries From(IConfiguration configuration) =>
        new(configuration["Payments:Fraud:IpCountriesFile"] is { Length: > 0 } file ? File.ReadLines(file) : []);

    public string? Find(string? address)
    {
        if (countries.Length == 0 || address is null || !IPAddress.TryParse(address, out var parsed))
        {
            return null;
        }

        var number = Number(parsed);
        var place = Array.BinarySearch(first, number);
        place = place >= 0 ? place : ~place - 1;
        return place >= 0 && number <= last[place] ? countries[place] : null;
    }

    private static (UInt128 First, UInt128 Last, string Country, int Number) Row(string line, int number)
    {
        var parts = line.Split(',');
        if (parts.Length != 2 || !IPNetwork.TryParse(parts[0].Trim(), out var network) || parts[1].Trim() is not { Length: 2 } country || !country.All(char.IsAsciiLetterUpper))
        {
            throw new InvalidDataException($"Line {number} is not a network and a country.");
        }

        var host = 128 - (network.PrefixLength + (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 96 : 0));
        var from = Number(network.BaseAddress);
        return (from, host >= 128 ? UInt128.MaxValue : from | ((UInt128.One << host) - 1), country, number);
    }

    private static UInt128 Number(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
