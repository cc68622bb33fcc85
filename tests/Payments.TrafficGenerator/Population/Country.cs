using Payments.Core.Seams;

namespace Payments.TrafficGenerator.Population;

/// <summary>Where people live and shops stand.</summary>
/// <param name="Share">Weight of its customers, and of its merchants.</param>
/// <param name="HoursFromUtc">Its local time; summer time is left out.</param>
/// <param name="PriceLevel">Prices against those of the first country.</param>
/// <param name="CreditShare">How many of its cards are credit cards; most of the others are debit cards.</param>
public sealed record Country(string Code, double Share, string Currency, int HoursFromUtc, double PriceLevel, double CreditShare, params string[] Cities)
{
    private static readonly Country[] Rows =
    [
        new("US", 46, "USD", -6, 1, .52, "Columbus", "Denver", "Austin", "Portland"),
        new("GB", 12, "GBP", 0, 1, .35, "Leeds", "Bristol", "Cardiff"),
        new("DE", 8, "EUR", 1, .95, .25, "Bremen", "Leipzig", "Mainz"),
        new("FR", 6, "EUR", 1, .95, .30, "Lyon", "Nantes", "Lille"),
        new("CA", 5, "CAD", -5, 1, .65, "Calgary", "Halifax"),
        new("NL", 3, "EUR", 1, 1, .20, "Utrecht", "Delft"),
        new("ES", 3, "EUR", 1, .75, .30, "Bilbao", "Murcia"),
        new("IT", 3, "EUR", 1, .85, .35, "Turin", "Parma"),
        new("AU", 3, "AUD", 10, 1, .45, "Perth", "Hobart"),
        new("SE", 2, "SEK", 1, 1, .30, "Lund", "Umea"),
        new("PL", 2, "PLN", 1, .55, .20, "Gdynia", "Lublin"),
        new("BR", 2, "BRL", -3, .45, .60, "Recife", "Curitiba"),
        new("MX", 1.5, "MXN", -6, .45, .35, "Puebla", "Merida"),
        new("JP", 1.5, "JPY", 9, .8, .75, "Sendai", "Nara"),
        new("IE", 1, "EUR", 0, 1.1, .35, "Cork", "Galway"),
        new("CH", 1, "CHF", 1, 1.3, .45, "Basel", "Bern"),
    ];

    public static IReadOnlyList<Country> All => Rows;

    public int Index => Array.IndexOf(Rows, this);

    public static Country Draw(Dice dice)
    {
        ArgumentNullException.ThrowIfNull(dice);
        return dice.Pick(Rows, c => c.Share);
    }

    /// <summary>Minor units of the currency, at least one.</summary>
    public long Minor(double usDollars) => Math.Max(1, (long)Math.Round(usDollars * 100 / (double)RiskAmounts.InUsCents(1, Currency)));

    /// <summary>By the fixed table that thresholds of risk are held against.</summary>
    public decimal InUsDollars(long minor) => Math.Round(RiskAmounts.InUsCents(minor, Currency) / 100, 2);
}
