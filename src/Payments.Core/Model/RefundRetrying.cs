namespace Payments.Core;

/// <summary>
/// When a refund that did not reach the customer is tried again without asking anybody: only one that the merchant was told is on its
/// way or done, only after its failure is proven, only where the decline table says that another try may work, and a few times.
/// </summary>
public static class RefundRetrying
{
    /// <summary>Tries after the first that the provider may refuse. Those that never reached it are no tries: an outage gives no refund up.</summary>
    public const int Most = 3;

    /// <param name="outcome">Declined, or proven unexecuted.</param>
    public static bool MayTryAgain(Operation refund, FactOutcome outcome, DeclineView? decline)
    {
        ArgumentNullException.ThrowIfNull(refund);
        if (refund is not { Kind: OperationKind.Refund, Origin: OperationOrigin.Merchant, Current: not null })
        {
            return false;
        }

        var isOnItsWay = refund.State is OperationState.Pending or OperationState.Unknown or OperationState.Succeeded || refund.Attempts.Length > 1;
        return isOnItsWay && outcome switch
        {
            FactOutcome.NotProcessed => refund.State is OperationState.Open or OperationState.Unknown,
            FactOutcome.Declined => decline is { Kind: DeclineKind.Soft } && Reached(refund, refund.Attempts.Length) <= Most,
            _ => false,
        };
    }

    /// <summary>How many of the first <paramref name="count"/> attempts reached the provider, or may have.</summary>
    public static int Reached(Operation refund, int count)
    {
        ArgumentNullException.ThrowIfNull(refund);
        return refund.Attempts.Take(count).Count(a => a.State != AttemptState.NotProcessed);
    }

    /// <summary>Refunds that the merchant was told are on their way or done, and that now failed for good: the customer does not have the money.</summary>
    public static IEnumerable<Operation> GivenUp(PaymentState before, PaymentState after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return after.Operations.Where(o =>
            o is { Kind: OperationKind.Refund, State: OperationState.Failed or OperationState.Reversed, Origin: OperationOrigin.Merchant or OperationOrigin.Provider }
            && before.Operations.FirstOrDefault(old => old.Id == o.Id) is { } stood
            && stood.State != o.State
            && (stood.State != OperationState.Open || stood.Attempts.Length > 1));
    }

    /// <summary>Refunds that got another attempt.</summary>
    public static IEnumerable<Operation> TriedAgain(PaymentState before, PaymentState after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return after.Operations.Where(o =>
            o is { Kind: OperationKind.Refund, IsExtra: false, Current.State: AttemptState.Scheduled }
            && before.Operations.FirstOrDefault(old => old.Id == o.Id) is { } stood && stood.Attempts.Length < o.Attempts.Length);
    }
}
