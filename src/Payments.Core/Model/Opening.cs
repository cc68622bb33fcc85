using System.Collections.Immutable;

namespace Payments.Core;

/// <summary>Why something may not be done now: a name for machines, a sentence for people.</summary>
/// <param name="Param">Which part of the request is the cause; <c>id</c> is the payment itself.</param>
public sealed record Refusal(RefusalKind Kind, string Code, string Detail, string Param = "id");

public enum RefusalKind
{
    /// <summary>The payment is in a state that does not allow it, now or ever.</summary>
    WrongState,

    /// <summary>More than what is left.</summary>
    AmountTooLarge,

    /// <summary>The provider of this payment cannot do it.</summary>
    NotSupported,
}

/// <summary>Either a refusal, or the payment with a new open operation whose reservation is counted.</summary>
public sealed record Decision
{
    private Decision(PaymentState? payment, Operation? operation, Refusal? refusal) => (Payment, Operation, Refusal) = (payment, operation, refusal);

    public PaymentState? Payment { get; }

    public Operation? Operation { get; }

    public Refusal? Refusal { get; }

    public static implicit operator Decision(Refusal refusal) => new(null, null, refusal);

    internal static Decision Opened(PaymentState payment, Operation operation) =>
        new(payment.With(operation) with { Version = payment.Version + 1 }, operation, null);
}

/// <summary>What the payment's provider can do, as far as deciding needs it.</summary>
public sealed record ProviderLimits(bool PartialCapture, bool MultipleCaptures, bool VoidAfterPartialCapture)
{
    /// <summary>More may be captured than was authorized.</summary>
    public bool OverCapture { get; init; }

    /// <summary>In minor units of the payment's currency: every amount sent must be a multiple of it.</summary>
    public long AmountStep { get; init; } = 1;
}

/// <summary>Numbers, time and words of an operation to be opened: everything that a pure function cannot make.</summary>
public sealed record NewOperation(OperationId Id, AttemptId AttemptId, DateTimeOffset At)
{
    public string? Reason { get; init; }

    public RequestKey? RequestKey { get; init; }
}

/// <summary>Where an authorization is to be tried.</summary>
public sealed record NewAttempt(AttemptId Id, Provider Provider, Price Cost);

/// <summary>
/// What we may decide: each function refuses by name, in order of precedence (wrong state, amount above what is left, capability
/// missing), or opens an operation.
/// </summary>
public static class Opening
{
    /// <summary>A new payment with its first attempt, or, where there is none to make (rejected), without an operation.</summary>
    public static PaymentState Payment(PaymentState blank, NewOperation opened, NewAttempt? attempt)
    {
        ArgumentNullException.ThrowIfNull(blank);
        ArgumentNullException.ThrowIfNull(opened);
        Invariant.Holds(blank.Version == 0 && blank.Operations.IsEmpty, "a new payment has no past");
        Invariant.Holds(blank.Amount.Minor > 0, "a payment is about a positive amount");
        Invariant.Holds(blank.IsRejected == attempt is null, "a rejected payment goes to no provider, any other does");
        if (attempt is null)
        {
            return blank with { Version = 1 };
        }

        var authorize = Open(OperationKind.Authorize, blank.Amount.Minor, opened) with { Attempts = [FirstAttempt(attempt, opened.At)] };
        return blank.With(authorize) with { Version = 1 };
    }

    /// <param name="amount">Absent: everything that is left.</param>
    /// <param name="final">
    /// No other capture follows. Absent: true if nothing would be left and no other capture is under way (which may come to nothing, and
    /// its hold with it), or if the provider allows only one.
    /// </param>
    public static Decision Capture(PaymentState payment, long? amount, bool? final, ProviderLimits limits, NewOperation opened)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(opened);
        var amounts = payment.Amounts;
        if (payment.Authorization is not { State: OperationState.Succeeded })
        {
            return WrongState("payment_not_capturable", $"A payment that is {Word(payment)} cannot be captured.");
        }

        if (payment is { HeldForReview: true, Review: not null })
        {
            return WrongState("payment_not_capturable", "The payment was not approved in its review.");
        }

        if (payment.HeldForReview)
        {
            return WrongState("payment_in_review", "The payment waits for a review and cannot be captured before it is approved.");
        }

        if (amounts.VoidPendingMinor > 0)
        {
            return WrongState("void_in_progress", "The payment is being voided.");
        }

