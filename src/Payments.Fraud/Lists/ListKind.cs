using System.Net;
using System.Text.RegularExpressions;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Velocity;
using Payments.Platform.Http;

namespace Payments.Fraud.Lists;

internal enum ListAction
{
    Allow,
    Block,
}

/// <summary>What an entry names; the order is that of factors in a decision.</summary>
internal enum ListKind
{
    /// <summary>The vault's fingerprint of one card.</summary>
    Fingerprint,

    /// <summary>The first six digits of a card number.</summary>
    Bin,

    Email,
    EmailDomain,
    Ip,

    /// <summary>A network in CIDR notation.</summary>
    IpRange,

    /// <summary>The country of the card's issuer.</summary>
    Country,

    /// <summary>A merchant's own name for a customer.</summary>
    Customer,
}

/// <summary>How each kind is written, compared and called.</summary>
internal static partial class ListKinds
{
    /// <param name="Word">What factors call it.</param>
    /// <param name="Secret">Kept as a keyed hash, the text sealed beside it.</param>
    private sealed record Row(ListKind Kind, string Word, bool Secret, Func<string, string?> Canonical, string Expected);

    // kind, word in factors, secret, canonical form (null: not one), what is expected
    private static readonly Row[] Rows =
    [
        new(ListKind.Fingerprint, "card", false, t => Fingerprint().IsMatch(t) ? t : null, "The 64 lower-case hexadecimal digits of a card fingerprint are expected."),
        new(ListKind.Bin, "bin", false, t => Bin().IsMatch(t) ? t : null, "Six digits are expected."),
        new(ListKind.Email, "email", true, t => Email().IsMatch(t) ? t.ToLowerInvariant() : null, "An e-mail address is expected."),
        new(ListKind.EmailDomain, "email_domain", false, t => Domain().IsMatch(t) ? t.ToLowerInvariant() : null, "A domain is expected, without @."),
        new(ListKind.Ip, "ip", true, Address, "An IPv4 or IPv6 address is expected."),
        new(ListKind.IpRange, "ip_range", false, Network, "A network in CIDR notation is expected: 203.0.113.0/24."),
        new(ListKind.Country, "country", false, t => Country().IsMatch(t) ? t : null, "A country is expected: two upper-case letters (ISO 3166)."),
        new(ListKind.Customer, "customer", true, t => t.Length is > 0 and <= 100 && !t.Any(char.IsControl) ? t : null, "The merchant's name for the customer is expected: 1 to 100 characters."),
    ];

    public static string WordOf(ListKind kind) => Rows[(int)kind].Word;

    public static bool IsSecret(ListKind kind) => Rows[(int)kind].Secret;

    public static string? Canonical(ListKind kind, string value) => value.Length is 0 or > 255 ? null : Rows[(int)kind].Canonical(value);

    public static Problem Refuse(ListKind kind) => Problems.InvalidValue("value", Rows[(int)kind].Expected);

    /// <summary>What is compared.</summary>
    public static string Compared(ListKind kind, string canonical, MerchantId? merchant, EntityHash hash) => kind switch
    {
        ListKind.Email => hash.Email(canonical).ToString("N"),
        ListKind.Ip => hash.Ip(canonical).ToString("N"),
        ListKind.Customer => hash.Customer(merchant!.Value.Value, canonical).ToString("N"),
        _ => canonical,
    };

    /// <summary>What a payment is looked up by, in the order of the kinds; ranges are compared otherwise.</summary>
    public static IEnumerable<(ListKind Kind, string Value)> Of(FraudRequest request, EntityKeys keys)
    {
        yield return (ListKind.Fingerprint, request.CardFingerprint);
        yield return (ListKind.Bin, request.CardBin);
        if (keys.Email is { } email)
        {
            yield return (ListKind.Email, email.ToString("N"));
        }

        if (request.Context?.Email is { } address && address.LastIndexOf('@') is var at and >= 0)
        {
            yield return (ListKind.EmailDomain, address[(at + 1)..].ToLowerInvariant());
        }

        if (keys.Ip is { } ip)
        {
            yield return (ListKind.Ip, ip.ToString("N"));
        }

        if (request.CardCountry is { } country)
        {
            yield return (ListKind.Country, country);
        }

        if (keys.Customer is { } customer)
        {
            yield return (ListKind.Customer, customer.ToString("N"));
        }
    }

    private static string? Address(string text) =>
        IPAddress.TryParse(text, out var address) && (text.Contains(':', StringComparison.Ordinal) || text.Count(c => c == '.') == 3)
            ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString() : null;

    /// <summary>An address inside of a network with the network's length is a mistake more often than a network.</summary>
    private static string? Network(string text) =>
        IPNetwork.TryParse(text, out var network) && IPAddress.TryParse(text.Split('/')[0], out var address) && address.Equals(network.BaseAddress) ? network.ToString() : null;

    [GeneratedRegex(@"^[0-9a-f]{64}\z")]
    private static partial Regex Fingerprint();

    [GeneratedRegex(@"^[0-9]{6}\z")]
    private static partial Regex Bin();

    [GeneratedRegex(@"^[^\s@\x00-\x1f<>]{1,64}@[^\s@\x00-\x1f<>]+\.[^\s@.\x00-\x1f<>]+\z")]
    private static partial Regex Email();

    [GeneratedRegex(@"^[A-Za-z0-9\-]{1,63}(\.[A-Za-z0-9\-]{1,63})+\z")]
    private static partial Regex Domain();

    [GeneratedRegex(@"^[A-Z]{2}\z")]
    private static partial Regex Country();
}
