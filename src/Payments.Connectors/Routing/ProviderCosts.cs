using System.Collections.Frozen;
using Payments.Core;

namespace Payments.Connectors;

/// <summary>Where the card was issued, as far as prices care.</summary>
public enum CostRegion
{
    UnitedStates,
    Europe,
    Elsewhere,
}

/// <summary>
/// What a provider is expected to take, by brand, region and funding: docs/routing.md repeats the table and names its sources.
/// Used to choose a route and to accrue the cost at capture; settlement trues it up.
/// </summary>
public static class ProviderCosts
{
    private const string Any = "*";

    private static readonly FrozenSet<string> EuropeanEconomicArea = new[]
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
        "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
    }.ToFrozenSet(StringComparer.Ordinal);

    // The first row that fits decides. Rates in hundredths of a basis point (29,000 = 2.9 %), fixed parts in US cents.
    private static readonly Row[] Table =
    [
        // provider        brand    region                     funding   rate    fixed
        new(Provider.Stripe, Any,    CostRegion.UnitedStates,  Any,      29_000, 30),
        new(Provider.Stripe, Any,    CostRegion.Europe,        Any,      32_500, 30),
        new(Provider.Stripe, Any,    CostRegion.Elsewhere,     Any,      44_000, 30),
        new(Provider.Adyen,  "amex", null,                     Any,      33_000, 23),
        new(Provider.Adyen,  Any,    CostRegion.UnitedStates,  "debit",  18_000, 34),
        new(Provider.Adyen,  Any,    CostRegion.UnitedStates,  Any,      30_500, 23),
        new(Provider.Adyen,  Any,    CostRegion.Europe,        "debit",   8_000, 13),
        new(Provider.Adyen,  Any,    CostRegion.Europe,        Any,       9_000, 13),
        new(Provider.Adyen,  Any,    CostRegion.Elsewhere,     Any,      30_000, 23),
    ];

    // Stripe's price of an ACH debit: 0.8 %, at most 5 US dollars.
    private static readonly CappedPrice OfDebits = new(8_000, 500);

    public static CostRegion RegionOf(string? country) => country switch
    {
        "US" => CostRegion.UnitedStates,
        not null when EuropeanEconomicArea.Contains(country) => CostRegion.Europe,
        _ => CostRegion.Elsewhere,
    };

    /// <summary>Expected cost of one charge, in minor units of its currency, never more than the amount.</summary>
    public static long Estimate(Provider provider, string? brand, string? country, string? funding, Money amount) =>
        PriceOf(provider, brand, country, funding, amount.Currency).Of(amount.Minor, withFixedPart: true);

    /// <summary>The provider's price for charges with a card.</summary>
    public static Price PriceOf(Provider provider, string? brand, string? country, string? funding, Currency currency)
    {
        var region = RegionOf(country);
        foreach (var row in Table)
        {
            if (row.Provider == provider && Fits(row.Brand, brand) && (row.Region is null || row.Region == region) && Fits(row.Funding, funding))
            {
                return new Price(row.RatePerMillion, InCurrency(row.FixedUsCents, currency));
            }
        }

        throw new InvalidOperationException($"The cost table has no row for {provider}.");
    }

    /// <summary>The provider's price for one charge of whatever method.</summary>
    public static Price PriceOf(Provider provider, PaymentMethodView method, Money amount)
    {
        ArgumentNullException.ThrowIfNull(method);
        return method.Type == PaymentMethodTypes.Ach
            ? OfDebits.Of(amount.Minor)
            : PriceOf(provider, method.Brand, method.Country, method.Funding, amount.Currency);
    }

    /// <summary>By the rough exchange rate behind the payment limits, which are about a million US dollars in every currency.</summary>
    private static long InCurrency(int usCents, Currency currency) => ((usCents * currency.LargestPayment) + 50_000_000) / 100_000_000;

    private static bool Fits(string wanted, string? actual) => wanted == Any || wanted == actual;

    private sealed record Row(Provider Provider, string Brand, CostRegion? Region, string Funding, int RatePerMillion, int FixedUsCents);
}
