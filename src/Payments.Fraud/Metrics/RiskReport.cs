using System.Collections.Immutable;
using Payments.Core;

namespace Payments.Fraud.Metrics;

/// <summary>One figure with what it was made of.</summary>
/// <param name="Value">Null where there is nothing to divide by, or nothing was measured.</param>
/// <param name="Unit">ratio or seconds.</param>
/// <param name="Numerator">Null for durations.</param>
/// <param name="Denominator">For durations, how many were measured.</param>
internal sealed record RiskValue(string Name, double? Value, string Unit, long? Numerator, long Denominator, TargetView? Target, bool? WithinTarget, string Definition)
{
    public string Object { get; } = "risk_metric";
}

/// <param name="Is">below or above.</param>
internal sealed record TargetView(string Is, double Value);

/// <summary>The risk dashboard's figures of one period.</summary>
internal sealed record RiskReport(DateTimeOffset From, DateTimeOffset To, Mode Mode, MerchantId? MerchantId, long ReviewsOpen, ImmutableArray<RiskValue> Metrics)
{
    public string Object { get; } = "risk_metrics";

    public static RiskReport Of(RiskPeriod period, RiskFigures figures)
    {
        var shares = RiskMetric.Shares.Select(m =>
        {
            var (numerator, denominator) = (figures.Counts[m.Numerator], figures.Counts[m.Denominator]);
            return Value(m.Name, denominator == 0 ? null : (double)numerator / denominator, "ratio", numerator, denominator, m.Target, m.Definition);
        });
        var reviews = RiskDuration.Reviews.Select((d, i) => Value(d.Name, figures.QueueSeconds[i], "seconds", null, figures.Counts["reviews_decided"], d.Target, d.Definition));
        var times = RiskDuration.Times.Select(t => Value(
            t.Duration.Name, DurationBuckets.Percentile(figures.Buckets[t.Kind], t.Duration.Percent)?.TotalSeconds, "seconds", null, figures.Buckets[t.Kind].Values.Sum(),
            t.Duration.Target, t.Duration.Definition));
        return new(period.From, period.To, period.Mode, period.Merchant, figures.Counts["reviews_open"], [.. shares, .. reviews, .. times]);
    }

    private static RiskValue Value(string name, double? value, string unit, long? numerator, long denominator, RiskTarget? target, string definition) => new(
        name,
        value is { } exact ? Math.Round(exact, 8) : null,
        unit,
        numerator,
        denominator,
        target is null ? null : new(target.Above ? "above" : "below", target.Value),
        target is null || value is null ? null : target.Above ? value > target.Value : value < target.Value,
        definition);
}
