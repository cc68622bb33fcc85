using System.Diagnostics;
using Payments.Core.Seams;
using Payments.Fraud.Rules;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Scoring;

/// <summary>
/// Decides about a payment once: counts the attempt, asks rules, lists and the model, and keeps the decision with what it was made of.
/// The same payment gets the same decision for ever.
/// <para>
/// Who asks may go when its time is over. Waiting for a turn ends then, a statement that has begun does not: to have it ended costs the
/// database a connection, and this process a thread until it stands, just when both have too much to do (ADR 0123).
/// </para>
/// </summary>
internal sealed class FraudScorer(
    EntityHash hash, VelocityCounters velocity, RuleBooks books, MerchantHabits habits, IpCountries countries, ModelWithinLimit model, DecisionWriter writer) : IFraudScorer
{
    /// <summary>Marks a decision whose counters came from the database because Redis was away.</summary>
    public const string FromDatabase = "velocity_from_database";

    /// <summary>An approval of the last month is known without asking for those of all time.</summary>
    private static readonly VelocityCounter Bought = VelocityCounter.Find("card_merchant.approvals_30d")!;

    public async Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var span = FraudTelemetry.Source.StartActivity("fraud score");
        var began = Stopwatch.GetTimestamp();
        var keys = hash.Of(request);
        var book = await books.CurrentAsync(cancellationToken);
        var observed = await velocity.ObserveAsync(request, keys, cancellationToken);
        var facts = PaymentFacts.Of(request, keys, observed, countries.Find(request.Context?.Ip), await habits.SigmasAsync(request));
        if (book.DependsOnFirstPurchase(request, facts))
        {
            var bought = observed.Reading[Bought] > 0 || await habits.HasBoughtAsync(request, keys.Card);
            facts = facts with { FirstPurchase = !bought };
        }

        var answer = await model.ScoreAsync(request, new ScoringMoment(observed.At, keys, observed.Reading) { IpCountry = facts.IpCountry }, cancellationToken);
        string[] marks = (answer.Unavailable, observed.FromDatabase) switch
        {
            (true, true) => [ModelWithinLimit.Mark, FromDatabase],
            (true, false) => [ModelWithinLimit.Mark],
            (false, true) => [FromDatabase],
            _ => [],
        };
        var decided = DecisionPolicy.Decide(book.Judge(request, keys, facts), answer.Score, request.AmountMinor, request.Currency, marks);
        var decision = await writer.KeepAsync(new DecisionRow(request, keys, observed, facts, decided, answer.Score?.Factors ?? [], marks), cancellationToken);
        FraudTelemetry.Record(decision, Stopwatch.GetElapsedTime(began));
        span?.SetTag("payments.verdict", decision.Verdict.ToString().ToLowerInvariant());
        return decision;
    }
}
