using System.Globalization;

namespace Payments.TrafficGenerator.Population;

/// <summary>A card as everybody but the vault knows it: the stream carries no card numbers.</summary>
/// <param name="Number">Distinguishes it within the stream; small, so that columns may hold it.</param>
/// <param name="Fingerprint">64 hexadecimal digits, as the vault's are.</param>
/// <param name="Bin">Six digits: the brand's first digits, then the country's and the issuer's number in this stream.</param>
/// <param name="Funding">credit, debit or prepaid.</param>
public sealed record Card(long Number, string Fingerprint, string Brand, string Bin, string Country, string Funding)
{
    /// <summary>How many issuers each country has for a brand and funding.</summary>
    public const int Issuers = 12;

    private static readonly (string Brand, double Share)[] Anywhere = [("visa", 58), ("mastercard", 38), ("amex", 4)];
    private static readonly (string Brand, double Share)[] UnitedStates = [("visa", 52), ("mastercard", 30), ("amex", 11), ("discover", 7)];
    private static readonly (string Brand, double Share)[] Japan = [("visa", 50), ("jcb", 27), ("mastercard", 20), ("amex", 3)];

    /// <param name="issuer">Null for any: stolen lists of cards are often of one issuer.</param>
    public static Card Draw(long seed, long number, Country country, int? issuer = null)
    {
        ArgumentNullException.ThrowIfNull(country);
        var dice = new Dice(seed, Subject.Card, number);
        var brand = dice.Pick(country.Code switch { "US" => UnitedStates, "JP" => Japan, _ => Anywhere }, b => b.Share).Brand;
        var draw = dice.Fraction();
        var funding = brand is "amex" or "jcb" || draw < country.CreditShare ? "credit" : draw > .95 ? "prepaid" : "debit";
        var bank = issuer ?? dice.Below(Issuers);
        var fingerprint = dice.Hex(16) + dice.Hex(16) + dice.Hex(16) + dice.Hex(16);
        return new(number, fingerprint, brand, BinOf(brand, country, funding, bank), country.Code, funding);
    }

    private static string BinOf(string brand, Country country, string funding, int issuer)
    {
        var place = funding switch { "credit" => 0, "debit" => 1, _ => 2 };
        return brand switch
        {
            "visa" => string.Create(CultureInfo.InvariantCulture, $"4{country.Index:00}{place}{issuer:00}"),
            "mastercard" => string.Create(CultureInfo.InvariantCulture, $"5{1 + place}{country.Index:00}{issuer:00}"),
            "amex" => string.Create(CultureInfo.InvariantCulture, $"37{country.Index:00}{issuer:00}"),
            "discover" => string.Create(CultureInfo.InvariantCulture, $"65{place}{issuer:000}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"352{place}{issuer:00}"),
        };
    }
}

/// <summary>Keeps the draws of different things apart.</summary>
internal static class Subject
{
    public const long Card = 1, Customer = 2, Merchant = 3, Address = 4, Account = 5, Office = 6, Shopping = 7, Campaign = 8, Schedule = 9, Favourites = 10;
}
