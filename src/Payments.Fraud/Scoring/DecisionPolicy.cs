using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Rules;

namespace Payments.Fraud.Scoring;

/// <summary>What the decision makes of the hits of rules and lists, the model's score and the amount. Pure; tables.</summary>
internal static class DecisionPolicy
{
    /// <summary>Above it a score of 60 to 84 goes to a person, up to it the issuer is asked: 200 US dollars (<see cref="RiskAmounts"/>).</summary>
    public const decimal ReviewAboveUsCents = 20_000;

    /// <summary>The lowest score that is rejected whatever the amount.</summary>
    public const int RejectFrom = 85;

    /// <param name="From">Lowest score of the band.</param>
    /// <param name="AboveVerdict">The verdict above <see cref="ReviewAboveUsCents"/>.</param>
    private sealed record Band(int From, FraudVerdict Verdict, FraudVerdict AboveVerdict, ThreeDSecureRequest Authentication);

    //  score from, verdict up to $200,      above $200,           3-D Secure
    private static readonly Band[] Bands =
    [
        new(RejectFrom, FraudVerdict.Reject, FraudVerdict.Reject, ThreeDSecureRequest.None),
        new(60, FraudVerdict.Challenge, FraudVerdict.Review, ThreeDSecureRequest.None),
        new(30, FraudVerdict.Approve, FraudVerdict.Approve, ThreeDSecureRequest.NoPreference),
        new(0, FraudVerdict.Approve, FraudVerdict.Approve, ThreeDSecureRequest.None),
    ];

    // What speaks first decides; what is not in the table (the model) comes last, raised by the rules below an allowance.
    //   source,           action
    private static readonly (HitSource Source, RuleAction Action, int Score)[] Precedence =
    [
        (HitSource.List, RuleAction.Reject, 100),
        (HitSource.Rule, RuleAction.Reject, 90),
        (HitSource.List, RuleAction.Allow, 0),
        (HitSource.Rule, RuleAction.Allow, 0),
        (HitSource.Rule, RuleAction.Review, 65),
        (HitSource.Rule, RuleAction.Challenge, 60),
    ];

    /// <param name="marks">Factors that say how the decision came about (a model that did not answer in time).</param>
    public static FraudDecision Decide(IReadOnlyList<RuleHit> hits, ModelScore? model, long amountMinor, string currency, params IReadOnlyList<string> marks)
    {
        var modelScore = model is null ? 0 : Points(model.Score);
        var (source, action, floor) = Array.Find(Precedence, p => hits.Any(h => (h.Source, h.Action) == (p.Source, p.Action)));
        var decided = hits.Count > 0;
        var allowed = decided && action == RuleAction.Allow;
        var score = allowed ? 0 : Math.Max(modelScore, decided ? floor : 0);
        var (verdict, authentication) = allowed ? (FraudVerdict.Approve, ThreeDSecureRequest.None) : OfScore(modelScore, amountMinor, currency);
        if (decided && !allowed && VerdictOf(action) is var asked && asked > verdict)
        {
            (verdict, authentication) = (asked, asked == FraudVerdict.Challenge ? ThreeDSecureRequest.Challenge : ThreeDSecureRequest.None);
        }

        return new FraudDecision(score, verdict, Factors(hits, source, allowed, model, marks))
        {
            ThreeDSecure = authentication,
            Confidence = model?.Confidence,
            ModelVersion = model?.Version,
        };
    }

    /// <summary>A model's score as the bands take it.</summary>
    public static int Points(double score) => (int)Math.Clamp(Math.Round(score, MidpointRounding.AwayFromZero), 0, 100);

    private static (FraudVerdict Verdict, ThreeDSecureRequest Authentication) OfScore(int score, long amountMinor, string currency)
    {
        var band = Array.Find(Bands, b => score >= b.From)!;
        var verdict = RiskAmounts.InUsCents(amountMinor, currency) > ReviewAboveUsCents ? band.AboveVerdict : band.Verdict;
        return (verdict, verdict == FraudVerdict.Challenge ? ThreeDSecureRequest.Challenge : band.Authentication);
    }

    private static FraudVerdict VerdictOf(RuleAction action) => action switch
    {
        RuleAction.Reject => FraudVerdict.Reject,
        RuleAction.Review => FraudVerdict.Review,
        RuleAction.Challenge => FraudVerdict.Challenge,
        _ => FraudVerdict.Approve,
    };

    /// <summary>The hits by precedence, then the model's factors that speak for fraud; under an allowance only what allowed.</summary>
    private static IReadOnlyList<string> Factors(IReadOnlyList<RuleHit> hits, HitSource source, bool allowed, ModelScore? model, IReadOnlyList<string> marks)
    {
        if (hits.Count == 0 && marks.Count == 0 && (model is null || model.Factors.Count == 0))
        {
            return [];
        }

        var told = allowed ? hits.Where(h => h.Source == source && h.Action == RuleAction.Allow) : hits.OrderBy(Rank);
        var modelled = allowed || model is null ? [] : model.Factors.Where(f => f.Contribution > 0).Select(f => f.Name);
        return [.. told.Select(h => h.Reason).Concat(modelled).Concat(marks).Distinct(StringComparer.Ordinal)];
    }

    private static int Rank(RuleHit hit) => Array.FindIndex(Precedence, p => p.Source == hit.Source && p.Action == hit.Action);
}
