using System.Collections.Immutable;

namespace Payments.Core;

/// <summary>
/// A payment as it stands: what was asked for, and what became of each operation. Immutable; every amount and the status are
/// computed from the operations. Changed only by <see cref="Opening"/> (what we decide) and <see cref="Applying"/> (what we learn).
/// </summary>
public sealed record PaymentState(PaymentId Id, MerchantId MerchantId, Mode Mode, Money Amount, PaymentDetails Details)
{
    /// <summary>Grows by one with every change; 0 before the first one is durable.</summary>
    public long Version { get; init; }

    public ImmutableArray<Operation> Operations { get; init; } = [];

    public RiskView? Risk { get; init; }

    /// <summary>A person must decide before the authorization may be captured.</summary>
    public bool HeldForReview { get; init; }

    public DateTimeOffset? AuthorizedAt { get; init; }

    /// <summary>When the first capture succeeded.</summary>
    public DateTimeOffset? CapturedAt { get; init; }

    /// <summary>The provider's own limit for capturing.</summary>
    public DateTimeOffset? CaptureBefore { get; init; }

    public string? AvsResult { get; init; }

    public string? CvcResult { get; init; }

    /// <summary>What became of the customer's authentication, once a provider told.</summary>
    public AuthenticationOutcome? Authentication { get; init; }

    /// <summary>What a review decided; null while it is open, and where there was none.</summary>
    public ReviewDecision? Review { get; init; }

    /// <summary>Disputes of customers' banks, oldest first.</summary>
    public ImmutableArray<Dispute> Disputes { get; init; } = [];

    /// <summary>Taken from a bank account: whole or not at all, told days later, and nothing is held before.</summary>
    public bool IsBankDebit => Details.PaymentMethod.Type == PaymentMethodTypes.Ach;

    public bool IsRejected => Risk is { Decision: FraudVerdict.Reject };

    public Operation? Authorization => Operations.FirstOrDefault(o => o.Kind == OperationKind.Authorize);

    /// <summary>The attempt that authorized, or the latest that tried to.</summary>
    public Attempt? AuthorizingAttempt => Authorization?.Current;

    public Amounts Amounts => Disputes.IsEmpty ? Amounts.Of(Operations) : Amounts.Of(Operations) with { DisputedMinor = Disputes.Sum(d => d.BookedMinor) };

    public PaymentStatus Status => PaymentStatuses.Of(this);

    /// <summary>Finds an operation by one of its attempts.</summary>
    public Operation? OperationOf(AttemptId attempt) => Operations.FirstOrDefault(o => o.Attempts.Any(a => a.Id == attempt));

    public PaymentState With(Dispute dispute)
    {
        ArgumentNullException.ThrowIfNull(dispute);
        var at = -1;
        for (var i = 0; i < Disputes.Length && at < 0; i++)
        {
            at = Disputes[i].Id == dispute.Id ? i : at;
        }

        return this with { Disputes = at < 0 ? Disputes.Add(dispute) : Disputes.SetItem(at, dispute) };
    }

    public PaymentState With(Operation operation)
    {
        ArgumentNullException.ThrowIfNull(operation);
        for (var i = 0; i < Operations.Length; i++)
        {
            if (Operations[i].Id == operation.Id)
            {
                return this with { Operations = Operations.SetItem(i, operation) };
            }
        }

        return this with { Operations = Operations.Add(operation) };
    }
}

/// <summary>What a payment is and never changes.</summary>
/// <param name="Commission">The merchant's price at the time of creation: a later plan does not change this payment.</param>
public sealed record PaymentDetails(
    CaptureMethod CaptureMethod,
    PaymentMethodView PaymentMethod,
    int PlanVersion,
    Price Commission,
    string? OrderId,
    string? Description,
    string? StatementDescriptor,
    string? ReceiptEmail,
    string? ReturnUrl,
    IReadOnlyDictionary<string, string> Metadata)
{
    public PaymentOrigin Origin { get; init; }

    /// <summary>The vault's keyed hash of the card number; null where the payment was made of a provider's record.</summary>
    public string? CardFingerprint { get; init; }

    public Initiator Initiator { get; init; }

    /// <summary>What is asked of the provider in 3-D Secure; null where the payment was made of a provider's record.</summary>
    public AuthenticationPlan? Authentication { get; init; }
}

