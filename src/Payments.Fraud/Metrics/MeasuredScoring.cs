using Payments.Core.Seams;
using Payments.Fraud.Scoring;

namespace Payments.Fraud.Metrics;

/// <summary>Decisions, measured.</summary>
internal sealed class MeasuredScorer(IFraudScorer inner, DecisionTimes times, TimeProvider time) : IFraudScorer
{
    public async Task<FraudDecision> ScoreAsync(FraudRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var began = time.GetTimestamp();
        var decision = await inner.ScoreAsync(request, cancellationToken);
        times.Record(request.Mode, TimedKind.Decision, time.GetElapsedTime(began));
        return decision;
    }
}

/// <summary>The model, measured where there is one.</summary>
internal sealed class MeasuredModel(IModelScorer inner, DecisionTimes times, TimeProvider time) : IModelScorer
{
    public async ValueTask<ModelScore?> ScoreAsync(FraudRequest request, ScoringMoment moment, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var score = await inner.ScoreAsync(request, moment, cancellationToken);
        if (score is not null)
        {
            times.Record(request.Mode, TimedKind.Model, time.GetElapsedTime(began));
        }

        return score;
    }
}
