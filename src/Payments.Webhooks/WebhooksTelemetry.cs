using System.Diagnostics;
using System.Diagnostics.Metrics;
using Payments.Platform;

namespace Payments.Webhooks;

/// <summary>Traces and measures of this service.</summary>
public static class WebhooksTelemetry
{
    public const string Name = Names.TelemetryPrefix + "Webhooks";

    public static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    /// <summary>Attempts by channel (webhook, receipt) and outcome.</summary>
    public static readonly Counter<long> Attempts = Meter.CreateCounter<long>("payments.webhooks.attempts", "{attempt}", "Attempts to deliver, by channel and outcome.");

    public static readonly Histogram<double> AttemptDuration = Meter.CreateHistogram(
        "payments.webhooks.attempt.duration", "s", "How long receivers take to answer.", tags: null,
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15] });

    public static readonly Counter<long> EndpointsDisabled = Meter.CreateCounter<long>("payments.webhooks.endpoints.disabled", "{endpoint}", "Endpoints that the service switched off, by reason.");
}
