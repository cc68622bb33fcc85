using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Payments.Core;

/// <summary>An ISO 4217 currency that the platform accepts.</summary>
public sealed class Currency : IEquatable<Currency>
{
    // code, digits after the decimal sign (ISO 4217), largest single payment in minor units: about one million US dollars.
    private static readonly FrozenDictionary<string, Currency> Accepted = new Currency[]
    {
        new("AUD", 2, 150_000_000), new("BHD", 3, 380_000_000), new("BRL", 2, 550_000_000), new("CAD", 2, 140_000_000),
        new("CHF", 2, 90_000_000), new("CZK", 2, 2_300_000_000), new("DKK", 2, 700_000_000), new("EUR", 2, 95_000_000),
        new("GBP", 2, 80_000_000), new("HKD", 2, 780_000_000), new("HUF", 2, 36_000_000_000), new("INR", 2, 8_500_000_000),
        new("JPY", 0, 150_000_000), new("KRW", 0, 1_400_000_000), new("KWD", 3, 310_000_000), new("MXN", 2, 2_000_000_000),
        new("NOK", 2, 1_100_000_000), new("NZD", 2, 170_000_000), new("PLN", 2, 400_000_000), new("SEK", 2, 1_050_000_000),
        new("SGD", 2, 135_000_000), new("USD", 2, 100_000_000), new("ZAR", 2, 1_850_000_000),
    }.ToFrozenDictionary(c => c.Code, StringComparer.Ordinal);

    private Currency(string code, int exponent, long largestPayment)
    {
        Code = code;
        Exponent = exponent;
        LargestPayment = largestPayment;
    }

    /// <summary>Three upper-case letters.</summary>
    public string Code { get; }

    /// <summary>Digits after the decimal sign: 2 for USD, 0 for JPY, 3 for KWD.</summary>
    public int Exponent { get; }

    /// <summary>Largest amount of one payment, in minor units: about a million US dollars.</summary>
    public long LargestPayment { get; }

    public static IEnumerable<Currency> All => Accepted.Values.OrderBy(c => c.Code, StringComparer.Ordinal);

    /// <summary>Finds a currency by its upper-case code.</summary>
    public static bool TryFind(string? code, [NotNullWhen(true)] out Currency? currency)
    {
        currency = null;
        return code is not null && Accepted.TryGetValue(code, out currency);
    }

    /// <exception cref="ArgumentException">The code is not one of <see cref="All"/>: validate outside input with <see cref="TryFind"/>.</exception>
    public static Currency Of(string code) =>
        TryFind(code, out var currency) ? currency : throw new ArgumentException($"'{code}' is not an accepted currency.", nameof(code));

    public bool Equals(Currency? other) => ReferenceEquals(this, other);

    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    public override int GetHashCode() => Code.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Code;
}
