using Payments.Core;

namespace Payments.Connectors;

/// <summary>Our answer to a dispute.</summary>
/// <param name="AttemptId">Also the idempotency key; durable before the call.</param>
/// <param name="Reference">The provider's name of the dispute.</param>
/// <param name="Evidence">In the order of its kinds, the same in every repeat; empty for an acceptance.</param>
public sealed record DisputeCall(AttemptId AttemptId, Mode Mode, string Reference, DisputeAnswer Answer, IReadOnlyList<DisputeEvidence> Evidence)
{
    /// <summary>A fraud dispute of a payment whose authentication shifted liability: where the provider asks for a reason, that is the one.</summary>
    public bool LiabilityShifted { get; init; }
}

/// <summary>One piece of evidence. Personal data: never logged.</summary>
/// <param name="Kind">One of <see cref="EvidenceKinds"/>.</param>
/// <param name="Type">text/plain, application/pdf or image/jpeg.</param>
public sealed record DisputeEvidence(string Kind, string Type, ReadOnlyMemory<byte> Content)
{
    public const string Text = "text/plain";
    public const string Pdf = "application/pdf";
    public const string Jpeg = "image/jpeg";

    public override string ToString() => $"DisputeEvidence {Kind}";
}

/// <summary>What evidence can be about: the names of Stripe, which both providers' tables are made of.</summary>
public static class EvidenceKinds
{
    public const string FreeText = "uncategorized_text";

    public static IReadOnlyList<string> Texts { get; } =
        ["access_activity_log", "cancellation_policy_disclosure", "product_description", "refund_policy_disclosure", "service_date", "shipping_carrier", "shipping_date", "shipping_tracking_number", FreeText];

    public static IReadOnlyList<string> Files { get; } =
        ["cancellation_policy", "customer_communication", "customer_signature", "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file"];
}
