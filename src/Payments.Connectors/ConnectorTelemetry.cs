using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Payments.Connectors;

/// <summary>Spans and measurements of provider calls. No tag carries a token, a key or card data.</summary>
internal static class ConnectorTelemetry
{
    private const string Name = "Payments.Connectors";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);

    private static readonly Histogram<double> Duration = Meter.CreateHistogram(
        "payments.provider.call.duration", "s", "Duration of one call to a provider, as the payment path sees it.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10] });

    public static Activity? Start(IConnector connector, string operation)
    {
        var span = Source.StartActivity($"{Lower(connector.Provider)} {operation}", ActivityKind.Client);
        span?.SetTag("payments.provider", Lower(connector.Provider)).SetTag("payments.mode", Lower(connector.Mode)).SetTag("payments.operation", operation);
        return span;
    }

    public static void Finish(Activity? span, IConnector connector, string operation, string outcome, string? detail, TimeSpan took)
    {
        span?.SetTag("payments.outcome", outcome);
        if (detail is not null)
        {
            span?.SetTag("payments.detail", detail);
        }

        Duration.Record(
            took.TotalSeconds,
            new KeyValuePair<string, object?>("payments.provider", Lower(connector.Provider)),
            new KeyValuePair<string, object?>("payments.mode", Lower(connector.Mode)),
            new KeyValuePair<string, object?>("payments.operation", operation),
            new KeyValuePair<string, object?>("payments.outcome", outcome));
    }

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