        if (amounts.CapturableMinor <= 0)
        {
            return amounts.CapturePendingMinor > 0
                ? WrongState("capture_in_progress", "Another capture of everything that is left has not settled yet.")
                : WrongState("payment_not_capturable", $"Nothing is left to capture of a payment that is {Word(payment)}.");
        }

        if (payment.Operations.Any(o => o is { Kind: OperationKind.Capture, IsUnsettled: true } && (o.Final || final == true)))
        {
            var cause = payment.Operations.Any(o => o is { Kind: OperationKind.Capture, IsUnsettled: true, Final: true }) ? "id" : "final";
            return WrongState("capture_in_progress", "Another capture has not settled yet, and a final one releases what is left beside it.", cause);
        }

        var captured = amount ?? amounts.CapturableMinor;
        Invariant.Holds(captured > 0, "an amount is positive");
        if (captured > amounts.CapturableMinor && !limits.OverCapture)
        {
            return TooLarge("amount_exceeds_capturable", captured, amounts.CapturableMinor, payment);
        }

        // The reservations of every payment, here and in the database, stand on this: a provider that captures more needs others.
        Invariant.Holds(captured <= amounts.CapturableMinor, "what is captured stays within what was authorized");
        if (captured % limits.AmountStep != 0)
        {
            return OffStep(captured, limits.AmountStep, payment);
        }

        var isAll = captured == amounts.CapturableMinor;
        if (!isAll && !limits.PartialCapture)
        {
            return NotSupported("partial_capture_not_supported", "This payment's provider captures only the whole amount.", "amount");
        }

        if (!limits.MultipleCaptures && amounts.CapturePendingMinor > 0)
        {
            return NotSupported("multiple_captures_not_supported", "This payment's provider captures only once, and a capture is under way.");
        }

        if (!limits.MultipleCaptures && final == false && !isAll)
        {
            return NotSupported("multiple_captures_not_supported", "This payment's provider captures only once: the capture must be final.", "final");
        }

