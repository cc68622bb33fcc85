using Payments.Core;
using Payments.Fraud.Rules;
using Payments.Fraud.Velocity;
using Xunit;

namespace Payments.Tests.Fraud;

/// <summary>The platform's rules at the edges of their windows and thresholds. That the conditions are those of the database is tested with the database.</summary>
public sealed class BuiltInRuleTests
{
    private const long Now = 1_800_000_000_000;
    private const int Minute = 60_000;
    private const int Hour = 3_600_000;
    private static readonly EntityHash Hash = new(new byte[32]);

    //  condition,                what differs,  how many others (this attempt is one more), how old the others are in ms, whether it holds
    [Theory]
    [InlineData("card.merchants_1h > 3", "merchant", 2, 0, false)]
    [InlineData("card.merchants_1h > 3", "merchant", 3, 0, true)]
    [InlineData("card.merchants_1h > 3", "merchant", 3, Hour - 1, true)]
    [InlineData("card.merchants_1h > 3", "merchant", 3, Hour, false)]
    [InlineData("card.merchants_1h > 3", "merchant", 3, Hour + 1, false)]
    [InlineData("card.merchants_1h > 3", "nothing", 50, 0, false)]
    [InlineData("ip.cards_1h > 5", "card", 4, 0, false)]
    [InlineData("ip.cards_1h > 5", "card", 5, 0, true)]
    [InlineData("ip.cards_1h > 5", "card", 5, Hour - 1, true)]
    [InlineData("ip.cards_1h > 5", "card", 5, Hour, false)]
    [InlineData("ip.cards_1h > 5", "nothing", 50, 0, false)]
    [InlineData("card.attempts_5m > 3", "nothing", 2, 0, false)]
    [InlineData("card.attempts_5m > 3", "nothing", 3, 0, true)]
    [InlineData("card.attempts_5m > 3", "nothing", 3, (5 * Minute) - 1, true)]
    [InlineData("card.attempts_5m > 3", "nothing", 3, 5 * Minute, false)]
    [InlineData("card.attempts_5m > 3", "nothing", 3, (5 * Minute) + 1, false)]

    // A clock that was put back: what lies ahead is now.
    [InlineData("card.attempts_5m > 3", "nothing", 3, -Hour, true)]
    public void Velocity(string condition, string differs, int others, long ageMilliseconds, bool holds)
    {
        var present = new Parties(1, 1, 1, 1, 1, 1);
        var records = Enumerable.Range(0, others)
            .Select(i => new VelocityRecord(Now - ageMilliseconds, Measure.Attempts, differs switch
            {
                "merchant" => present with { Merchant = (uint)(i + 2) },
                "card" => present with { Card = (uint)(i + 2) },
                _ => present,
            }))
            .Append(new VelocityRecord(Now, Measure.Attempts, present)).ToArray();
        var reading = new VelocityReading();
        EntityHistory.Count(reading, condition.StartsWith("ip", StringComparison.Ordinal) ? Subject.Ip : Subject.Card, records, [], present, Now);
        Assert.Equal(holds, Holds(condition, Facts with { Velocity = reading }));
    }

    // first purchase, minor units, currency, whether it holds
    [Theory]
    [InlineData(true, 50_000, "USD", false)]
    [InlineData(true, 50_001, "USD", true)]
    [InlineData(false, 50_001, "USD", false)]
    [InlineData(true, 46_296, "EUR", false)]
    [InlineData(true, 46_297, "EUR", true)]
    [InlineData(true, 74_626, "JPY", false)]
    [InlineData(true, 74_627, "JPY", true)]
    [InlineData(null, 50_001, "USD", false)]
    public void A_large_first_purchase(bool? first, long amount, string currency, bool holds) =>
        Assert.Equal(holds, Holds("first_purchase and amount_usd > 500", Facts with { FirstPurchase = first, Amount = amount, Currency = currency }));

    // country of the card, other country, whether it holds
    [Theory]
    [InlineData("US", "US", false)]
    [InlineData("US", "FR", true)]
    [InlineData(null, "FR", false)]
    [InlineData("US", null, false)]
    public void Countries_that_differ(string? card, string? other, bool holds)
    {
        Assert.Equal(holds, Holds("card.country != ip.country", Facts with { CardCountry = card, IpCountry = other }));
        Assert.Equal(holds, Holds("card.country != shipping.country", Facts with { CardCountry = card, ShippingCountry = other }));
    }

    // payments so far, mean, deviation, amount, whether it holds
    [Theory]
    [InlineData(30, 5_000, 1_000, 8_000, false)]
    [InlineData(30, 5_000, 1_000, 8_001, true)]
    [InlineData(29, 5_000, 1_000, 90_000, false)]
    [InlineData(30, 5_000, 0, 90_000, false)]
    [InlineData(30, 5_000, 1_000, 100, false)]
    public void An_amount_far_above_the_merchants_mean(long payments, double mean, double deviation, long amount, bool holds) =>
        Assert.Equal(holds, Holds("amount_sigmas > 3", Facts with { Amount = amount, AmountSigmas = MerchantHabits.Sigmas(amount, payments, mean, deviation) }));

    private static readonly PaymentFacts Facts = new()
    {
        Amount = 5_000,
        Currency = "USD",
        Method = "card",
        CardBrand = "visa",
        CardBin = "424242",
        Hour = 12,
        HasCustomer = false,
        HasIp = false,
        HasDevice = false,
        HasEmail = false,
    };

    private static bool Holds(string condition, PaymentFacts facts) => RuleExpression.Parse(condition, Hash, out _)!.Matches(facts);
}
