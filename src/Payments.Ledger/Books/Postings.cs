using System.Collections.Frozen;
using Payments.Core;
using Payments.Core.Events;
using static Payments.Core.Events.PaymentEventTypes;
using static Payments.Core.OperationState;
using static Payments.Ledger.Books.AccountKind;
using static Payments.Ledger.Books.LineKind;

namespace Payments.Ledger.Books;

/// <summary>
/// What each event does to the books: one table, read top to bottom. <c>docs/ledger.md</c> explains every row. A function of the
/// event alone, so that posting can be repeated and checked by whoever has the event.
/// </summary>
public static class Postings
{
    // event and state of its operation → lines (action, kind, debit, credit, amount); a line of zero is not written.
    private static readonly FrozenDictionary<(string Type, OperationState State), Row[]> Table = new Dictionary<(string, OperationState), Row[]>
    {
        [(InReview, Succeeded)] = [Hold(Authorization, ProviderReceivable, MerchantPending, f => f.Booked)],
        [(Authorized, Succeeded)] = [Hold(Authorization, ProviderReceivable, MerchantPending, f => f.HeldSinceReview ? 0 : f.Booked)],
        [(Captured, Succeeded)] =
        [
            Release(Authorization, ProviderReceivable, MerchantPending, f => f.Booked + f.Released - f.NeverHeld),
            Post(Capture, ProviderReceivable, MerchantPending, f => f.Booked),
            Post(CaptureSuspense, ProviderReceivable, Suspense, f => f.Excess),
            Post(Commission, MerchantPending, CommissionRevenue, f => f.Fees.CommissionMinor),
            Post(ProviderCost, ProviderCostExpense, ProviderCostPayable, f => f.Fees.ProviderCostMinor),
        ],
        [(CaptureFailed, OperationState.Failed)] = [],
        [(CaptureFailed, Reversed)] =
        [
            Post(CaptureReversal, MerchantPending, ProviderReceivable, f => f.Booked),
            Post(CaptureReversalSuspense, Suspense, ProviderReceivable, f => f.Excess),
            Post(CommissionReversal, CommissionRevenue, MerchantPending, f => f.Fees.CommissionMinor),
            Post(ProviderCostReversal, ProviderCostPayable, ProviderCostExpense, f => f.Fees.ProviderCostMinor),
        ],
        [(Voided, Succeeded)] = [Release(Authorization, ProviderReceivable, MerchantPending, f => f.Released)],
        [(Expired, Succeeded)] = [Release(Authorization, ProviderReceivable, MerchantPending, f => f.Released)],
        [(Expired, OperationState.Failed)] = [],
        [(Refunded, Succeeded)] =
        [
            Post(Refund, MerchantPending, ProviderReceivable, f => f.Booked),
            Post(RefundSuspense, Suspense, ProviderReceivable, f => f.Excess),
        ],
        [(RefundFailed, OperationState.Failed)] = [],
        [(RefundFailed, Reversed)] =
        [
            Post(RefundReversal, ProviderReceivable, MerchantPending, f => f.Booked),
            Post(RefundReversalSuspense, ProviderReceivable, Suspense, f => f.Excess),
        ],
        // Nobody's charge stands against suspense until it has a merchant; then the events of its payment follow.
        [(Unattributed, Succeeded)] =
        [
            Hold(UnattributedHold, ProviderReceivable, Suspense, f => f.OfHold),
            Post(UnattributedCharge, ProviderReceivable, Suspense, f => f.OfMoney),
        ],
        [(Attributed, Succeeded)] =
        [
            Release(UnattributedHold, ProviderReceivable, Suspense, f => f.OfHold),
            Post(AttributedCharge, Suspense, ProviderReceivable, f => f.OfMoney),
        ],
        // A second charge of one payment stands against suspense from being found to being undone: a void is of a hold, a refund of money.
        [(DoubleChargeFound, Open)] =
        [
            Hold(DoubleChargeHold, ProviderReceivable, Suspense, f => f.OfHold),
            Post(DoubleCharge, ProviderReceivable, Suspense, f => f.OfMoney),
        ],
        [(DoubleChargeUndone, Succeeded)] =
        [
            Release(DoubleChargeHold, ProviderReceivable, Suspense, f => f.OfHold),
            Post(DoubleChargeRefund, Suspense, ProviderReceivable, f => f.OfMoney),
        ],
        [(DoubleChargeUndoFailed, OperationState.Failed)] = [Release(DoubleChargeHold, ProviderReceivable, Suspense, f => f.OfHold)],
        [(DoubleChargeUndoFailed, Reversed)] = [Post(DoubleChargeRefundReversal, ProviderReceivable, Suspense, f => f.OfMoney)],
    }.ToFrozenDictionary();

