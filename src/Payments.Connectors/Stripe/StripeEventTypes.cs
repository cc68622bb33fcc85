namespace Payments.Connectors.Stripe;

/// <summary>
/// What the webhook endpoint at Stripe is set up for: the events that tell something here. What Stripe has to say of a charge, its intent has told
/// already. Endpoints of a version before 2024-10-28.acacia tell of a charge's refund as <c>charge.refund.updated</c> alone.
/// </summary>
public static class StripeEventTypes
{
    public static IReadOnlyList<string> All { get; } =
    [
        "payment_intent.succeeded",
        "payment_intent.amount_capturable_updated",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.canceled",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "radar.early_fraud_warning.created",
    ];
}
