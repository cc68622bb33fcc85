using FsCheck;
using FsCheck.Fluent;
using Payments.TrafficGenerator;
using Payments.TrafficGenerator.Population;

namespace Payments.Tests.Traffic;

/// <summary>What a stream promises, whatever its seed.</summary>
public sealed class TrafficFlowTests
{
    private static readonly TrafficOptions Small = new(PaymentsPerDay: 3_000, Customers: 5_000, Merchants: 60);

    [Fact]
    public void The_same_seed_makes_the_same_stream_and_another_seed_another() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(10),
            Prop.ForAll(
                ArbMap.Default.ArbFor<PositiveInt>(),
                seed =>
                {
                    var options = Small with { Seed = seed.Get };
                    var stream = TrafficFlow.Payments(options).Take(1_000).ToArray();
                    Assert.Equal(stream, TrafficFlow.Payments(options).Take(1_000));
                    Assert.NotEqual(stream, TrafficFlow.Payments(options with { Seed = seed.Get + 1L }).Take(1_000));
                }));

    [Fact]
    public void Payments_come_in_the_order_of_time_with_numbers_without_gaps()
    {
        var stream = TrafficFlow.Payments(Small with { Shares = Times(20) }).Take(20_000).ToArray();
        Assert.Equal(Enumerable.Range(0, stream.Length).Select(i => (long)i), stream.Select(p => p.Number));
        Assert.All(stream.Zip(stream.Skip(1)), pair => Assert.True(pair.First.At <= pair.Second.At));
        Assert.All(stream, p => Assert.True(p.At >= Small.Begins && p.At.Ticks % TimeSpan.TicksPerMillisecond == 0));
    }

    [Fact]
    public void Nothing_is_kept_of_what_is_past()
    {
        var stream = new TrafficFlow(Small with { Shares = Times(20) });
        var most = 0;
        foreach (var payment in stream.Run().Take(60_000))
        {
            most = Math.Max(most, stream.Waiting);
            Assert.True(payment.AmountMinor > 0);
        }

        Assert.InRange(most, 6, 200);
    }

    [Fact]
    public void Fraud_makes_up_the_shares_that_are_asked_for()
    {
        // Many small processes at four times the usual shares: their sums are near their means.
        var options = new TrafficOptions(Seed: 7, PaymentsPerDay: 40_000, Customers: 20_000, Merchants: 200) { Shares = Times(4) };
        var counts = new Dictionary<FraudKind, int>();
        foreach (var payment in TrafficFlow.Payments(options).Take(250_000).Where(p => p.Attempt == 1 || p.Campaign > 0))
        {
            counts[payment.Fraud] = counts.GetValueOrDefault(payment.Fraud) + 1;
        }

        double good = counts[FraudKind.None];
        Assert.InRange(counts[FraudKind.StolenCard] / good, .8 * .008, 1.2 * .008);
        Assert.InRange(counts[FraudKind.AccountTakeover] / good, .8 * .0048, 1.2 * .0048);
        Assert.InRange(counts[FraudKind.FriendlyFraud] / good, .8 * .0048, 1.2 * .0048);

        // Few large attacks: a wider range.
        Assert.InRange(counts[FraudKind.CardTesting] / good, .6 * .012, 1.4 * .012);
        Assert.InRange(counts[FraudKind.BustOut] / good, .4 * .004, 1.8 * .004);
    }

    [Fact]
    public void Without_fraud_there_is_none_and_one_attempt_in_twenty_is_declined()
    {
        var stream = TrafficFlow.Payments(Small with { Shares = FraudShares.None }).Take(30_000).ToArray();
        Assert.DoesNotContain(stream, p => p.IsFraud || p.Campaign != 0 || p.KnownAt is not null);
        Assert.InRange(stream.Count(p => p is { Attempt: 1, Decline: not null }) / (double)stream.Count(p => p.Attempt == 1), .045, .055);
        Assert.InRange(stream.Count(p => p.Attempt > 1) / (double)stream.Count(p => p.Decline is not null), .3, .6);
    }

    [Fact]
    public void People_sleep_at_night_where_they_live()
    {
        var week = TrafficFlow.Payments(Small with { Shares = FraudShares.None }).TakeWhile(p => p.At < Small.Begins.AddDays(7)).ToArray();
        Assert.InRange(week.Length, 7 * 3_000, 7 * 3_000 * 1.1);
        foreach (var country in new[] { "US", "GB" })
        {
            var home = Country.All.First(c => c.Code == country);
            var byHour = week.Where(p => p.BillingAddress?.Country == country).GroupBy(p => p.At.AddHours(home.HoursFromUtc).Hour).ToDictionary(g => g.Key, g => g.Count());
            Assert.True(byHour[20] > 4 * byHour[3], $"{country}: {byHour[20]} at eight in the evening, {byHour[3]} at three at night");
        }
    }

    [Fact]
    public void Customers_have_habits()
    {
        var stream = TrafficFlow.Payments(Small with { Shares = FraudShares.None }).Take(40_000).Where(p => p.Merchant.Tells == Telling.Everything).ToArray();
        var regulars = stream.GroupBy(p => p.Customer).Where(g => g.Count() >= 20).ToArray();
        Assert.NotEmpty(regulars);
        Assert.All(regulars, customer =>
        {
            Assert.True(customer.Select(p => p.Device!.Id).Distinct().Count() <= 2);
            Assert.True(customer.Select(p => p.Card.Fingerprint).Distinct().Count() <= 2);
            Assert.Single(customer.Select(p => p.Email).Distinct());
            Assert.All(customer.GroupBy(p => p.Merchant.Number), shop => Assert.Single(shop.Select(p => p.CustomerReference).Distinct()));
        });
        Assert.All(stream, p => Assert.True(p.AccountCreatedAt is not { } at || at < p.At));
    }

    [Fact]
    public void Every_address_of_the_net_is_of_the_plan_and_no_card_number_is_told()
    {
        var stream = TrafficFlow.Payments(Small with { Shares = Times(20) }).Take(20_000).ToArray();
        Assert.All(stream.Where(p => p.Ip is not null), p => Assert.NotNull(Networks.CountryOf(p.Ip!)));
        Assert.Contains(stream, p => p.Ip!.Contains(':', StringComparison.Ordinal));
        Assert.All(stream, p => Assert.Matches("^[0-9]{6}$", p.Card.Bin));
        Assert.All(stream, p => Assert.Matches("^[0-9a-f]{64}$", p.Card.Fingerprint));
        Assert.All(stream.GroupBy(p => p.Card.Bin), bin => Assert.Single(bin.Where(p => p.Card.Brand is "visa" or "mastercard").Select(p => (p.Card.Country, p.Card.Funding)).Distinct().DefaultIfEmpty()));
    }

    private static FraudShares Times(double factor)
    {
        var usual = new FraudShares();
        return new(usual.CardTesting * factor, usual.StolenCard * factor, usual.AccountTakeover * factor, usual.FriendlyFraud * factor, usual.BustOut * factor);
    }
}