/// <summary>Authorize, capture, void or refund: one thing that was decided by us or reported by a provider.</summary>
/// <param name="AmountMinor">What it moves or is to move.</param>
public sealed record Operation(OperationId Id, OperationKind Kind, OperationState State, long AmountMinor)
{
    /// <summary>The part of <see cref="AmountMinor"/> beyond what our books allow: only a provider's fact can have one.</summary>
    public long SuspenseMinor { get; init; }

    /// <summary>How much of the authorization it released: the rest with a final capture, everything held with a void.</summary>
    public long ReleasedMinor { get; init; }

    /// <summary>A capture after which no other follows.</summary>
    public bool Final { get; init; }

    public OperationOrigin Origin { get; init; }

    /// <summary>The merchant's words, or why it failed.</summary>
    public string? Reason { get; init; }

    /// <summary>What the provider calls this capture, void or refund, where it has a name of its own.</summary>
    public string? ProviderReference { get; init; }

    /// <summary>Of a succeeded capture: what its reversal takes back.</summary>
    public CaptureFees? Fees { get; init; }

    /// <summary>Whose answer is stored when the operation settles.</summary>
    public RequestKey? RequestKey { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ChangedAt { get; init; }

    /// <summary>When the provider says that the newest fact happened: tells an old notice that arrives late.</summary>
    public DateTimeOffset? ProviderTime { get; init; }

    public ImmutableArray<Attempt> Attempts { get; init; } = [];

    /// <summary>The newest attempt. None where a provider reported what we never asked for.</summary>
    public Attempt? Current => Attempts.IsEmpty ? null : Attempts[^1];

    /// <summary>It undoes a second charge of the payment, and stands outside the payment's own amounts and status.</summary>
    public bool IsExtra => Origin == OperationOrigin.DoubleCharge;

    /// <summary>Not settled: it keeps its reservation.</summary>
    public bool IsUnsettled => State is OperationState.Open or OperationState.Pending or OperationState.Unknown;

    /// <summary>The part of the amount that our books count.</summary>
    public long BookedMinor => AmountMinor - SuspenseMinor;

    public Operation With(Attempt attempt)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        for (var i = 0; i < Attempts.Length; i++)
        {
            if (Attempts[i].Id == attempt.Id)
            {
                return this with { Attempts = Attempts.SetItem(i, attempt) };
            }
        }

        return this with { Attempts = Attempts.Add(attempt) };
    }
}

/// <summary>Who wanted an operation.</summary>
public enum OperationOrigin
{
    Merchant,

    /// <summary>We never asked: done at the provider (dashboard, expiry of the hold).</summary>
    Provider,

    /// <summary>Our own clock: a challenge or a hold that ran out.</summary>
    Expiry,

    /// <summary>Our own rule: a second charge of one payment is undone.</summary>
    DoubleCharge,

    /// <summary>A review that did not approve it, or a suspicion that came after the authorization.</summary>
    Review,
}

/// <summary>One call to one provider.</summary>
/// <param name="Cost">What the provider is expected to take of a capture.</param>
public sealed record Attempt(AttemptId Id, Provider Provider, AttemptState State, Price Cost)
{
    /// <summary>The provider's reference of the authorization.</summary>
    public string? PaymentReference { get; init; }

    /// <summary>The provider's reference of this capture, void or refund.</summary>
    public string? ModificationReference { get; init; }

    public string? ActionUrl { get; init; }

    public DeclineView? Decline { get; init; }

    /// <summary>Why, for operators; never card data.</summary>
    public string? Detail { get; init; }

    public required DateTimeOffset OpenedAt { get; init; }

    public DateTimeOffset? ClosedAt { get; init; }

    /// <summary>Nobody knows yet how it ended.</summary>
    public bool IsUnsettled => State is AttemptState.Scheduled or AttemptState.Open or AttemptState.NeedsAction or AttemptState.Pending or AttemptState.Unknown;
}

