namespace Payments.Core;

/// <summary>
/// A payment's status as a function of its operations. The first row that fits decides; <c>docs/payment-states.md</c> repeats
/// the table.
/// </summary>
public static class PaymentStatuses
{
    private static readonly (PaymentStatus Status, Func<PaymentState, bool> Fits)[] Table =
    [
        (PaymentStatus.Rejected,          p => p.IsRejected),
        (PaymentStatus.Created,           p => p.Authorization is null),
        (PaymentStatus.Authorizing,       p => Authorization(p, OperationState.Open)),
        (PaymentStatus.Pending3ds,        p => Authorization(p, OperationState.Pending) && p.AuthorizingAttempt is { State: AttemptState.NeedsAction }),
        (PaymentStatus.Processing,        p => Authorization(p, OperationState.Pending) || Authorization(p, OperationState.Unknown)),
        (PaymentStatus.Declined,          p => Authorization(p, OperationState.Failed) && p.AuthorizingAttempt is { State: AttemptState.Declined }),
        (PaymentStatus.Expired,           p => Authorization(p, OperationState.Failed) && p.Authorization is { Origin: OperationOrigin.Expiry }),
        (PaymentStatus.Failed,            p => Authorization(p, OperationState.Failed)),
        (PaymentStatus.Disputed,          p => p.Disputes.Any(d => d.ForbidsRefunds)),
        (PaymentStatus.Refunding,         p => Unsettled(p, OperationKind.Refund)),
        (PaymentStatus.Voiding,           p => Unsettled(p, OperationKind.Void)),
        (PaymentStatus.Capturing,         p => Unsettled(p, OperationKind.Capture)),
        (PaymentStatus.Refunded,          p => Kept(p) > 0 && Refunded(p) >= Kept(p)),
        (PaymentStatus.PartiallyRefunded, p => Kept(p) > 0 && Refunded(p) > 0),
        (PaymentStatus.Captured,          p => Kept(p) > 0),
        (PaymentStatus.Expired,           p => Voided(p) is { Origin: OperationOrigin.Expiry }),
        (PaymentStatus.Voided,            p => Voided(p) is not null),
        (PaymentStatus.Failed,            p => p.Amounts is { CapturableMinor: 0, CaptureReversedMinor: > 0 }),
        (PaymentStatus.InReview,          p => p.HeldForReview),
        (PaymentStatus.Authorized,        _ => true),
    ];

    public static PaymentStatus Of(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        foreach (var (status, fits) in Table)
        {
            if (fits(payment))
            {
                return status;
            }
        }

        throw new InvariantException("the last row of the status table fits every payment");
    }

    /// <summary>The outcome of the authorization is not known yet.</summary>
    public static bool IsUnresolved(PaymentStatus status) => status is PaymentStatus.Authorizing or PaymentStatus.Processing;

    private static bool Authorization(PaymentState payment, OperationState state) => payment.Authorization?.State == state;

    private static bool Unsettled(PaymentState payment, OperationKind kind) => payment.Operations.Any(o => o.Kind == kind && o.IsUnsettled && !o.IsExtra);

    private static Operation? Voided(PaymentState payment) =>
        payment.Operations.FirstOrDefault(o => o is { Kind: OperationKind.Void, State: OperationState.Succeeded, IsExtra: false });

    /// <summary>Everything captured and not taken back, within our books or beyond.</summary>
    private static long Kept(PaymentState payment)
    {
        var amounts = payment.Amounts;
        return amounts.CapturedMinor - amounts.CaptureReversedMinor + amounts.CaptureExcessMinor;
    }

    private static long Refunded(PaymentState payment)
    {
        var amounts = payment.Amounts;
        return amounts.RefundedMinor + amounts.RefundExcessMinor;
    }
}
