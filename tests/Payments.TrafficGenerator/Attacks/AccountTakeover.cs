using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator.Attacks;

/// <summary>Somebody else uses a customer's account and the card kept there: another device, another address, another place to ship to.</summary>
internal static class AccountTakeover
{
    public const int Least = 1;
    public const int Most = 5;

    public static IEnumerable<TrafficPayment> Payments(World world, Shopping shopping, Dice dice, PlannedAttack attack, long campaign)
    {
        Customer victim;
        do
        {
            victim = world.AnyCustomer(attack.StartsAt, dice);
        }
        while (!victim.HasAccounts);

        var merchant = world.MerchantFor(victim, attack.StartsAt, dice);
        var device = Device.Draw(dice);
        var ip = dice.Chance(.4) ? Networks.Access(victim.Country, dice, sixth: false) : dice.Chance(.5) ? Networks.Hosting(dice) : Networks.Access(Country.Draw(dice), dice, sixth: false);
        var drop = PostalAddress.Draw(dice, dice.Chance(.7) ? victim.Country : Country.Draw(dice));
        var email = dice.Chance(.7) ? victim.Email : Campaign.FreshEmail(dice);
        var account = world.AccountOf(victim, merchant, attack.StartsAt);
        foreach (var at in Campaign.Moments(attack, Least + dice.Below(Most - Least + 1), dice))
        {
            var declined = dice.Chance(.1);
            yield return new TrafficPayment
            {
                At = at,
                Customer = victim.Number,
                Merchant = merchant,
                AmountMinor = merchant.Basket(dice, victim.SpendFactor * dice.Between(2, 6)),
                Card = victim.Cards[0],
                CustomerReference = account?.Reference,
                AccountCreatedAt = account?.Since,
                Ip = ip,
                Device = device,
                Email = email,
                BillingAddress = victim.Home,
                ShippingAddress = merchant.Category.Digital ? null : drop,
                SessionSeconds = 40 + dice.Below(260),
                Decline = declined ? "do_not_honor" : null,
                PassesChallenge = dice.Chance(.15),
                Fraud = FraudKind.AccountTakeover,
                KnownAt = declined ? null : at + Shopping.Delay(dice, 18),
                Campaign = campaign,
            }.AsTold();
        }
    }
}
