using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator.Attacks;

/// <summary>A stolen card buys what can be sold again, at several merchants, until the issuer stops it.</summary>
internal static class StolenCardSpree
{
    public const int Least = 3;
    public const int Most = 13;

    public static IEnumerable<TrafficPayment> Payments(World world, Shopping shopping, Dice dice, PlannedAttack attack, long campaign)
    {
        var victim = world.AnyCustomer(attack.StartsAt, dice);
        var device = Device.Draw(dice);
        var ip = dice.Chance(.5) ? Networks.Access(victim.Country, dice, sixth: false) : dice.Chance(.5) ? Networks.Hosting(dice) : Networks.Access(Country.Draw(dice), dice, sixth: false);
        var drop = PostalAddress.Draw(dice, dice.Chance(.7) ? victim.Country : Country.Draw(dice));
        var knowsHome = dice.Chance(.6);
        var email = Campaign.FreshEmail(dice);
        var refused = false;
        var made = 0;
        foreach (var at in Campaign.Moments(attack, Least + dice.Below(Most - Least + 1), dice))
        {
            var merchant = world.AnyMerchant(victim.Country, at, dice, m => m.Category.Resale / 6);
            refused = dice.Chance(refused ? .8 : .08 + (.06 * made++));
            yield return new TrafficPayment
            {
                At = at,
                Merchant = merchant,
                AmountMinor = merchant.Basket(dice, dice.Between(1.5, 4)),
                Card = victim.Cards[0],
                Ip = ip,
                Device = device,
                Email = email,
                BillingAddress = knowsHome ? victim.Home : drop,
                ShippingAddress = merchant.Category.Digital ? null : drop,
                SessionSeconds = 20 + dice.Below(120),
                Decline = refused ? dice.Chance(.4) ? "stolen_card" : "do_not_honor" : null,
                PassesChallenge = dice.Chance(.04),
                Fraud = FraudKind.StolenCard,
                KnownAt = refused ? null : at + Shopping.Delay(dice, 16),
                Campaign = campaign,
            }.AsTold();
        }
    }
}