    // The fee is the merchant's where any of the money that is taken is, and goes back to where it came from; it is owed to the provider like its cost of a
    // capture, until it settles.
    private static readonly Row[] Withdrawn =
    [
        Post(LineKind.Dispute, MerchantPending, ProviderReceivable, f => f.Booked),
        Post(DisputeSuspense, Suspense, ProviderReceivable, f => f.Excess),
        Post(DisputeFee, MerchantPending, ProviderCostPayable, f => f.OfMerchantsFee),
        Post(DisputeFeeSuspense, Suspense, ProviderCostPayable, f => f.Fees.ProviderCostMinor - f.OfMerchantsFee),
    ];

    private static readonly Row[] Reinstated =
    [
        Post(DisputeReversal, ProviderReceivable, MerchantPending, f => f.Booked),
        Post(DisputeReversalSuspense, ProviderReceivable, Suspense, f => f.Excess),
        Post(DisputeFeeReturn, ProviderCostPayable, MerchantPending, f => f.OfMerchantsFee),
        Post(DisputeFeeReturnSuspense, ProviderCostPayable, Suspense, f => f.Fees.ProviderCostMinor - f.OfMerchantsFee),
    ];

    // No money moved or is promised.
    private static readonly FrozenSet<string> Nothing =
        new[] { Rejected, ReviewDecided, RequiresAction, Processing, Declined, PaymentEventTypes.Failed, VoidFailed, RefundPending, DisputeOpened, DisputeUpdated, DisputeClosed }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, OperationKind> KindOf = new Dictionary<string, OperationKind>
    {
        [InReview] = OperationKind.Authorize,
        [Authorized] = OperationKind.Authorize,
        [Captured] = OperationKind.Capture,
        [CaptureFailed] = OperationKind.Capture,
        [Voided] = OperationKind.Void,
        [Refunded] = OperationKind.Refund,
        [RefundFailed] = OperationKind.Refund,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <exception cref="InvariantException">The event contradicts itself, or is of a type or state that this table does not know.</exception>
    public static IReadOnlyList<JournalLine> For(PaymentEvent happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        if (Nothing.Contains(happened.Type))
        {
            return [];
        }

        if (happened.Type is DisputeFundsWithdrawn or DisputeFundsReinstated)
        {
            return Lines(happened.Type == DisputeFundsWithdrawn ? Withdrawn : Reinstated, Facts.OfDispute(happened));
        }

        if (happened.Data.Operation is not { } operation)
        {
            throw new InvariantException($"an event of type {happened.Type} carries its operation");
        }

        var rows = RowsOf(happened.Type, operation);
        return rows.Length == 0 ? [] : Lines(rows, Facts.Of(happened, operation));
    }

    private static Row[] RowsOf(string type, OperationFact operation)
    {
        if (type is Unattributed or Attributed)
        {
            Invariant.Holds(operation is { Kind: OperationKind.Authorize or OperationKind.Capture, State: Succeeded }, "what stands in suspense is a hold or a charge");
            return Table[(type, Succeeded)];
        }

        if (type is DoubleChargeFound or DoubleChargeUndone or DoubleChargeUndoFailed)
        {
            Invariant.Holds(operation.Kind is OperationKind.Void or OperationKind.Refund, "a second charge is undone by a void or a refund");
            return Table.TryGetValue((type, operation.State), out var undoing)
                ? undoing
                : throw new InvariantException($"an event of type {type} with an operation that is {operation.State} is in the posting table");
        }

        // What expires is either an authorization that never came to be, or one whose hold the sweep or the provider voided.
        Invariant.Holds(
            type == Expired ? operation is { Kind: OperationKind.Void, State: Succeeded } or { Kind: OperationKind.Authorize, State: OperationState.Failed }
                : KindOf.TryGetValue(type, out var kind) && operation.Kind == kind,
            $"an event of type {type} with an operation of kind {operation.Kind} is in the posting table");
        return Table.TryGetValue((type, operation.State), out var rows)
            ? rows
            : throw new InvariantException($"an event of type {type} with an operation that is {operation.State} is in the posting table");
    }

    private static List<JournalLine> Lines(Row[] rows, Facts facts)
    {
        var lines = new List<JournalLine>(rows.Length);
        foreach (var row in rows)
        {
            var amount = row.Amount(facts);
            Invariant.Holds(amount >= 0, $"the amount of a line of kind {row.Kind} is not negative");
            if (amount > 0)
            {
                lines.Add(new(row.Kind, row.Action, facts.Name(row.Debit), facts.Name(row.Credit), new Money(amount, facts.Currency)));
            }
        }

        return lines;
    }

    private static Row Post(LineKind kind, AccountKind debit, AccountKind credit, Func<Facts, long> amount) => new(kind, LineAction.Post, debit, credit, amount);

    private static Row Hold(LineKind kind, AccountKind debit, AccountKind credit, Func<Facts, long> amount) => new(kind, LineAction.Hold, debit, credit, amount);

    private static Row Release(LineKind kind, AccountKind debit, AccountKind credit, Func<Facts, long> amount) => new(kind, LineAction.Release, debit, credit, amount);

    private sealed record Row(LineKind Kind, LineAction Action, AccountKind Debit, AccountKind Credit, Func<Facts, long> Amount);

    /// <param name="Booked">The part of the amount that our books allow.</param>
    /// <param name="Excess">The part of a provider's fact beyond it.</param>
    /// <param name="HeldSinceReview">The hold was posted when the payment went to review.</param>
    private sealed record Facts(
        string Merchant, string Provider, Currency Currency, long Booked, long Excess, long Released, CaptureFees Fees, bool HeldSinceReview, OperationKind Kind)
    {
        /// <summary>Events of earlier versions do not say who bears the fee of a dispute: whoever has part in what moved with it.</summary>
        public bool? MerchantBearsFee { get; init; }

        public long OfMerchantsFee => MerchantBearsFee ?? Booked > 0 ? Fees.ProviderCostMinor : 0;

        /// <summary>The amount where the operation is about a hold, and where it is about money.</summary>
        public long OfHold => Kind is OperationKind.Authorize or OperationKind.Void ? Booked : 0;

        public long OfMoney => Kind is OperationKind.Capture or OperationKind.Refund ? Booked : 0;

        /// <summary>Of a capture that came with its authorization: what that was for.</summary>
        public long NeverHeld { get; init; }

        private static readonly CaptureFees NoFees = new(0, 0, 0);

        public static Facts Of(PaymentEvent happened, OperationFact operation)
        {
            var excess = operation.SuspenseMinor;
            var booked = checked(operation.AmountMinor - excess);
            Invariant.Holds(operation.AmountMinor >= 0 && excess >= 0 && booked >= 0 && operation.ReleasedMinor >= 0, "an operation's amounts are not negative");
            Invariant.Holds(Currency.TryFind(operation.Currency, out var currency), "an operation's currency is accepted");
            Invariant.Holds(operation.Currency == happened.Data.Payment.Currency, "an operation has its payment's currency");
            var provider = operation.Provider ?? happened.Data.Payment.Provider;
            Invariant.Holds(provider is not null, "money moves through a provider");
            var fees = happened.Data.Fees;
            Invariant.Holds(fees is not null || operation.Kind != OperationKind.Capture || operation.State == OperationState.Failed || booked == 0 || happened.Type is Unattributed or Attributed, "a capture carries its fees");
            Invariant.Holds(fees is null or { CommissionMinor: >= 0, ProviderCostMinor: >= 0 }, "fees are not negative");
            return new(
                happened.MerchantId.ToString(), Account.OwnedBy(provider!.Value), currency!, booked, excess, operation.ReleasedMinor, fees ?? NoFees,
                happened.Data.Payment.Risk?.Decision == FraudVerdict.Review, operation.Kind)
            {
                NeverHeld = happened.Data.Authorization?.AmountMinor ?? 0,
            };
        }

        public static Facts OfDispute(PaymentEvent happened)
        {
            var (dispute, moved) = (happened.Data.Dispute, happened.Data.Moved);
            Invariant.Holds(dispute is not null && moved is not null, "an event of disputed money carries its dispute and what moved");
            Invariant.Holds(moved!.IsWithdrawal == (happened.Type == DisputeFundsWithdrawn), "odd movements take, even ones give back");
            Invariant.Holds(moved.AmountMinor >= moved.SuspenseMinor && moved.SuspenseMinor >= 0 && moved.FeeMinor >= 0, "a movement's amounts are not negative");
            Invariant.Holds(Currency.TryFind(moved.Currency, out var currency) && moved.Currency == happened.Data.Payment.Currency, "a dispute has its payment's currency");
            return new(
                happened.MerchantId.ToString(), Account.OwnedBy(dispute!.Provider), currency!, moved.AmountMinor - moved.SuspenseMinor, moved.SuspenseMinor, 0,
                new CaptureFees(0, 0, moved.FeeMinor), false, OperationKind.Refund)
            {
                MerchantBearsFee = moved.MerchantBearsFee,
            };
        }

        public AccountName Name(AccountKind kind) => new(
            Chart.Of(kind).Owner switch
            {
                OwnerKind.Merchant => Merchant,
                OwnerKind.Provider => Provider,
                _ => Account.Platform,
            },
            kind);
    }
}
