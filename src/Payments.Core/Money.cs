using System.Globalization;

namespace Payments.Core;

/// <summary>An amount in minor units of a currency. Arithmetic is checked; two currencies never mix.</summary>
public readonly record struct Money(long Minor, Currency Currency) : IComparable<Money>
{
    public static Money Zero(Currency currency) => new(0, currency);

    public static Money operator +(Money left, Money right) => new(checked(left.Minor + right.Amount(left)), left.Currency);

    public static Money operator -(Money left, Money right) => new(checked(left.Minor - right.Amount(left)), left.Currency);

    public static Money operator -(Money money) => new(checked(-money.Minor), money.Currency);

    public static bool operator <(Money left, Money right) => left.CompareTo(right) < 0;

    public static bool operator >(Money left, Money right) => left.CompareTo(right) > 0;

    public static bool operator <=(Money left, Money right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Money left, Money right) => left.CompareTo(right) >= 0;

    public int CompareTo(Money other) => Minor.CompareTo(other.Amount(this));

    /// <summary>Major units for people: <c>12.34 USD</c>, <c>1234 JPY</c>.</summary>
    public override string ToString() => $"{Major()} {Currency.Code}";

    /// <summary>Major units without the currency, by integer arithmetic: <c>12.34</c>.</summary>
    public string Major()
    {
        if (Currency.Exponent == 0)
        {
            return Minor.ToString(CultureInfo.InvariantCulture);
        }

        var digits = UInt128.Parse(Minor.ToString(CultureInfo.InvariantCulture).TrimStart('-'), CultureInfo.InvariantCulture)
            .ToString(CultureInfo.InvariantCulture).PadLeft(Currency.Exponent + 1, '0');
        return $"{(Minor < 0 ? "-" : "")}{digits[..^Currency.Exponent]}.{digits[^Currency.Exponent..]}";
    }

    private long Amount(Money other)
    {
        Invariant.Holds(ReferenceEquals(Currency, other.Currency), "two currencies never mix");
        return Minor;
    }
}
