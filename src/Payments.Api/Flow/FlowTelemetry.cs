using System.Diagnostics.Metrics;
using Payments.Api.Recovery;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>What operators watch of the payment flow.</summary>
internal static class FlowTelemetry
{
    private static readonly Meter Meter = new("Payments.Api");
    private static readonly Counter<long> CreatedPayments = Meter.CreateCounter<long>("payments.payments", "{payment}", "Payments made, by mode and currency.");
    private static readonly Counter<long> SettledOperations = Meter.CreateCounter<long>("payments.operations", "{operation}", "Operations that came to a state, by kind, state and provider.");
    private static readonly Counter<long> RefusedNotices = Meter.CreateCounter<long>("payments.provider_notices.refused", "{notice}", "Webhooks of providers with a wrong signature.");

    static FlowTelemetry()
    {
        Meter.CreateObservableGauge("payments.attempts.unsettled", () => Unsettled.Select(u => new Measurement<long>(u.Count, StateOf(u))), "{attempt}", "Attempts that are not settled, by state.");
        Meter.CreateObservableGauge("payments.attempts.oldest_unsettled", () => Unsettled.Select(u => new Measurement<double>(u.Oldest.TotalSeconds, StateOf(u))), "s", "Age of the oldest attempt that is not settled, by state.");
        Meter.CreateObservableGauge("payments.partitions.stray_rows", () => StrayRows, "{row}", "Rows in DEFAULT partitions: a month was not made ahead.");
    }

    /// <summary>As of the last look at the table.</summary>
    public static IReadOnlyList<UnsettledAge> Unsettled { get; set; } = [];

    public static long StrayRows { get; set; }

    public static void Created(PaymentState payment) =>
        CreatedPayments.Add(1, new("payments.mode", Words.Of(payment.Mode)), new("payments.currency", payment.Amount.Currency.Code));

    public static void Settled(PaymentState before, PaymentState after)
    {
        foreach (var operation in after.Operations)
        {
            if (before.Operations.FirstOrDefault(o => o.Id == operation.Id)?.State != operation.State)
            {
                SettledOperations.Add(
                    1, new("payments.operation", Words.Of(operation.Kind)), new("payments.state", Words.Of(operation.State)),
                    new("payments.provider", (operation.Current ?? after.AuthorizingAttempt) is { } attempt ? Words.Of(attempt.Provider) : "none"));
            }
        }
    }

    private static KeyValuePair<string, object?> StateOf(UnsettledAge age) => new("payments.state", Words.Of(age.State));

    public static void NoticeRefused(Provider provider) => RefusedNotices.Add(1, new KeyValuePair<string, object?>("payments.provider", Words.Of(provider)));
}
