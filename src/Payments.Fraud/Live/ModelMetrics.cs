using System.Diagnostics.Metrics;

namespace Payments.Fraud.Live;

/// <summary>Measures of the model at work. Drift is the population stability index against the champion's training, of recent payments of this process.</summary>
internal sealed class ModelMetrics : IDisposable
{
    public const string Name = "Payments.Fraud.Model";

    private readonly Meter meter = new(Name);
    private readonly Histogram<double> duration;
    private readonly Counter<long> lost;
    private readonly Counter<long> lookedAgain;

    public ModelMetrics(LoadedModels models, LiveFeatures features)
    {
        duration = meter.CreateHistogram(
            "payments.fraud.model.duration", "s", "Duration of a model's answer: features, score and reasons.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05] });
        lost = meter.CreateCounter<long>("payments.fraud.model.rows_lost", "{row}", "Scored payments whose features could not be kept.");
        lookedAgain = meter.CreateCounter<long>("payments.fraud.second_looks", "{payment}", "Payments scored again after their decision, by what came of it.");
        meter.CreateObservableGauge("payments.fraud.model.drift", () => models.Drift(), "1", "Population stability index of each feature and of the score; above 0.25 much has changed.");
        meter.CreateObservableGauge("payments.fraud.model.parties", () => features.PartyCount, "{party}", "Cards, merchants, customers, addresses and devices in the state of features.");
    }

    public void Answered(TimeSpan took, bool exact) => duration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("payments.fraud.reasons", exact ? "exact" : "path"));

    public void RowsLost(int rows) => lost.Add(rows);

    public void LookedAgain(bool suspected) => lookedAgain.Add(1, new KeyValuePair<string, object?>("payments.fraud.result", suspected ? "suspected" : "kept"));

    public void Dispose() => meter.Dispose();
}
