namespace Payments.Core.Seams;

/// <summary>
/// A provider settled with us, as reconciliation proved it from the provider's own lines; the ledger books it. Sent to the ledger as
/// <c>POST /internal/ledger/provider-settlements</c>: the id is made by the caller, so a repeat changes nothing, and the same id with
/// another content is a conflict. All amounts are in minor units and signed as seen by the provider's account with us: what it owes us
/// is positive.
/// </summary>
/// <param name="Reference">The provider's name of the payout or batch.</param>
/// <param name="SettledAt">When the provider paid.</param>
/// <param name="Currencies">What was settled, once for each currency in which customers paid.</param>
/// <param name="LineCount">How many lines of the provider's file stand behind it.</param>
/// <param name="LinesHash">SHA-256 in lower-case hex over those lines, so that the booking can be traced to them.</param>
public sealed record ProviderSettlement(
    ProviderSettlementId Id,
    Mode Mode,
    Provider Provider,
    string Reference,
    DateTimeOffset SettledAt,
    IReadOnlyList<ProviderSettlementCurrency> Currencies,
    long LineCount,
    string LinesHash);

/// <param name="GrossMinor">What customers paid less what they were given back.</param>
/// <param name="FeesMinor">What the provider took for it.</param>
/// <param name="AccruedFeesMinor">What we had accrued for the same items; the difference is variance.</param>
/// <param name="NetMinor">Gross less fees: what the provider paid out of this currency.</param>
/// <param name="Conversion">Absent where it was paid in the same currency.</param>
public sealed record ProviderSettlementCurrency(
    string Currency, long GrossMinor, long FeesMinor, long AccruedFeesMinor, long NetMinor, ProviderConversion? Conversion = null);

/// <summary>The provider exchanged the net amount before it paid.</summary>
/// <param name="PaidMinor">What came of it, with the sign of the net amount.</param>
/// <param name="BookMinor">What it was worth at our own rate; absent: the ledger's rate at the time of the settlement.</param>
public sealed record ProviderConversion(string Currency, long PaidMinor, long? BookMinor = null);

/// <summary>
/// A journal that closes a break of reconciliation: <c>POST /internal/ledger/corrections</c>, repeatable under its id as a settlement is.
/// </summary>
/// <param name="Kind">A kind of the ledger's table of corrections, which says what is debited and credited.</param>
/// <param name="Provider">Needed where the kind touches a provider's account.</param>
/// <param name="Break">The break that it closes.</param>
/// <param name="MerchantId">Needed where the kind touches a merchant's account.</param>
/// <param name="PaymentId">The payment it is about, where it is about one.</param>
/// <param name="ProposedBy">Who asked for it.</param>
/// <param name="ApprovedBy">Another person who agreed; needed above the limit of the currency.</param>
public sealed record LedgerCorrection(
    LedgerCorrectionId Id,
    Mode Mode,
    string Kind,
    Provider? Provider,
    string Currency,
    long AmountMinor,
    DateTimeOffset EffectiveAt,
    string Reason,
    ReconciliationBreakId Break,
    string ProposedBy,
    string? ApprovedBy = null,
    MerchantId? MerchantId = null,
    PaymentId? PaymentId = null);

/// <summary>The ledger's answer to either: the journal that it is in the books.</summary>
/// <param name="Duplicate">It was booked before; nothing changed.</param>
public sealed record LedgerBooking(JournalId Journal, bool Duplicate);
