using System.Collections.Immutable;

namespace Payments.Fraud.Metrics;

/// <param name="Above">Whether it should be above; otherwise below.</param>
internal sealed record RiskTarget(double Value, bool Above);

/// <summary>
/// What one risk metric is. The text stands beside every figure, so that nobody has to guess what was divided by what. Shares are
/// <paramref name="Numerator"/> by <paramref name="Denominator"/>, both columns of <see cref="RiskFigures"/>.
/// </summary>
internal sealed record RiskMetric(string Name, string Numerator, string Denominator, RiskTarget? Target, string Definition)
{
    /// <summary>Shares, in the order of the answer.</summary>
    public static ImmutableArray<RiskMetric> Shares { get; } =
    [
        new("fraud_rate", "fraud_value", "captured_value", Below(.001),
            "Captured amount of payments known to be fraud, of all captured amount; US cents by the fixed table. Known means labelled until now: recent payments' chargebacks are still to come."),
        new("chargeback_rate", "chargebacks", "captured", Below(.005), "Payments with a chargeback, of payments captured in full or part. Recent payments' chargebacks are still to come."),
        new("false_decline_rate", "false_declines", "good_attempts", Below(.03),
            "An estimate. Numerator: payments that scoring or a review refused, whose card then had another payment captured within 30 days, none of the card's payments being known as fraud. Denominator: the same and the payments that were not refused and are not known as fraud. Good customers who never came back are not seen; thieves whose chargeback is still to come are counted."),
        new("review_rate", "reviews", "decisions", Below(.05), "Decisions that held the payment for a person, of all decisions."),
        new("auto_approve_rate", "auto_approved", "decisions", Above(.85), "Decisions to approve without a person and without asking the issuer for a challenge, of all decisions."),
        new("reject_rate", "rejected", "decisions", null, "Decisions to reject, of all decisions."),
        new("authorization_rate", "approved", "answered", Above(.92), "Payments that an issuer approved, of those that were approved or declined."),
        new("three_d_secure_rate", "asked", "sent", null, "Payments with which authentication was asked for, the issuer deciding or with a challenge, of those that were not rejected."),
        new("three_d_secure_success", "authenticated", "asked_known", null, "Payments authenticated or attempted, of those with which authentication was asked for and whose result is known."),
        new("challenge_rate", "challenged", "sent", null, "Payments whose customer had to act, of those that were not rejected."),
        new("review_approval_rate", "reviews_approved", "reviews_decided", null, "Reviews that ended with an approval, of those that were decided, by a person or the clock."),
        new("review_automatic_rate", "reviews_automatic", "reviews_decided", null, "Reviews that the clock decided, of those that were decided."),
        new("fallback_rate", "without_service", "decisions", null, "Payments decided by the default by amount since scoring did not answer in time, of all decisions."),
        new("model_fallback_rate", "without_model", "decisions", null, "Payments that rules decided alone since the model did not answer in time, of all decisions."),
    ];

    private static RiskTarget Below(double value) => new(value, false);

    private static RiskTarget Above(double value) => new(value, true);
}

/// <summary>A duration at a percentile.</summary>
internal sealed record RiskDuration(string Name, double Percent, RiskTarget? Target, string Definition)
{
    public static ImmutableArray<RiskDuration> Reviews { get; } =
    [
        new("review_queue_p50", 50, null, "How long reviews were open that were decided by a person or the clock: the median."),
        new("review_queue_p90", 90, null, "The same: nine of ten took no longer."),
        new("review_queue_p99", 99, new(7_200, false), "The same: 99 of 100 took no longer. After two hours the clock decides."),
    ];

    public static ImmutableArray<(TimedKind Kind, RiskDuration Duration)> Times { get; } =
    [
        (TimedKind.Model, new("model_latency_p50", 50, null, "How long the model took: the median. Of hours that begin in the period, all merchants together, at most a twelfth too long.")),
        (TimedKind.Model, new("model_latency_p99", 99, new(.05, false), "The same: 99 of 100 took no longer.")),
        (TimedKind.Decision, new("decision_latency_p50", 50, null, "How long the fraud service took to decide: the median. Of hours that begin in the period, all merchants together, at most a twelfth too long.")),
        (TimedKind.Decision, new("decision_latency_p99", 99, new(.1, false), "The same: 99 of 100 took no longer.")),
    ];
}
