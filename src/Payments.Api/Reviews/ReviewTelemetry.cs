using System.Diagnostics.Metrics;
using Payments.Core;

namespace Payments.Api.Reviews;

/// <summary>What operators watch of the queue.</summary>
internal static class ReviewTelemetry
{
    private static readonly Meter Meter = new("Payments.Api");
    private static readonly Counter<long> DecidedReviews = Meter.CreateCounter<long>("payments.reviews.decided", "{review}", "Reviews that ended, by outcome and by whether the clock decided.");

    static ReviewTelemetry()
    {
        Meter.CreateObservableGauge("payments.reviews.open", () => Queue.Open, "{review}", "Payments that wait for a person.");
        Meter.CreateObservableGauge("payments.reviews.oldest", () => Queue.Oldest.TotalSeconds, "s", "How long the oldest of them has waited.");
    }

    /// <summary>As of the last look at the table.</summary>
    public static (long Open, TimeSpan Oldest) Queue { get; set; }

    public static void Decided(ReviewOutcome outcome, bool automatic) =>
        DecidedReviews.Add(1, new("payments.outcome", Words.Of(outcome)), new("payments.automatic", automatic));
}
