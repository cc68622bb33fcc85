namespace Payments.Core.Seams;

/// <summary>
/// An entry of our bank's statement about a payout to a merchant, as reconciliation read it: <c>POST /internal/ledger/payout-entries</c>. Told
/// again, or after the bank's own report said the same, it changes nothing.
/// </summary>
/// <param name="AmountMinor">As it changes our account: negative was paid, positive came back.</param>
/// <param name="BookedAt">The bank's day.</param>
public sealed record PayoutEntry(Mode Mode, PayoutId Payout, string Currency, long AmountMinor, DateTimeOffset BookedAt);

/// <summary>
/// What the ledger knows of payouts by another word than the statement's, and the statement has to show: <c>GET /internal/ledger/payouts-to-show</c>.
/// The same, told to <c>POST …/taken</c>, is expected and told no more.
/// </summary>
public sealed record PayoutEntryList(IReadOnlyList<PayoutEntry> Payouts);

/// <summary>The ledger's answer: the payout stands as the entry says.</summary>
/// <param name="Duplicate">It did before; nothing changed.</param>
public sealed record PayoutEntryTaken(PayoutId Payout, bool Duplicate);
