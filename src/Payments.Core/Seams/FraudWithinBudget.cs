using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Payments.Core.Seams;

/// <summary>What is decided when scoring is late or down.</summary>
public static class FraudFallback
{
    /// <summary>The factor that marks a decision made without scoring.</summary>
    public const string Factor = "fraud_unavailable";

    /// <summary>
    /// Approve. A payment is not refused, nor a customer challenged, because a service of ours is down; the factor marks it for
    /// whoever looks later. The rules that need no service state belong here as they come.
    /// </summary>
    public static FraudDecision Decide(FraudRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new FraudDecision(0, FraudVerdict.Approve, [Factor]);
    }
}

/// <summary>
/// A scorer that answers in time: late or failed scoring becomes <see cref="FraudFallback"/>, counted, marked on the trace and told to
/// <paramref name="unavailable"/>, which logs.
/// </summary>
public sealed class FraudWithinBudget(IFraudScorer inner, TimeProvider time, TimeSpan budget, Action<FraudRequest, Exception> unavailable) : IFraudScorer
{
    private static readonly Meter Meter = new("Payments.Fraud");
    private static readonly Counter<long> Fallbacks = Meter.CreateCounter<long>("payments.fraud.fallbacks", "{decision}", "Decisions made without scoring.");

    public async Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(budget, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // A scorer that ignores its token must not hold the payment up either.
            return await inner.ScoreAsync(request, either.Token).WaitAsync(either.Token);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            var why = limit.IsCancellationRequested ? "late" : "failed";
            Fallbacks.Add(1, new KeyValuePair<string, object?>("payments.reason", why));
            Activity.Current?.AddEvent(new ActivityEvent(FraudFallback.Factor, tags: new() { ["payments.reason"] = why, ["exception.type"] = e.GetType().FullName }));
            unavailable(request, e);
            return FraudFallback.Decide(request);
        }
    }
}
