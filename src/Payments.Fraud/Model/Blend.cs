namespace Payments.Fraud.Model;

/// <summary>
/// How much a merchant's own model counts beside that of all merchants, by the payments of the merchant that it was trained on: none up to
/// a thousand, then more with every payment, and four fifths from ten thousand on. The rest stays with the model of all, which has seen
/// attacks that this merchant has not.
/// </summary>
public static class Blend
{
    public const long MixedFrom = 1_000;

    public const long MostlyOwnFrom = 10_000;

    public const double MostOwn = 0.8;

    public static double OwnWeight(long payments) =>
        MostOwn * Math.Clamp((double)(payments - MixedFrom) / (MostlyOwnFrom - MixedFrom), 0, 1);

    /// <summary>Probabilities mixed as log-odds, so that a certain one is not drowned by an undecided one.</summary>
    public static double Mix(double global, double own, double ownWeight)
    {
        const double least = 1e-6;
        return ownWeight <= 0 ? global : 1 / (1 + Math.Exp(-((1 - ownWeight) * LogOdds(global) + ownWeight * LogOdds(own))));

        static double LogOdds(double probability)
        {
            var inside = Math.Clamp(probability, least, 1 - least);
            return Math.Log(inside / (1 - inside));
        }
    }
}
