using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator.Attacks;

/// <summary>A new merchant is harmless for weeks, then takes many large payments within days and vanishes; chargebacks follow.</summary>
internal static class BustOut
{
    public const int Least = 100;
    public const int Most = 400;
    public const int HarmlessDays = 30;
    public const int BurstDays = 5;

    private const double HarmlessPerDay = 6;
    private const int FirstNumber = 1_000_000;

    public static IEnumerable<TrafficPayment> Payments(World world, Shopping shopping, Dice dice, PlannedAttack attack, long campaign)
    {
        var merchant = world.Opened(FirstNumber + (int)campaign, attack.StartsAt, Category.Named(dice.Chance(.5) ? "electronics" : "fashion"));
        var harmless = attack with { Duration = TimeSpan.FromDays(HarmlessDays) };
        foreach (var at in Campaign.Moments(harmless, dice.Poisson(HarmlessDays * HarmlessPerDay), dice))
        {
            yield return shopping.Buy(shopping.Somebody(at, dice), at, dice, merchant) with { Campaign = campaign, Fraud = FraudKind.None, KnownAt = null };
        }

        var burst = new PlannedAttack(attack.Kind, attack.StartsAt.AddDays(HarmlessDays), TimeSpan.FromDays(BurstDays));
        foreach (var at in Campaign.Moments(burst, Least + dice.Below(Most - Least + 1), dice))
        {
            var payment = shopping.Buy(shopping.Somebody(at, dice), at, dice, merchant);
            yield return payment with
            {
                AmountMinor = (long)(payment.AmountMinor * dice.Between(3, 6)),
                Fraud = FraudKind.BustOut,
                KnownAt = payment.Decline is null ? at + Shopping.Delay(dice, 30) : null,
                Campaign = campaign,
            };
        }
    }
}
