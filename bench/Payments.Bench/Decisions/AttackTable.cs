using System.Globalization;
using Payments.Core;
using Payments.TrafficGenerator;

namespace Payments.Bench.Decisions;

/// <summary>What became of an attack and of the honest payments around it.</summary>
/// <param name="First">Attempts that were among the first five of their address: nothing can tell them yet.</param>
/// <param name="StoppedAfterFirst">Rejected, of those after the first five of their address.</param>
/// <param name="Hindered">Honest payments that were rejected, or that met more than the same payment meets without the attack.</param>
internal sealed record AttackTable(
    int Attempts, int Addresses, int First, int StoppedOfFirst, int AfterFirst, int StoppedAfterFirst, int TestedGood,
    int Good, int GoodRejected, int GoodReviewed, int GoodChallenged, int GoodReviewedWithout, int GoodChallengedWithout, int Hindered, int NotRejectedAfterFirst, int CountedByDatabase)
{
    public const int FirstOfAddress = 5;

    public double StoppedShare => (double)StoppedAfterFirst / AfterFirst;

    public double HinderedShare => (double)Hindered / Good;

    public static AttackTable Of(IReadOnlyList<Decided> with, IReadOnlyList<Decided> without)
    {
        ArgumentNullException.ThrowIfNull(with);
        ArgumentNullException.ThrowIfNull(without);
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        var attack = with.Where(d => d.Payment.IsFraud).Select(d => (d.Decision, d.Payment, Place: seen[d.Payment.Ip!] = seen.GetValueOrDefault(d.Payment.Ip!) + 1)).ToArray();
        var (first, after) = (attack.Where(a => a.Place <= FirstOfAddress).ToArray(), attack.Where(a => a.Place > FirstOfAddress).ToArray());
        var good = with.Where(d => !d.Payment.IsFraud).ToArray();
        var calm = without.ToDictionary(d => (d.Payment.At, d.Payment.Card.Number, d.Payment.AmountMinor), d => d.Decision.Verdict);
        return new(
            attack.Length,
            seen.Count,
            first.Length,
            first.Count(a => a.Decision.Verdict == FraudVerdict.Reject),
            after.Length,
            after.Count(a => a.Decision.Verdict == FraudVerdict.Reject),
            attack.Count(a => a.Decision.Verdict is FraudVerdict.Approve or FraudVerdict.Review && a.Payment.Decline is null),
            good.Length,
            good.Count(d => d.Decision.Verdict == FraudVerdict.Reject),
            good.Count(d => d.Decision.Verdict == FraudVerdict.Review),
            good.Count(d => d.Decision.Verdict == FraudVerdict.Challenge),
            without.Count(d => d.Decision.Verdict == FraudVerdict.Review),
            without.Count(d => d.Decision.Verdict == FraudVerdict.Challenge),
            good.Count(d => d.Decision.Verdict == FraudVerdict.Reject || d.Decision.Verdict > calm[(d.Payment.At, d.Payment.Card.Number, d.Payment.AmountMinor)]),
            after.Count(a => a.Decision.Verdict != FraudVerdict.Reject),
            with.Count(d => d.Decision.Factors.Contains(Payments.Fraud.Scoring.FraudScorer.FromDatabase)));
    }

    public IEnumerable<string> Lines()
    {
        yield return Line("attempts of the attack", Attempts, null);
        yield return Line("addresses", Addresses, null);
        yield return Line($"among the first {FirstOfAddress} of their address", First, null);
        yield return Line("  of these rejected", StoppedOfFirst, (double)StoppedOfFirst / First);
        yield return Line("after them", AfterFirst, null);
        yield return Line("  of these rejected", StoppedAfterFirst, StoppedShare);
        yield return Line("  held, challenged or approved", NotRejectedAfterFirst, (double)NotRejectedAfterFirst / AfterFirst);
        yield return Line("cards that an issuer approved, held ones too", TestedGood, (double)TestedGood / Attempts);
        yield return Line("good payments meanwhile", Good, null);
        yield return Line("  rejected", GoodRejected, (double)GoodRejected / Good);
        yield return Line("  held for review (without the attack)", GoodReviewed, (double)GoodReviewed / Good, GoodReviewedWithout);
        yield return Line("  challenged (without the attack)", GoodChallenged, (double)GoodChallenged / Good, GoodChallengedWithout);
        yield return Line("  hindered: rejected, or more than without", Hindered, HinderedShare);
        yield return Line("decisions with the database's counters", CountedByDatabase, null);
    }

    private static string Line(string what, int count, double? share, int? compared = null) => string.Create(
        CultureInfo.InvariantCulture, $"{what,-44} {count,8} {(share is { } part ? part.ToString("P2", CultureInfo.InvariantCulture) : ""),10} {(compared is { } other ? $"({other})" : "")}").TrimEnd();
}
