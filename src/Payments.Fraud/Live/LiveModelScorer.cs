using System.Buffers;
using System.Diagnostics;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Fraud.Features;
using Payments.Fraud.Scoring;
using Payments.Fraud.Velocity;
using ModelScore = Payments.Fraud.Scoring.ModelScore;

namespace Payments.Fraud.Live;

/// <summary>
/// The model on the payment path: describes the payment, counts it, scores it with the models in use, and hands on what is kept of it.
/// It never waits. Without a champion the payment is described and kept all the same, so that a first model can be trained.
/// </summary>
internal sealed class LiveModelScorer(LiveFeatures features, LoadedModels models, ScoredRows rows, ModelMetrics metrics) : IModelScorer
{
    /// <summary>From this score on a payment is more than plainly approved, and its reasons are exact.</summary>
    public const double PlainBelow = 30;

    private const int MostFactors = 5;

    public ValueTask<ModelScore?> ScoreAsync(FraudRequest request, ScoringMoment moment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new(features.Ready ? Score(request, moment) : null);
    }

    private ModelScore? Score(FraudRequest request, ScoringMoment moment)
    {
        var began = Stopwatch.GetTimestamp();
        var row = ArrayPool<float>.Shared.Rent(FeatureCatalogue.Count);
        try
        {
            return Score(request, moment, row.AsSpan(0, FeatureCatalogue.Count), began);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(row);
        }
    }

    private ModelScore? Score(FraudRequest request, ScoringMoment moment, Span<float> row, long began)
    {
        var fact = RequestFacts.Of(request, moment.Keys, moment.IpCountry, moment.At);
        var trace = features.Attempt(request.Mode, request.PaymentId.Value, fact, row);
        var set = models.Of(request.Mode);
        var deciding = set.For(request.MerchantId);
        var score = deciding?.Score(row);
        var shadow = set.Challenger?.Scorer.Score(row).Score;
        rows.Add(new(
            request.PaymentId, request.Mode, request.MerchantId, moment.At, trace, FeatureRowCode.Encode(row),
            deciding?.Champion.Record.Id, deciding?.Own?.Record.Id, deciding?.OwnWeight ?? 0, score?.Probability * 100, set.Challenger?.Record.Id, shadow));
        if (deciding is not { } by || score is not { } decided)
        {
            return null;
        }

        var points = 100 * decided.Probability;
        by.Champion.Drift.Count(row, (float)points, moment.At);
        var exact = points >= PlainBelow;
        var factors = ModelReasons.Of(by.Champion, by.Own, by.OwnWeight, row, exact);
        metrics.Answered(Stopwatch.GetElapsedTime(began), exact);
        return new(
            points, decided.Confidence, by.Version,
            [.. factors.Where(f => f.Contribution > 0).Take(MostFactors).Select(f => new ModelFactor(f.Name, f.Contribution, f.Feature, f.Value))]);
    }
}
