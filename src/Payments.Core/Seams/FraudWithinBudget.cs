using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Payments.Core.Seams;

/// <summary>Up to which amounts a payment goes on while scoring is late or down, in US cents (<see cref="RiskAmounts"/>).</summary>
public sealed record FraudDefault
{
    /// <summary>Approved, with authentication that the issuer decides about. 50 US dollars.</summary>
    public decimal ApproveUpToUsCents { get; set; } = 5_000;

    /// <summary>Approved after a challenge; beyond it a person decides. 500 US dollars.</summary>
    public decimal ChallengeUpToUsCents { get; set; } = 50_000;
}

/// <summary>
/// What is decided when scoring is late or down, by amount: small amounts are approved with authentication that the issuer decides
/// about, larger ones only after a challenge, and the largest are held for a person, and so is what nobody can be challenged about. A payment is not refused because a service of ours
/// is down, and nobody gains a large one by bringing it down.
/// </summary>
public static class FraudFallback
{
    /// <summary>The factor that marks a decision made without scoring.</summary>
    public const string Factor = "fraud_unavailable";

    public static FraudDecision Decide(FraudRequest request, FraudDefault limits)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(limits);
        var amount = RiskAmounts.InUsCents(request.AmountMinor, request.Currency);
        var (verdict, authentication) =
            amount <= limits.ApproveUpToUsCents ? (FraudVerdict.Approve, ThreeDSecureRequest.NoPreference)
            : amount <= limits.ChallengeUpToUsCents && request.Method != FraudMethods.BankTransfer ? (FraudVerdict.Challenge, ThreeDSecureRequest.Challenge)
            : (FraudVerdict.Review, ThreeDSecureRequest.None);
        return new FraudDecision(0, verdict, [Factor]) { ThreeDSecure = authentication };
    }
}

/// <summary>
/// A scorer that answers in time: late or failed scoring becomes <see cref="FraudFallback"/>, counted, marked on the trace and told to
/// <paramref name="unavailable"/>, which logs.
/// </summary>
/// <param name="reasonOf">Names why a call failed other than by being late; null where it simply failed.</param>
public sealed class FraudWithinBudget(
    IFraudScorer inner, TimeProvider time, TimeSpan budget, FraudDefault limits, Action<FraudRequest, Exception> unavailable, Func<Exception, string?>? reasonOf = null) : IFraudScorer
{
    private static readonly Meter Meter = new("Payments.Fraud");
    private static readonly Counter<long> Fallbacks = Meter.CreateCounter<long>("payments.fraud.fallbacks", "{decision}", "Decisions made without scoring.");
    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "payments.fraud.decision.duration", "s", "How long the payment path waited for a decision, the default included.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 1] });

    public async Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        using var limit = new CancellationTokenSource(budget, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // A scorer that ignores its token must not hold the payment up either.
            return await inner.ScoreAsync(request, either.Token).WaitAsync(either.Token);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            var why = limit.IsCancellationRequested ? "late" : reasonOf?.Invoke(e) ?? "failed";
            Fallbacks.Add(1, new KeyValuePair<string, object?>("payments.reason", why));
            Activity.Current?.AddEvent(new ActivityEvent(FraudFallback.Factor, tags: new() { ["payments.reason"] = why, ["exception.type"] = e.GetType().FullName }));
            unavailable(request, e);
            return FraudFallback.Decide(request, limits);
        }
        finally
        {
            Duration.Record(time.GetElapsedTime(began).TotalSeconds);
        }
    }
}
