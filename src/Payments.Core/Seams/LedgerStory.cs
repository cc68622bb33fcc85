namespace Payments.Core.Seams;

/// <summary>
/// What the ledger has of one payment, for whoever explains it over all records: <c>GET /internal/ledger/payments/{id}</c>.
/// </summary>
/// <param name="Merchant">Null where no journal and no settlement is of it.</param>
/// <param name="JournalsRetired">The payment's month was retired: its journals are in the archive, and settlements and payouts stand.</param>
/// <param name="Settlements">Merchant's batches with its movements.</param>
/// <param name="Payouts">Payouts to the merchant that hold or held those batches.</param>
public sealed record LedgerStory(
    PaymentId Payment, Mode? Mode, MerchantId? Merchant, bool JournalsRetired, IReadOnlyList<LedgerStoryJournal> Journals, IReadOnlyList<LedgerStorySettlement> Settlements,
    IReadOnlyList<LedgerStoryPayout> Payouts);

/// <param name="Type">The event that made it, or what the house booked.</param>
public sealed record LedgerStoryJournal(JournalId Id, string Type, DateTimeOffset At, IReadOnlyList<LedgerStoryLine> Lines);

/// <param name="Action"><c>post</c>, <c>hold</c> or <c>release</c>.</param>
/// <param name="Debit">Kind of the account, and of whom it is.</param>
/// <param name="Amount">Minor units.</param>
public sealed record LedgerStoryLine(string Action, string Kind, string Debit, string DebitOwner, string Credit, string CreditOwner, long Amount, string Currency);

/// <param name="Amount">What the batch has of this payment, in minor units.</param>
/// <param name="PaidCurrency">In which the batch is paid.</param>
/// <param name="PayOn">From this day on.</param>
/// <param name="Payouts">In which it is or was: before the last one only such as came to nothing.</param>
public sealed record LedgerStorySettlement(string Id, DateTimeOffset CutAt, string Currency, long Amount, string PaidCurrency, DateOnly PayOn, IReadOnlyList<PayoutId> Payouts);

/// <param name="Amount">Of the whole payout, in minor units.</param>
/// <param name="File">The bank file that it is in.</param>
public sealed record LedgerStoryPayout(PayoutId Id, string Currency, long Amount, DateOnly DueOn, string Status, DateTimeOffset At, string? File);
