using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Books;
using static Payments.Ledger.Books.AccountKind;

namespace Payments.Ledger.Settlement;

/// <summary>What a provider's settlement does to the books; a function of its content alone.</summary>
public static class ProviderSettlementPostings
{
    public const string EventType = "provider.settled";

    /// <summary>
    /// The receivable falls by the gross amount: the net goes to the bank, the fee against what was accrued for it, and what was accrued too
    /// little or too much to the variance. An exchanged net leaves its currency through the clearing account and comes back in the other one
    /// at our own rate; what the provider paid beyond that is gain.
    /// </summary>
    /// <exception cref="InvariantException">A currency is unknown or an amount contradicts the others: callers check first.</exception>
    public static IReadOnlyList<JournalLine> For(ProviderSettlement settled)
    {
        ArgumentNullException.ThrowIfNull(settled);
        var receivable = new AccountName(Account.OwnedBy(settled.Provider), ProviderReceivable);
        var accrued = new AccountName(Account.OwnedBy(settled.Provider), ProviderCostPayable);
        return [.. settled.Currencies.SelectMany(c => Lines(c, receivable, accrued))];
    }

    private static IEnumerable<JournalLine> Lines(ProviderSettlementCurrency part, AccountName receivable, AccountName accrued)
    {
        Invariant.Holds(Currency.TryFind(part.Currency, out var currency), "a settled currency is accepted");
        Invariant.Holds(checked(part.GrossMinor - part.FeesMinor) == part.NetMinor, "a settled net amount is gross less fees");
        AccountName bank = House(Bank), clearing = House(FxClearing), variance = House(ProviderCostVariance);
        var fees = HouseJournal.Signed(LineKind.ProviderFee, accrued, receivable, part.AccruedFeesMinor, currency!)
            .Concat(HouseJournal.Signed(LineKind.ProviderFeeVariance, variance, receivable, checked(part.FeesMinor - part.AccruedFeesMinor), currency!));
        if (part.Conversion is not { } exchanged)
        {
            return HouseJournal.Signed(LineKind.ProviderPayout, bank, receivable, part.NetMinor, currency!).Concat(fees);
        }

        Invariant.Holds(Currency.TryFind(exchanged.Currency, out var paid) && exchanged.BookMinor is not null, "an exchange has a currency and a worth in our books");
        return HouseJournal.Signed(LineKind.ProviderConversion, clearing, receivable, part.NetMinor, currency!)
            .Concat(fees)
            .Concat(HouseJournal.Signed(LineKind.ProviderPayout, bank, clearing, exchanged.BookMinor!.Value, paid!))
            .Concat(HouseJournal.Signed(LineKind.ProviderConversionGain, bank, House(FxGainLoss), checked(exchanged.PaidMinor - exchanged.BookMinor.Value), paid!));
    }

    private static AccountName House(AccountKind kind) => new(Account.Platform, kind);
}
