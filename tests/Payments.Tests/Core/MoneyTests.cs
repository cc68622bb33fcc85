using Payments.Core;

namespace Payments.Tests.Core;

public sealed class MoneyTests
{
    private static readonly Currency Usd = Currency.Of("USD");
    private static readonly Currency Eur = Currency.Of("EUR");

    [Fact]
    public void Amounts_of_one_currency_add_and_subtract()
    {
        Assert.Equal(new Money(1_500, Usd), new Money(1_000, Usd) + new Money(500, Usd));
        Assert.Equal(new Money(-500, Usd), new Money(500, Usd) - new Money(1_000, Usd));
        Assert.True(new Money(1, Usd) < new Money(2, Usd));
    }

    [Fact]
    public void Two_currencies_never_mix()
    {
        Assert.Throws<InvariantException>(() => new Money(1, Usd) + new Money(1, Eur));
        Assert.Throws<InvariantException>(() => new Money(1, Usd) < new Money(1, Eur));
        Assert.NotEqual(new Money(1, Usd), new Money(1, Eur));
    }

    [Fact]
    public void Arithmetic_overflows_loudly()
    {
        Assert.Throws<OverflowException>(() => new Money(long.MaxValue, Usd) + new Money(1, Usd));
        Assert.Throws<OverflowException>(() => -new Money(long.MinValue, Usd));
    }

    [Theory]
    [InlineData(0, "USD", "0.00 USD")]
    [InlineData(5, "USD", "0.05 USD")]
    [InlineData(1234, "USD", "12.34 USD")]
    [InlineData(-1234, "EUR", "-12.34 EUR")]
    [InlineData(1234, "JPY", "1234 JPY")]
    [InlineData(1234, "KWD", "1.234 KWD")]
    [InlineData(long.MinValue, "USD", "-92233720368547758.08 USD")]
    public void Money_prints_in_major_units(long minor, string currency, string expected) =>
        Assert.Equal(expected, new Money(minor, Currency.Of(currency)).ToString());

    // amount, rate per million, fixed, expected
    [Theory]
    [InlineData(10_000, 29_000, 30, 320)] // 2.9 % of 100.00 is 2.90, and 30 cents
    [InlineData(1_000, 15_000, 25, 40)]
    [InlineData(50, 29_000, 0, 1)] // 1.45 rounds to 1
    [InlineData(52, 29_000, 0, 2)] // 1.508 rounds to 2
    [InlineData(50, 10_000, 0, 1)] // exactly a half rounds away from zero
    [InlineData(10, 29_000, 30, 10)] // never more than the amount
    [InlineData(0, 29_000, 30, 0)]
    public void A_price_is_a_rate_and_a_fixed_part_rounded_once(long amount, int rate, long fixedPart, long expected) =>
        Assert.Equal(expected, new Price(rate, fixedPart).Of(amount, withFixedPart: true));

    [Fact]
    public void The_fixed_part_can_be_left_out_for_later_captures() =>
        Assert.Equal(290, new Price(29_000, 30).Of(10_000, withFixedPart: false));

    [Fact]
    public void Every_accepted_currency_has_its_digits_of_ISO_4217()
    {
        string[] none = ["JPY", "KRW"];
        string[] three = ["BHD", "KWD"];
        Assert.All(Currency.All, c => Assert.Equal(none.Contains(c.Code) ? 0 : three.Contains(c.Code) ? 3 : 2, c.Exponent));
        Assert.True(Currency.All.Count() >= 15);
    }

    [Theory]
    [InlineData("usd")]
    [InlineData("XXX")]
    [InlineData("")]
    [InlineData(null)]
    public void Anything_else_is_not_a_currency(string? code)
    {
        Assert.False(Currency.TryFind(code, out _));
        Assert.ThrowsAny<ArgumentException>(() => Currency.Of(code!));
    }
}
