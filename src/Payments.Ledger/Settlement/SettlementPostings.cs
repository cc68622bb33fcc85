using Payments.Core;
using Payments.Ledger.Books;
using static Payments.Ledger.Books.AccountKind;

namespace Payments.Ledger.Settlement;

/// <summary>What a batch moves: <paramref name="Net"/> less <paramref name="Held"/> plus <paramref name="Released"/> is <paramref name="Paid"/>, where both currencies are one.</summary>
public sealed record BatchAmounts(Currency Currency, long Net, long Held, long Released, Currency PaidCurrency, long Paid);

/// <summary>What a merchant's batch does to the books; a function of its amounts alone.</summary>
public static class SettlementPostings
{
    /// <summary>
    /// What is pending becomes payable, but for the reserve. What is paid in another currency leaves its own through the clearing account and
    /// comes back in the other one.
    /// </summary>
    public static IReadOnlyList<JournalLine> For(MerchantId merchant, BatchAmounts batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var owner = merchant.ToString();
        var (pending, payable, reserve, clearing) =
            (new AccountName(owner, MerchantPending), new AccountName(owner, MerchantPayable), new AccountName(owner, MerchantReserve), new AccountName(Account.Platform, FxClearing));
        var exchanged = batch.PaidCurrency != batch.Currency;
        var target = exchanged ? clearing : payable;
        return
        [
            .. HouseJournal.Signed(LineKind.Reserve, pending, reserve, batch.Held, batch.Currency),
            .. HouseJournal.Signed(exchanged ? LineKind.SettlementConversion : LineKind.Settlement, pending, target, checked(batch.Net - batch.Held), batch.Currency),
            .. HouseJournal.Signed(LineKind.ReserveRelease, reserve, target, batch.Released, batch.Currency),
            .. exchanged ? HouseJournal.Signed(LineKind.SettlementConversion, clearing, payable, batch.Paid, batch.PaidCurrency) : [],
        ];
    }
}