        var operation = Open(OperationKind.Capture, captured, opened) with { Final = final ?? ((isAll && amounts.CapturePendingMinor == 0) || !limits.MultipleCaptures) };
        return Decision.Opened(payment, AtSameProvider(payment, operation, opened));
    }

    /// <param name="origin">Expiry where our own clock releases the hold.</param>
    public static Decision Void(PaymentState payment, ProviderLimits limits, NewOperation opened, OperationOrigin origin = OperationOrigin.Merchant)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(opened);
        var amounts = payment.Amounts;
        if (payment.Authorization is not { State: OperationState.Succeeded })
        {
            return WrongState("payment_not_voidable", $"A payment that is {Word(payment)} cannot be voided.");
        }

        if (amounts.VoidPendingMinor > 0)
        {
            return WrongState("void_in_progress", "The payment is being voided already.");
        }

        if (amounts.CapturePendingMinor > 0)
        {
            return WrongState("capture_in_progress", "A capture has not settled yet.");
        }

        if (amounts.CapturableMinor <= 0)
        {
            return WrongState("payment_not_voidable", $"Nothing is held any more for a payment that is {Word(payment)}.");
        }

        if (amounts.CapturedMinor > 0 && !limits.VoidAfterPartialCapture)
        {
            return NotSupported("void_after_capture_not_supported", "This payment's provider cannot release the rest after a capture.");
        }

        return Decision.Opened(payment, AtSameProvider(payment, Open(OperationKind.Void, amounts.CapturableMinor, opened) with { Origin = origin }, opened));
    }

    /// <param name="amount">Absent: everything that is left.</param>
    public static Decision Refund(PaymentState payment, long? amount, ProviderLimits limits, NewOperation opened)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(opened);
        var amounts = payment.Amounts;
        if (amounts.CapturedMinor - amounts.CaptureReversedMinor <= 0)
        {
            return WrongState("payment_not_refundable", $"A payment that is {Word(payment)} cannot be refunded.");
        }

        if (payment.Disputes.Any(d => d.ForbidsRefunds))
        {
            return WrongState("payment_disputed", "The customer's bank disputes the payment: a refund beside it could pay the customer twice.");
        }

        if (amounts.RefundableMinor <= 0)
        {
            return amount is null
                ? WrongState("payment_not_refundable", "Everything captured has been refunded or is being refunded.")
                : TooLarge("amount_exceeds_refundable", amount.Value, 0, payment);
        }

        var refunded = amount ?? amounts.RefundableMinor;
        Invariant.Holds(refunded > 0, "an amount is positive");
        if (refunded > amounts.RefundableMinor)
        {
            return TooLarge("amount_exceeds_refundable", refunded, amounts.RefundableMinor, payment);
        }

        return refunded % limits.AmountStep != 0
            ? OffStep(refunded, limits.AmountStep, payment)
            : Decision.Opened(payment, AtSameProvider(payment, Open(OperationKind.Refund, refunded, opened), opened));
    }

    /// <summary>Cancels, at the provider first, a challenge that nobody finished. A success that comes meanwhile wins.</summary>
    public static Decision Expiry(PaymentState payment, NewOperation opened)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(opened);
        if (payment.Status != PaymentStatus.Pending3ds || payment.Operations.Any(o => o is { Kind: OperationKind.Void, IsUnsettled: true }))
        {
            return WrongState("payment_not_pending_3ds", $"A payment that is {Word(payment)} waits for no challenge.");
        }

        var operation = Open(OperationKind.Void, 0, opened) with { Origin = OperationOrigin.Expiry };
        return Decision.Opened(payment, AtSameProvider(payment, operation, opened));
    }

    /// <summary>Begins a try that was put off: to be written before it is sent.</summary>
    public static PaymentState Beginning(PaymentState payment, AttemptId attemptId)
    {
        ArgumentNullException.ThrowIfNull(payment);
        var operation = payment.OperationOf(attemptId) ?? throw new InvariantException("an attempt belongs to an operation");
        Invariant.Holds(operation is { State: OperationState.Open, Current: { State: AttemptState.Scheduled } current } && current.Id == attemptId, "only a try that was put off begins");
        return payment.With(operation.With(operation.Current! with { State = AttemptState.Open })) with { Version = payment.Version + 1 };
    }

    /// <summary>Cancels, at the provider, an authorization of which nobody knows whether it happened. Its own outcome then decides.</summary>
    public static Decision Cancellation(PaymentState payment, NewOperation opened)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(opened);
        if (payment.Authorization is not { IsUnsettled: true } || payment.Operations.Any(o => o is { Kind: OperationKind.Void, IsUnsettled: true }))
        {
            return WrongState("payment_not_unresolved", $"The outcome of a payment that is {Word(payment)} is known, or it is being cancelled already.");
        }

        var operation = Open(OperationKind.Void, 0, opened) with { Origin = OperationOrigin.Expiry };
        return Decision.Opened(payment, AtSameProvider(payment, operation, opened));
    }

    private static Operation Open(OperationKind kind, long amount, NewOperation opened) => new(opened.Id, kind, OperationState.Open, amount)
    {
        Reason = opened.Reason,
        RequestKey = opened.RequestKey,
        CreatedAt = opened.At,
        ChangedAt = opened.At,
    };

    private static Operation AtSameProvider(PaymentState payment, Operation operation, NewOperation opened)
    {
        var authorized = payment.AuthorizingAttempt ?? throw new InvariantException("what was authorized has an attempt");
        return operation with
        {
            Attempts = [FirstAttempt(new NewAttempt(opened.AttemptId, authorized.Provider, authorized.Cost), opened.At) with { PaymentReference = authorized.PaymentReference }],
        };
    }

    internal static Attempt FirstAttempt(NewAttempt attempt, DateTimeOffset at) =>
        new(attempt.Id, attempt.Provider, AttemptState.Open, attempt.Cost) { OpenedAt = at };

    private static Refusal WrongState(string code, string detail, string param = "id") => new(RefusalKind.WrongState, code, detail, param);

    private static Refusal NotSupported(string code, string detail, string param = "id") => new(RefusalKind.NotSupported, code, detail, param);

    private static Refusal TooLarge(string code, long asked, long left, PaymentState payment) => new(
        RefusalKind.AmountTooLarge, code,
        $"{new Money(asked, payment.Amount.Currency)} is more than the {new Money(left, payment.Amount.Currency)} that is left.", "amount");

    private static Refusal OffStep(long asked, long step, PaymentState payment) => NotSupported(
        "amount_step_not_supported", $"This payment's provider takes {payment.Amount.Currency} in steps of {step} minor units; {asked} is not a multiple.", "amount");

    private static string Word(PaymentState payment) => Words.Of(payment.Status);
}
