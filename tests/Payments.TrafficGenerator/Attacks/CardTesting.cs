using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator.Attacks;

/// <summary>A list of stolen cards, of few issuers, is tried out at one merchant by programs behind few addresses.</summary>
internal static class CardTesting
{
    public const int Least = 100;
    public const int Most = 500;

    private static readonly (string Code, double Share)[] Declines =
        [("incorrect_cvc", 34), ("do_not_honor", 24), ("generic_decline", 20), ("expired_card", 10), ("insufficient_funds", 6), ("lost_card", 3), ("stolen_card", 3)];

    public static IEnumerable<TrafficPayment> Payments(World world, Shopping shopping, Dice dice, PlannedAttack attack, long campaign)
    {
        var addresses = Enumerable.Range(0, attack.Addresses).Select(_ => Networks.Hosting(dice)).ToArray();
        var devices = addresses.Select(_ => Device.Script(dice)).ToArray();
        var merchant = world.AnyMerchant(Country.All[0], attack.StartsAt, dice, m => m.Tells == Telling.Everything && m.Category.Median <= 60 ? 1 : 0);
        var lists = Enumerable.Range(0, 2 + dice.Below(3)).Select(_ => (Country: Country.Draw(dice), Issuer: dice.Below(Card.Issuers))).ToArray();
        var (card, tries) = (default(Card), 0);
        var listed = 0L;
        foreach (var at in Campaign.Moments(attack, attack.Payments, dice))
        {
            // A card that was refused for its code is tried with another code now and then.
            if (card is null || tries == 3 || !dice.Chance(.1))
            {
                var list = dice.Pick(lists);
                card = Card.Draw(world.Seed, -((campaign * 1_000_000) + ++listed), list.Country, list.Issuer);
                tries = 0;
            }

            tries++;
            var which = dice.Below(addresses.Length);
            var declined = dice.Chance(.82);
            yield return new TrafficPayment
            {
                At = at,
                Merchant = merchant,
                AmountMinor = merchant.Country.Minor(dice.Between(.5, 5)),
                Card = card,
                Ip = addresses[which],
                Device = dice.Chance(.4) ? devices[which] : Device.Script(dice),
                Email = Campaign.FreshEmail(dice),
                BillingAddress = dice.Chance(.5) ? PostalAddress.Draw(dice, Country.All.First(c => c.Code == card.Country)) : null,
                SessionSeconds = 1 + dice.Below(6),
                Attempt = tries,
                Decline = declined ? dice.Pick(Declines, d => d.Share).Code : null,
                PassesChallenge = false,
                Fraud = FraudKind.CardTesting,
                // Many owners do not notice so small an amount.
                KnownAt = !declined && dice.Chance(.5) ? at + Shopping.Delay(dice, 14) : null,
                Campaign = campaign,
            };
        }
    }
}
