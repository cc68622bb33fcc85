using Payments.Core;
using Payments.Reconciliation.Imports;
using Xunit;

namespace Payments.Tests.Reconciliation;

public sealed class AmountTests
{
    [Theory]
    [InlineData("12.34", "USD", 1234)]
    [InlineData("-12.34", "USD", -1234)]
    [InlineData("+12.34", "USD", 1234)]
    [InlineData("12.34-", "USD", -1234)]
    [InlineData("(12.34)", "USD", -1234)]
    [InlineData("12.3", "USD", 1230)]
    [InlineData("12.", "USD", 1200)]
    [InlineData("12", "USD", 1200)]
    [InlineData("12,34", "EUR", 1234)]
    [InlineData("1,234.56", "USD", 123456)]
    [InlineData("1.234,56", "EUR", 123456)]
    [InlineData("1 234,56", "EUR", 123456)]
    [InlineData("1\u00A0234,56", "EUR", 123456)]
    [InlineData("1'234.56", "CHF", 123456)]
    [InlineData("1,234,567", "USD", 123456700)]
    [InlineData("1 234", "USD", 123400)]
    [InlineData("0.000", "USD", 0)]
    [InlineData("0,500", "EUR", 50)]
    [InlineData("1234.000", "EUR", 123400)]
    [InlineData("1234,500", "EUR", 123450)]
    [InlineData("1 234.000", "EUR", 123400)]
    [InlineData("1.0000", "EUR", 100)]
    [InlineData("1,234,567", "JPY", 1234567)]
    [InlineData("1234", "JPY", 1234)]
    [InlineData("1234.00", "JPY", 1234)]
    [InlineData("1.234", "KWD", 1234)]
    [InlineData("12.3400", "USD", 1234)]
    [InlineData("9999999999999999.99", "USD", 999999999999999999)]
    public void An_amount_is_read_to_the_minor_unit(string text, string currency, long minor) => Assert.Equal(minor, AmountText.Parse(text, Currency.Of(currency), "gross"));

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("12.345")]
    [InlineData("1.2.3")]
    [InlineData("12,34,5")]
    [InlineData("1e5")]
    [InlineData("--5")]
    [InlineData(".5")]
    [InlineData("99999999999999999.99")]
    [InlineData("١٢")]
    public void What_is_no_amount_of_dollars_is_refused(string text) => Assert.Throws<UnreadableException>(() => AmountText.Parse(text, Currency.Of("USD"), "gross"));

    [Fact]
    public void A_comma_that_may_mean_two_things_is_refused() => Assert.Throws<UnreadableException>(() => AmountText.Parse("1,234", Currency.Of("KWD"), "gross"));

    [Theory]
    [InlineData("1.000", "EUR")]
    [InlineData("1,000", "EUR")]
    [InlineData("1.234", "EUR")]
    [InlineData("1,234", "USD")]
    [InlineData("-12.500", "USD")]
    [InlineData("(999.000)", "USD")]
    [InlineData("1.000", "JPY")]
    [InlineData("1,000", "JPY")]
    public void A_lone_sign_before_three_digits_is_refused_in_a_currency_with_fewer_decimals(string text, string currency) =>
        Assert.StartsWith("may be read in two ways", Assert.Throws<UnreadableException>(() => AmountText.Parse(text, Currency.Of(currency), "gross")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("1.000", "EUR", 100)]
    [InlineData("12.50000", "EUR", 1250)]
    [InlineData("1234567.5", "EUR", 123456750)]
    [InlineData("1.234", "KWD", 1234)]
    [InlineData("5.", "EUR", 500)]
    [InlineData("100.000", "JPY", 100)]
    public void Where_nothing_stands_between_thousands_three_decimals_are_decimals(string text, string currency, long minor) =>
        Assert.Equal(minor, AmountText.ParsePlain(text, Currency.Of(currency), "Amt"));

    [Theory]
    [InlineData("1.234")]
    [InlineData("1,5")]
    [InlineData("1.2.3")]
    [InlineData(".5")]
    [InlineData("-5")]
    [InlineData("1 000")]
    public void What_is_no_plain_amount_of_euros_is_refused(string text) => Assert.Throws<UnreadableException>(() => AmountText.ParsePlain(text, Currency.Of("EUR"), "Amt"));

    [Fact]
    public void Providers_count_every_currency_that_is_accepted_as_we_do() =>
        Assert.All(Currency.All, c => Assert.True(AmountText.IsCountedAlike("adyen", c.Code) && AmountText.IsCountedAlike("stripe", c.Code)));

    [Fact]
    public void An_exchange_at_another_rate_than_expected_is_told_from_the_fee_and_adds_up()
    {
        var rates = new Rates();
        rates.Add("EUR", "USD", new(2026, 3, 1), 1.10m);
        var line = new StatementLine(1, Payments.Reconciliation.Leg.Provider, "adyen", Payments.Reconciliation.LineKind.Capture, "P", null, "EUR", 10_000, "USD", 110, 10_670, null, null, default);

        var (fee, fx, net) = rates.InItemCurrency(line, new(2026, 3, 2));

        Assert.Equal((100, 200, 9_700), (fee, fx, net));
        Assert.Equal(10_000, fee + fx + net);
    }

    [Theory]
    [InlineData("2026-03-02T11:59:59Z", 9_900)]
    [InlineData("2026-03-02T12:00:00Z", 9_000)]
    [InlineData("2026-03-03T12:00:00Z", 4_950)]
    [InlineData("2026-03-09T12:00:00Z", 3_300)]
    public void Of_the_ledgers_rates_the_newest_that_is_valid_counts_and_beside_them_what_was_put_here(string at, long net)
    {
        var rates = new Rates();
        rates.Add("EUR", "USD", new DateOnly(2026, 3, 1), 3m);
        rates.Add("EUR", "USD", Time("2026-03-01T00:00:00Z"), Time("2026-03-03T00:00:00Z"), 1m);
        rates.Add("EUR", "USD", Time("2026-03-03T00:00:00Z"), Time("2026-03-04T00:00:00Z"), 2m);
        rates.Add("EUR", "USD", Time("2026-03-02T12:00:00Z"), Time("2026-03-02T23:00:00Z"), 1.1m);
        var line = new StatementLine(1, Payments.Reconciliation.Leg.Provider, "adyen", Payments.Reconciliation.LineKind.Capture, "P", null, "EUR", 10_000, "USD", 0, 9_900, null, null, Time(at));

        Assert.Equal((0, 10_000 - net, net), rates.InItemCurrency(line, new(2026, 3, 2)));

        static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Yen_that_are_paid_out_in_dollars_change_their_exponent()
    {
        var rates = new Rates();
        rates.Add("JPY", "USD", new(2026, 3, 1), 0.0065m);
        var line = new StatementLine(1, Payments.Reconciliation.Leg.Provider, "adyen", Payments.Reconciliation.LineKind.Capture, "P", null, "JPY", 10_000, "USD", 65, 6_435, null, null, default);

        Assert.Equal((100, 0, 9_900), rates.InItemCurrency(line, new(2026, 3, 2)));
    }
}
