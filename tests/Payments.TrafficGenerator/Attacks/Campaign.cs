using Payments.TrafficGenerator.Population;

namespace Payments.TrafficGenerator.Attacks;

/// <summary>How one kind of attack goes.</summary>
/// <param name="MeanPayments">How many fraudulent payments one attack makes in the mean.</param>
/// <param name="LongestDays">No attack lasts longer: the stream looks so far back for those that run when it begins.</param>
internal sealed record Campaign(FraudKind Kind, double MeanPayments, int LongestDays, Func<World, Shopping, Dice, PlannedAttack, long, IEnumerable<TrafficPayment>> Payments)
{
    public static IReadOnlyList<Campaign> All { get; } =
    [
        new(FraudKind.CardTesting, (CardTesting.Least + CardTesting.Most) / 2.0, 1, CardTesting.Payments),
        new(FraudKind.StolenCard, (StolenCardSpree.Least + StolenCardSpree.Most) / 2.0, 1, StolenCardSpree.Payments),
        new(FraudKind.AccountTakeover, (AccountTakeover.Least + AccountTakeover.Most) / 2.0, 1, AccountTakeover.Payments),
        new(FraudKind.BustOut, (BustOut.Least + BustOut.Most) / 2.0, BustOut.HarmlessDays + BustOut.BurstDays + 1, BustOut.Payments),
    ];

    public static Campaign Of(FraudKind kind) => All.First(c => c.Kind == kind);

    /// <summary>An attack as it comes by itself.</summary>
    public PlannedAttack Drawn(DateTimeOffset startsAt, Dice dice) => Kind switch
    {
        FraudKind.CardTesting => new(
            Kind, startsAt, TimeSpan.FromMinutes(dice.Between(20, 300)), CardTesting.Least + dice.Below(CardTesting.Most - CardTesting.Least + 1), 3 + dice.Below(22)),
        FraudKind.StolenCard => new(Kind, startsAt, TimeSpan.FromMinutes(dice.Between(30, 360))),
        FraudKind.AccountTakeover => new(Kind, startsAt, TimeSpan.FromMinutes(dice.Between(10, 180))),
        _ => new(Kind, startsAt, TimeSpan.FromDays(BustOut.HarmlessDays + BustOut.BurstDays)),
    };

    /// <summary>Moments within an attack, in order.</summary>
    public static DateTimeOffset[] Moments(PlannedAttack attack, int count, Dice dice)
    {
        var moments = new DateTimeOffset[count];
        for (var i = 0; i < count; i++)
        {
            moments[i] = attack.StartsAt.AddMilliseconds(Math.Floor(dice.Fraction() * attack.Duration.TotalMilliseconds));
        }

        Array.Sort(moments);
        return moments;
    }

    /// <summary>An e-mail address made for the purpose.</summary>
    public static string FreshEmail(Dice dice) => $"{dice.Hex(9)}@{dice.Pick(FreshDomains)}";

    private static readonly string[] FreshDomains = ["mail.example", "inbox.example", "brief.example", "gone-tomorrow.example"];
}
