using Payments.TrafficGenerator;
using Payments.TrafficGenerator.Population;

namespace Payments.Tests.Traffic;

/// <summary>Each attack can be told from shopping by what it is known for, and by nothing that nobody could see.</summary>
public sealed class AttackSignatureTests
{
    private static readonly TrafficOptions Calm = new(Seed: 11, PaymentsPerDay: 4_000, Customers: 8_000, Merchants: 80) { Shares = FraudShares.None };

    [Fact]
    public void A_card_testing_tries_many_cards_from_few_addresses_with_small_amounts_and_is_mostly_declined()
    {
        var start = Calm.Begins.AddHours(10);
        var attack = Attack(FraudKind.CardTesting, new(FraudKind.CardTesting, start, TimeSpan.FromHours(1), Payments: 5_000, Addresses: 20));

        Assert.Equal(5_000, attack.Length);
        Assert.Equal(20, attack.Select(p => p.Ip).Distinct().Count());
        Assert.InRange(attack.Select(p => p.Card.Fingerprint).Distinct().Count(), 4_300, 4_800);
        Assert.InRange(attack.Select(p => p.Card.Bin).Distinct().Count(), 2, 40);
        Assert.All(attack, p => Assert.InRange(p.AmountUsd, .4m, 5.1m));
        Assert.InRange(attack.Count(p => p.Decline is not null), .78 * 5_000, .86 * 5_000);
        Assert.Single(attack.Select(p => p.Merchant.Number).Distinct());
        Assert.All(attack, p => Assert.True(p.At >= start && p.At < start.AddHours(1) && p.SessionSeconds < 10 && p.CustomerReference is null && !p.PassesChallenge));
    }

    [Fact]
    public void A_stolen_card_is_used_at_several_merchants_within_hours_from_one_new_device()
    {
        var attacks = Enumerable.Range(0, 40).Select(i => Attack(FraudKind.StolenCard, new(FraudKind.StolenCard, Calm.Begins.AddHours(1), TimeSpan.FromHours(3)), seed: i)).ToArray();
        Assert.All(attacks, attack =>
        {
            Assert.InRange(attack.Length, 3, 13);
            Assert.Single(attack.Select(p => p.Card.Fingerprint).Distinct());
            Assert.True(attack.Select(p => p.Device?.Id).OfType<string>().Distinct().Count() <= 1);
            Assert.All(attack, p => Assert.True(p.CustomerReference is null && p.Merchant.Category.Resale > 0));
            Assert.True(attack[^1].At - attack[0].At < TimeSpan.FromHours(3));
        });
        Assert.True(attacks.Count(a => a.Select(p => p.Merchant.Number).Distinct().Count() > 3) > 20);
        Assert.InRange(attacks.SelectMany(a => a).Count(p => p.PassesChallenge) / (double)attacks.Sum(a => a.Length), 0, .1);
    }

    [Fact]
    public void A_taken_over_account_keeps_its_name_and_card_but_not_its_device_or_place_to_ship_to()
    {
        foreach (var seed in Enumerable.Range(0, 20))
        {
            var stream = Days(40, [new(FraudKind.AccountTakeover, Calm.Begins.AddDays(39), TimeSpan.FromHours(1))], seed).ToArray();
            var attack = stream.Where(p => p.Fraud == FraudKind.AccountTakeover).ToArray();
            Assert.InRange(attack.Length, 1, 5);
            Assert.All(attack, p => Assert.NotNull(p.CustomerReference));
            var owner = stream.Where(p => p.Customer == attack[0].Customer && !p.IsFraud && p.Device is not null).ToArray();
            if (owner.Length == 0 || attack[0].Device is not { } device)
            {
                continue;
            }

            Assert.DoesNotContain(device.Id, owner.Select(p => p.Device!.Id));
            Assert.Contains(attack[0].Card.Fingerprint, owner.Select(p => p.Card.Fingerprint));
            Assert.DoesNotContain(attack[0].ShippingAddress ?? new("", "", "", ""), owner.Select(p => p.ShippingAddress).OfType<PostalAddress>());
            return;
        }

        Assert.Fail("No attack met a customer who had shopped before.");
    }

    [Fact]
    public void Friendly_fraud_shows_nothing_until_its_chargeback_comes()
    {
        var stream = TrafficFlow.Payments(Calm with { Shares = FraudShares.None with { FriendlyFraud = .01 } }).Take(60_000).ToArray();
        var (friendly, good) = (stream.Where(p => p.IsFraud).ToArray(), stream.Where(p => !p.IsFraud).ToArray());
        Assert.InRange(friendly.Length, 450, 750);
        Assert.All(friendly, p => Assert.True(p.KnownAt > p.At.AddDays(1) && p.KnownAt < p.At.AddDays(121)));
        Assert.InRange(Median(friendly.Select(p => (p.KnownAt!.Value - p.At).TotalDays)), 28, 42);
        Assert.InRange(Median(friendly.Select(p => (double)p.AmountUsd)) / Median(good.Select(p => (double)p.AmountUsd)), .7, 1.4);
        Assert.InRange(friendly.Count(p => p.PassesChallenge) / (double)friendly.Length, .9, .98);
        Assert.True(friendly.Select(p => p.Customer).Distinct().Count() < .8 * friendly.Length, "few customers, again and again");
    }

    [Fact]
    public void A_bust_out_is_harmless_for_a_month_and_gone_after_five_large_days()
    {
        var opened = Calm.Begins.AddDays(2);
        var stream = Days(40, [new(FraudKind.BustOut, opened, TimeSpan.FromDays(35))], 11).ToArray();
        var merchant = Assert.Single(stream.Where(p => p.Fraud == FraudKind.BustOut).Select(p => p.Merchant).Distinct());
        var (before, burst) = (stream.Where(p => p.Merchant == merchant && !p.IsFraud).ToArray(), stream.Where(p => p.Merchant == merchant && p.IsFraud).ToArray());

        Assert.InRange(before.Length, 130, 230);
        Assert.InRange(burst.Length, 100, 400);
        Assert.All(before, p => Assert.True(p.At >= opened && p.At < opened.AddDays(30)));
        Assert.All(burst, p => Assert.True(p.At >= opened.AddDays(30) && p.At < opened.AddDays(35)));
        Assert.InRange(Median(burst.Select(p => (double)p.AmountUsd)) / Median(before.Select(p => (double)p.AmountUsd)), 3, 6.5);
        Assert.True(burst.Length / 5.0 > 3 * (before.Length / 30.0), "many more a day");
        Assert.InRange(Median(burst.Where(p => p.KnownAt is not null).Select(p => (p.KnownAt!.Value - p.At).TotalDays)), 24, 37);
    }

    private static TrafficPayment[] Attack(FraudKind kind, PlannedAttack attack, int seed = 11) =>
        [.. Days((attack.StartsAt + attack.Duration - Calm.Begins).TotalDays + .01, [attack], seed).Where(p => p.Fraud == kind)];

    private static IEnumerable<TrafficPayment> Days(double days, PlannedAttack[] planned, int seed) =>
        TrafficFlow.Payments(Calm with { Seed = seed, Planned = planned }).TakeWhile(p => p.At < Calm.Begins.AddDays(days));

    private static double Median(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;
}