/// <summary>How one call ended.</summary>
public enum AttemptState
{
    /// <summary>Decided and durable, and put off: nothing was sent yet.</summary>
    Scheduled,
    Open,
    NeedsAction,
    Pending,
    Succeeded,
    Declined,

    /// <summary>Proven unexecuted.</summary>
    NotProcessed,
    Unknown,
}

/// <summary>A merchant's idempotency key within its merchant and mode.</summary>
public sealed record RequestKey(Seams.KeyClass Class, string Text);

/// <summary>
/// Sums over a payment's operations, in minor units. <see cref="CapturedMinor"/> counts every capture that ever succeeded, within
/// our books; what was taken back is <see cref="CaptureReversedMinor"/>, what went beyond is the excess.
/// </summary>
public sealed record Amounts
{
    public long AuthorizedMinor { get; init; }
    public long CapturedMinor { get; init; }
    public long CapturePendingMinor { get; init; }
    public long CaptureReversedMinor { get; init; }
    public long CaptureExcessMinor { get; init; }
    public long ReleasedMinor { get; init; }
    public long VoidPendingMinor { get; init; }
    public long RefundedMinor { get; init; }
    public long RefundPendingMinor { get; init; }
    public long RefundExcessMinor { get; init; }

    /// <summary>Withheld for disputes now, within our books.</summary>
    public long DisputedMinor { get; init; }

    /// <summary>What a capture may still take.</summary>
    public long CapturableMinor => AuthorizedMinor - CapturedMinor - CapturePendingMinor - ReleasedMinor - VoidPendingMinor;

    /// <summary>What a refund may still give back; below zero where a capture was taken back after a refund.</summary>
    public long RefundableMinor => CapturedMinor - CaptureReversedMinor - RefundedMinor - RefundPendingMinor - DisputedMinor;

    public static Amounts Of(ImmutableArray<Operation> operations)
    {
        var sum = new Amounts();
        foreach (var operation in operations)
        {
            sum = operation.IsExtra ? sum : checked(operation.Kind switch
            {
                OperationKind.Authorize when operation.State == OperationState.Succeeded =>
                    sum with { AuthorizedMinor = sum.AuthorizedMinor + operation.AmountMinor },
                OperationKind.Capture => Capture(sum, operation),
                OperationKind.Void => Void(sum, operation),
                OperationKind.Refund => Refund(sum, operation),
                _ => sum,
            });
        }

        return sum;
    }

    private static Amounts Capture(Amounts sum, Operation capture) => checked(capture switch
    {
        { IsUnsettled: true } => sum with { CapturePendingMinor = sum.CapturePendingMinor + capture.BookedMinor },
        { State: OperationState.Succeeded } => sum with
        {
            CapturedMinor = sum.CapturedMinor + capture.BookedMinor,
            CaptureExcessMinor = sum.CaptureExcessMinor + capture.SuspenseMinor,
            ReleasedMinor = sum.ReleasedMinor + capture.ReleasedMinor,
        },
        { State: OperationState.Reversed } => sum with
        {
            CapturedMinor = sum.CapturedMinor + capture.BookedMinor,
            CaptureReversedMinor = sum.CaptureReversedMinor + capture.BookedMinor,
            ReleasedMinor = sum.ReleasedMinor + capture.ReleasedMinor,
        },
        _ => sum,
    });

    private static Amounts Void(Amounts sum, Operation @void) => checked(@void switch
    {
        { IsUnsettled: true } => sum with { VoidPendingMinor = sum.VoidPendingMinor + @void.AmountMinor },
        { State: OperationState.Succeeded } => sum with { ReleasedMinor = sum.ReleasedMinor + @void.ReleasedMinor },
        _ => sum,
    });

    private static Amounts Refund(Amounts sum, Operation refund) => checked(refund switch
    {
        { IsUnsettled: true } => sum with { RefundPendingMinor = sum.RefundPendingMinor + refund.BookedMinor },
        { State: OperationState.Succeeded } => sum with
        {
            RefundedMinor = sum.RefundedMinor + refund.BookedMinor,
            RefundExcessMinor = sum.RefundExcessMinor + refund.SuspenseMinor,
        },
        _ => sum,
    });
}
