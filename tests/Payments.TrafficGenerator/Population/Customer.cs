using System.Globalization;

namespace Payments.TrafficGenerator.Population;

/// <summary>A person who shops, all of it drawn from the person's number.</summary>
/// <param name="SpendFactor">Baskets against other people's.</param>
/// <param name="HoursLate">How much later than others this person lives.</param>
/// <param name="Disputes">One of the few who get their money back from the bank although all was well.</param>
public sealed record Customer(
    long Number, Country Country, DateTimeOffset JoinedAt, double SpendFactor, double HoursLate, bool HasAccounts, bool Disputes,
    string Email, PostalAddress Home, IReadOnlyList<Device> Devices, IReadOnlyList<Card> Cards)
{
    /// <summary>What share of customers is like that.</summary>
    public const double DisputingShare = .02;

    private static readonly string[] Domains = ["mail.example", "post.example", "inbox.example", "letters.example", "office.example"];

    public static Customer Draw(long seed, long number, DateTimeOffset joinedAt)
    {
        var dice = new Dice(seed, Subject.Customer, number);
        var country = Country.Draw(dice);
        var cards = dice.Chance(.35) ? 2 : 1;
        return new(
            number,
            country,
            joinedAt,
            dice.LogNormal(1, .4),
            dice.Normal() * 1.5,
            dice.Chance(.65),
            dice.Chance(DisputingShare),
            string.Create(CultureInfo.InvariantCulture, $"{dice.Hex(6)}.{number}@{dice.Pick(Domains)}"),
            PostalAddress.Draw(dice, country),
            [.. Enumerable.Range(0, dice.Chance(.45) ? 2 : 1).Select(_ => Device.Draw(dice))],
            [.. Enumerable.Range(0, cards).Select(i => Card.Draw(seed, (number * 2) + i, dice.Chance(.97) ? country : Country.Draw(dice)))]);
    }
}

/// <param name="Id">As a script of the shop's page would make it.</param>
public sealed record Device(string Id, string UserAgent)
{
    private static readonly (string Agent, double Share)[] Browsers =
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1", 34),
        ("Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36", 28),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36", 22),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15", 12),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", 4),
    ];

    private static readonly string[] Scripts = ["python-requests/2.32.3", "Go-http-client/2.0", "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/131.0.0.0 Safari/537.36"];

    public static Device Draw(Dice dice)
    {
        ArgumentNullException.ThrowIfNull(dice);
        return new("dev_" + dice.Hex(16), dice.Pick(Browsers, b => b.Share).Agent);
    }

    /// <summary>A program that fills in forms.</summary>
    public static Device Script(Dice dice)
    {
        ArgumentNullException.ThrowIfNull(dice);
        return new("dev_" + dice.Hex(16), dice.Pick(Scripts));
    }
}

/// <param name="Country">ISO 3166 alpha-2.</param>
public sealed record PostalAddress(string Line1, string City, string PostalCode, string Country)
{
    private static readonly string[] Streets = ["Mill Lane", "Station Road", "Park Street", "Church Road", "High Street", "Garden Way", "River Road", "School Lane"];

    public static PostalAddress Draw(Dice dice, Country country)
    {
        ArgumentNullException.ThrowIfNull(dice);
        ArgumentNullException.ThrowIfNull(country);
        return new(
            string.Create(CultureInfo.InvariantCulture, $"{1 + dice.Below(220)} {dice.Pick(Streets)}"),
            dice.Pick(country.Cities),
            (10_000 + dice.Below(89_999)).ToString(CultureInfo.InvariantCulture),
            country.Code);
    }
}
