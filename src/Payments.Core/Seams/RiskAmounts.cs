using System.Collections.Frozen;

namespace Payments.Core.Seams;

/// <summary>
/// Thresholds of risk are told in US dollars and hold for every currency by this table. It gives the order of magnitude that a threshold
/// needs and stays as it is, so that the same amount meets the same threshold every day; no money is ever converted by it.
/// </summary>
public static class RiskAmounts
{
    // currency, US cents of one major unit
    private static readonly FrozenDictionary<string, decimal> UsCents = new (string Currency, decimal Cents)[]
    {
        ("AUD", 67), ("BHD", 265), ("BRL", 18), ("CAD", 72), ("CHF", 112), ("CZK", 4.4m), ("DKK", 14.5m), ("EUR", 108),
        ("GBP", 127), ("HKD", 12.8m), ("HUF", 0.28m), ("INR", 1.2m), ("JPY", 0.67m), ("KRW", 0.073m), ("KWD", 325), ("MXN", 5.2m),
        ("NOK", 9.3m), ("NZD", 60), ("PLN", 25), ("SEK", 9.6m), ("SGD", 75), ("USD", 100), ("ZAR", 5.5m),
    }.ToFrozenDictionary(r => r.Currency, r => r.Cents, StringComparer.Ordinal);

    /// <summary>Whether every accepted currency is in the table.</summary>
    public static bool Knows(string currency) => UsCents.ContainsKey(currency);

    /// <summary>The amount in US cents, unrounded; a currency that is not in the table counts as more than any threshold.</summary>
    public static decimal InUsCents(long amountMinor, string currency)
    {
        if (!UsCents.TryGetValue(currency, out var cents) || !Currency.TryFind(currency, out var known))
        {
            return decimal.MaxValue;
        }

        var major = (decimal)amountMinor;
        for (var digits = known.Exponent; digits > 0; digits--)
        {
            major /= 10;
        }

        return major * cents;
    }
}
