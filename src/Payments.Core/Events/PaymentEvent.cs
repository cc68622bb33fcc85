using System.Text.Json.Serialization;

namespace Payments.Core.Events;

/// <summary>
/// Something that became true of a payment. Published on topic <c>payments.events</c> as a CloudEvent; merchants receive the same
/// facts as webhooks. It carries every input of what follows from it, so that posting and notifying need no further lookup.
/// </summary>
public sealed record PaymentEvent(
    EventId Id,
    string Type,
    PaymentId PaymentId,
    MerchantId MerchantId,
    Mode Mode,
    long Version,
    DateTimeOffset OccurredAt,
    PaymentEventData Data);

/// <param name="Payment">The payment as of this event.</param>
/// <param name="Operation">The operation whose fact this is; absent where the payment never reached one (rejected).</param>
/// <param name="Fees">Present with captures and their reversals: the inputs of commission and accrued cost.</param>
public sealed record PaymentEventData(PaymentView Payment, OperationFact? Operation, CaptureFees? Fees)
{
    /// <summary>
    /// Of a capture: the authorization that came about with it, by the same answer of the provider. No other event tells of it, and its amount was never
    /// held: what it authorized is what was taken.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OperationFact? Authorization { get; init; }

    /// <summary>The dispute as of this event, of events of disputes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DisputeView? Dispute { get; init; }

    /// <summary>What money moved for the dispute with this event.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DisputeMovementFact? Moved { get; init; }
}

/// <summary>One operation as of an event.</summary>
/// <param name="Id">The operation (for refunds also <c>re_…</c> with the same digits).</param>
/// <param name="AmountMinor">What this operation moved or was to move.</param>
/// <param name="ReleasedMinor">
/// How much of the authorization stopped being held when this operation succeeded, beyond the amount moved: at a void or an expiry
/// all that was still held, at a final capture the remainder. The reversal of a capture holds nothing again.
/// </param>
/// <param name="SuspenseMinor">The part of <paramref name="AmountMinor"/> beyond what our books allow (a provider's fact), posted to suspense.</param>
/// <param name="Final">A capture after which no other follows.</param>
public sealed record OperationFact(
    string Id,
    OperationKind Kind,
    OperationState State,
    long AmountMinor,
    string Currency,
    string? AttemptId,
    Provider? Provider,
    string? ProviderReference,
    string? Reason,
    long ReleasedMinor,
    long SuspenseMinor,
    bool Final)
{
    /// <summary>The merchant's idempotency key of the request that wanted it: so that a repeated request is known also after the database was restored.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RequestKey? RequestKey { get; init; }
}

/// <summary>Event types. <c>docs/events</c> holds a schema for each.</summary>
public static class PaymentEventTypes
{
    /// <summary>Fraud scoring refused it; no provider was called.</summary>
    public const string Rejected = "payment.rejected";

    /// <summary>Authorized and held until a person has decided.</summary>
    public const string InReview = "payment.in_review";

    /// <summary>A review ended; what follows from it (a capture, a void) has events of its own.</summary>
    public const string ReviewDecided = "payment.review_decided";

    /// <summary>The customer must act (3-D Secure).</summary>
    public const string RequiresAction = "payment.requires_action";

    /// <summary>The outcome of the authorization is unknown or will come later.</summary>
    public const string Processing = "payment.processing";

    /// <summary>The amount is held. A payment whose money is taken by the same answer has <see cref="Captured"/> instead.</summary>
    public const string Authorized = "payment.authorized";

    public const string Declined = "payment.declined";

    /// <summary>Proven unexecuted at every provider tried.</summary>
    public const string Failed = "payment.failed";

    /// <summary>Money was taken: of an authorization before it, or at once with it.</summary>
    public const string Captured = "payment.captured";

    /// <summary>A capture failed: operation state <c>failed</c> before it counted, <c>reversed</c> after.</summary>
    public const string CaptureFailed = "payment.capture_failed";

    public const string Voided = "payment.voided";
    public const string VoidFailed = "payment.void_failed";

    /// <summary>The hold ran out or was cancelled by the sweep.</summary>
    public const string Expired = "payment.expired";

    public const string RefundPending = "payment.refund_pending";
    public const string Refunded = "payment.refunded";

    /// <summary>A refund failed: operation state <c>failed</c> before it counted, <c>reversed</c> after.</summary>
    public const string RefundFailed = "payment.refund_failed";

    /// <summary>
    /// A provider has a charge that nobody here can be found for: its money is in suspense. The merchant of this event is
    /// <see cref="MerchantId"/> of all zeros; the payment's number is reserved for when it finds its merchant.
    /// </summary>
    public const string Unattributed = "payment.unattributed";

    /// <summary>A charge in suspense found its merchant; the events of its payment follow.</summary>
    public const string Attributed = "payment.attributed";

    /// <summary>A second charge of this payment was found at a provider and is being undone; the payment's own amounts do not count it.</summary>
    public const string DoubleChargeFound = "payment.double_charge_found";

    /// <summary>The second charge was undone: its hold released, or its money given back.</summary>
    public const string DoubleChargeUndone = "payment.double_charge_undone";

    /// <summary>The provider refused to undo it, or took that back.</summary>
    public const string DoubleChargeUndoFailed = "payment.double_charge_undo_failed";

    /// <summary>A customer's bank disputes the payment, or asks about it.</summary>
    public const string DisputeOpened = "payment.dispute_opened";

    /// <summary>The dispute stands elsewhere, or was answered.</summary>
    public const string DisputeUpdated = "payment.dispute_updated";

    /// <summary>The provider took the disputed money, and its fee.</summary>
    public const string DisputeFundsWithdrawn = "payment.dispute_funds_withdrawn";

    /// <summary>The provider gave it back.</summary>
    public const string DisputeFundsReinstated = "payment.dispute_funds_reinstated";

    /// <summary>Won, lost, accepted or withdrawn; what is over may begin again by a later word of the provider.</summary>
    public const string DisputeClosed = "payment.dispute_closed";

    public static IReadOnlyList<string> Disputes { get; } = [DisputeOpened, DisputeUpdated, DisputeFundsWithdrawn, DisputeFundsReinstated, DisputeClosed];

    public static IReadOnlyList<string> All { get; } =
    [
        Rejected, InReview, ReviewDecided, RequiresAction, Processing, Authorized, Declined, Failed, Captured, CaptureFailed, Voided, VoidFailed,
        Expired, RefundPending, Refunded, RefundFailed, Unattributed, Attributed, DoubleChargeFound,
        DoubleChargeUndone, DoubleChargeUndoFailed,
        .. Disputes,
    ];
}
