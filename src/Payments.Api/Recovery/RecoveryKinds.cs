namespace Payments.Api.Recovery;

/// <summary>What is put right, by name: the kinds of <see cref="Recovered"/>, the tag of the metric, the filter of the list.</summary>
public static class RecoveryKinds
{
    /// <summary>An attempt whose outcome nobody knew came to an end. Subject: the attempt.</summary>
    public const string AttemptResolved = "attempt_resolved";

    /// <summary>An authorization that can be neither read nor sent again is being cancelled at its provider. Subject: the cancelling operation.</summary>
    public const string AuthorizationCancelled = "authorization_cancelled";

    /// <summary>What a provider told contradicted the books, and asking the provider settled it. Subject: the attempt and the payment's version.</summary>
    public const string ContradictionSettled = "contradiction_settled";

    /// <summary>A hold that nobody captured in time, or of an order that was given up, is being released. Subject: the voiding operation.</summary>
    public const string OrphanedHold = "orphaned_hold";

    /// <summary>What a restored database had lost of the event log was put back. Subject: the new epoch.</summary>
    public const string EventLogReinstated = "event_log_reinstated";

    /// <summary>A payment was brought up to its events, which the restored database had lost. Subject: the payment and its version.</summary>
    public const string PaymentReinstated = "payment_reinstated";

    /// <summary>A refund that its provider gave back is tried again. Subject: the new attempt.</summary>
    public const string RefundRetried = "refund_retried";

    /// <summary>A provider's charge that we did not have became a payment. Subject: provider, mode and the provider's name.</summary>
    public const string PhantomPayment = "phantom_payment";

    /// <summary>A provider's charge that nobody can be found for went to suspense. Subject: provider, mode and the provider's name.</summary>
    public const string ChargeSuspended = "charge_suspended";

    /// <summary>A charge in suspense was given to its merchant. Subject: the break.</summary>
    public const string ChargeAttributed = "charge_attributed";

    /// <summary>A refund that had succeeded came back without any notice, and was found by asking. Subject: the attempt.</summary>
    public const string SilentRefundFailure = "silent_refund_failure";

    /// <summary>A second charge of one payment was found and is being undone. Subject: provider, mode and the provider's name of the charge.</summary>
    public const string DoubleChargeFound = "double_charge_found";

    /// <summary>A second charge was undone. Subject: the operation that did it.</summary>
    public const string DoubleChargeUndone = "double_charge_undone";

    /// <summary>A review ended, by a person or the clock. Subject: the review.</summary>
    public const string ReviewDecided = "review_decided";

    /// <summary>What was learned after the authorization speaks of fraud: the hold is being released. Subject: the voiding operation.</summary>
    public const string SuspectedFraudVoided = "suspected_fraud_voided";

    public static IReadOnlyList<string> All { get; } =
    [
        AttemptResolved, AuthorizationCancelled, ContradictionSettled, OrphanedHold, EventLogReinstated, PaymentReinstated, RefundRetried, PhantomPayment, ChargeSuspended,
        ChargeAttributed, SilentRefundFailure, DoubleChargeFound, DoubleChargeUndone, ReviewDecided, SuspectedFraudVoided,
    ];

    /// <summary>The reason is what an operator typed: not for merchants.</summary>
    public static bool IsInOperatorsWords(string kind) => kind is ChargeAttributed or PaymentReinstated or EventLogReinstated or ReviewDecided or SuspectedFraudVoided;
}
