using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Payments.Core.Seams;
using Payments.Fraud.Metrics;

namespace Payments.Fraud;

internal static class FraudTelemetry
{
    private const string Name = "Payments.Fraud";

    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "payments.fraud.score.duration", "s", "Duration of one decision.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] });

    static FraudTelemetry() => Meter.CreateObservableGauge(
        "payments.fraud.risk", () => Risk.Select(r => new Measurement<double>(r.Value, new("payments.metric", r.Metric), new("payments.mode", r.Mode), new("payments.unit", r.Unit))),
        "1", "The risk metrics of the last 30 days, by name.");

    public static ActivitySource Source { get; } = new(Name);

    /// <summary>As computed last.</summary>
    public static ImmutableArray<RiskMeasurement> Risk { get; set; } = [];

    public static void Record(FraudDecision decision, TimeSpan took) =>
        Duration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("payments.verdict", decision.Verdict.ToString().ToLowerInvariant()));
}
