using Payments.Core.Seams;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Scoring;

/// <summary>
/// The model as the decision sees it. It may be absent (null), fail or be slow: beyond <see cref="ModelWithinLimit.Limit"/> the rules
/// decide alone. An implementation that has to wait awaits; it never blocks its thread.
/// </summary>
internal interface IModelScorer
{
    /// <returns>Null where no model stands ready for this payment.</returns>
    ValueTask<ModelScore?> ScoreAsync(FraudRequest request, ScoringMoment moment, CancellationToken cancellationToken);
}

/// <summary>What scoring may know beyond the request itself.</summary>
/// <param name="At">When the attempt was made, by Redis' clock or the database's, never the process's.</param>
/// <param name="Keys">Keyed hashes of those who take part: what history may be kept under.</param>
/// <param name="Velocity">The counters, this attempt included.</param>
internal sealed record ScoringMoment(DateTimeOffset At, EntityKeys Keys, VelocityReading Velocity)
{
    /// <summary>ISO 3166 alpha-2 of the IP address; null where it is unknown.</summary>
    public string? IpCountry { get; init; }
}

/// <param name="Score">0 (good) to 100 (fraud), calibrated.</param>
/// <param name="Confidence">0 to 1.</param>
/// <param name="Factors">Strongest first.</param>
internal sealed record ModelScore(double Score, double Confidence, string Version, IReadOnlyList<ModelFactor> Factors);

/// <summary>A named risk factor.</summary>
/// <param name="Contribution">To the raw score; above 0 speaks for fraud.</param>
/// <param name="Feature">The feature that contributed most of it.</param>
/// <param name="Value">That feature's value; null where it is unknown.</param>
internal sealed record ModelFactor(string Name, double Contribution, string Feature, double? Value);

/// <summary>No model: rules alone decide.</summary>
internal sealed class NoModel : IModelScorer
{
    public ValueTask<ModelScore?> ScoreAsync(FraudRequest request, ScoringMoment moment, CancellationToken cancellationToken) => default;
}
