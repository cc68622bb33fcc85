using Payments.Core;

namespace Payments.Ledger.Payouts;

/// <summary>A payout of a merchant's currency, as far as it tells which batches are in it.</summary>
/// <param name="Since">When it came to this state.</param>
public sealed record PayoutMade(PayoutId Id, DateOnly DueOn, DateTimeOffset CreatedAt, PayoutState State, DateTimeOffset Since);

/// <summary>Which payouts a settlement batch is in. Pure.</summary>
public static class BatchPayouts
{
    /// <summary>
    /// A payout takes all that is payable when it is made: it holds a batch that was closed before and was due to be paid. What came to nothing is payable again from that moment
    /// on, so that the first payout made after it holds the batch next. A batch that pays nothing lessens what is payable at once, whatever its day.
    /// </summary>
    /// <param name="paid">What of the batch became payable, in minor units.</param>
    /// <param name="payouts">Of the batch's merchant, mode and paid currency.</param>
    /// <returns>In their order; at most the last one did not come to nothing.</returns>
    public static IReadOnlyList<PayoutMade> Of(DateTimeOffset closedAt, DateOnly payOn, long paid, IEnumerable<PayoutMade> payouts)
    {
        var (holding, free) = (new List<PayoutMade>(), (DateTimeOffset?)closedAt);
        foreach (var payout in payouts.OrderBy(p => p.CreatedAt).ThenBy(p => p.DueOn))
        {
            if (payout.CreatedAt > free && (paid <= 0 || payout.DueOn >= payOn))
            {
                holding.Add(payout);
                free = payout.State is PayoutState.Canceled or PayoutState.Failed or PayoutState.Returned ? payout.Since : null;
            }
        }

        return holding;
    }
}
