using System.Collections.Frozen;
using System.Text.Json;
using Payments.Core;
using Payments.Core.Events;

namespace Payments.Ledger.Books;

/// <summary>What a line does with its amount.</summary>
public enum LineAction
{
    /// <summary>Moves it: a movement.</summary>
    Post,

    /// <summary>Announces it: a pending transfer that changes pending amounts only.</summary>
    Hold,

    /// <summary>Takes a pending transfer, or part of one, back.</summary>
    Release,
}

/// <summary>Why a line exists.</summary>
public enum LineKind
{
    Authorization,
    Capture,
    CaptureSuspense,
    Commission,
    ProviderCost,
    CaptureReversal,
    CaptureReversalSuspense,
    CommissionReversal,
    ProviderCostReversal,
    Refund,
    RefundSuspense,
    RefundReversal,
    RefundReversalSuspense,
    UnattributedHold,
    UnattributedCharge,
    AttributedCharge,
    DoubleChargeHold,
    DoubleCharge,
    DoubleChargeRefund,
    DoubleChargeRefundReversal,
    Dispute,
    DisputeSuspense,
    DisputeFee,
    DisputeFeeSuspense,
    DisputeReversal,
    DisputeReversalSuspense,
    DisputeFeeReturn,
    DisputeFeeReturnSuspense,

    // What the house books itself: HouseJournal.
    ProviderPayout,
    ProviderFee,
    ProviderFeeVariance,
    ProviderConversion,
    ProviderConversionGain,
    Correction,
    Settlement,
    SettlementConversion,
    Reserve,
    ReserveRelease,
    Payout,
    PayoutReturn,
    Exchange,
    Revaluation,
}

/// <summary>One line of a journal: the amount leaves the credited account's opposite and can therefore never be unbalanced.</summary>
public sealed record JournalLine(LineKind Kind, LineAction Action, AccountName Debit, AccountName Credit, Money Amount);

/// <summary>A journal to be posted: everything that one event does to the books.</summary>
/// <param name="Id">The digits of the event's id: one event, one journal, for ever.</param>
/// <param name="Partition">Ledger partition: which hash chain and which sub-accounts.</param>
/// <param name="EventSeq">The event's number in its partition of the publisher.</param>
/// <param name="Decision">Our own decision (a payout): floors bind it. Facts are posted whatever they do to a balance.</param>
public sealed record JournalDraft(
    JournalId Id,
    int Partition,
    long EventSeq,
    Mode Mode,
    PaymentId PaymentId,
    MerchantId MerchantId,
    string EventType,
    DateTimeOffset EffectiveAt,
    bool Decision,
    IReadOnlyList<JournalLine> Lines)
{
    /// <summary>Null where the event does nothing to the books.</summary>
    public static JournalDraft? Of(PaymentEvent happened, int partition, long eventSeq)
    {
        ArgumentNullException.ThrowIfNull(happened);
        var lines = Postings.For(happened);
        return lines.Count == 0
            ? null
            : new(
                new JournalId(happened.Id.Value), partition, eventSeq, happened.Mode, happened.PaymentId, happened.MerchantId, happened.Type,
                happened.OccurredAt, Decision: false, lines);
    }

    public Account DebitOf(JournalLine line) => Account.Of(Mode, line.Debit, line.Amount.Currency, Partition);

    public Account CreditOf(JournalLine line) => Account.Of(Mode, line.Credit, line.Amount.Currency, Partition);
}

/// <summary>Spelling of <see cref="LineKind"/> and <see cref="LineAction"/> in the database and the API.</summary>
internal static class LineText
{
    private static readonly FrozenDictionary<LineKind, string> Kinds = Spell<LineKind>();
    private static readonly FrozenDictionary<LineAction, string> Actions = Spell<LineAction>();

    public static string Of(LineKind kind) => Kinds[kind];

    public static string Of(LineAction action) => Actions[action];

    private static FrozenDictionary<T, string> Spell<T>()
        where T : struct, Enum =>
        Enum.GetValues<T>().ToFrozenDictionary(v => v, v => JsonNamingPolicy.SnakeCaseLower.ConvertName(v.ToString()));
}
