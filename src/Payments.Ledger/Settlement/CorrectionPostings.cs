using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Books;
using static Payments.Ledger.Books.AccountKind;

namespace Payments.Ledger.Settlement;

/// <summary>One kind of correction: which accounts it moves between.</summary>
public sealed record CorrectionKind(string Code, AccountKind Debit, AccountKind Credit)
{
    public bool OfMerchant => IsOf(OwnerKind.Merchant);

    public bool OfProvider => IsOf(OwnerKind.Provider);

    private bool IsOf(OwnerKind owner) => Chart.Of(Debit).Owner == owner || Chart.Of(Credit).Owner == owner;
}

/// <summary>The corrections that a break of reconciliation may be closed with: a table, and nothing beside it.</summary>
public static class CorrectionPostings
{
    public const string EventType = "reconciliation.corrected";

    // code, debit, credit
    public static IReadOnlyList<CorrectionKind> Kinds { get; } =
    [
        new("charge_missing_at_provider", MerchantPending, ProviderReceivable),
        new("refund_missing_at_provider", ProviderReceivable, MerchantPending),
        new("unknown_provider_credit", ProviderReceivable, Suspense),
        new("unknown_provider_debit", Suspense, ProviderReceivable),
        new("suspense_to_merchant", Suspense, MerchantPending),
        new("merchant_to_suspense", MerchantPending, Suspense),
        new("suspense_to_chargebacks", Suspense, Chargebacks),
        new("chargebacks_to_suspense", Chargebacks, Suspense),
        new("provider_fee", ProviderCostVariance, ProviderReceivable),
        new("provider_fee_rebate", ProviderReceivable, ProviderCostVariance),
        new("accrued_fee_written_off", ProviderCostPayable, ProviderCostVariance),
        new("accrued_fee_added", ProviderCostVariance, ProviderCostPayable),
        new("fee_variance_expensed", ProviderCostExpense, ProviderCostVariance),
        new("fee_variance_returned", ProviderCostVariance, ProviderCostExpense),
        new("chargeback_lost", Chargebacks, ProviderReceivable),
        new("chargeback_recovered", ProviderReceivable, Chargebacks),
        new("bank_surplus", Bank, ProviderReceivable),
        new("bank_shortfall", ProviderReceivable, Bank),
        new("bank_fee", ProviderCostExpense, Bank),
        new("bank_fee_returned", Bank, ProviderCostExpense),
        new("unknown_bank_credit", Bank, Suspense),
        new("unknown_bank_debit", Suspense, Bank),
        new("fx_loss", FxGainLoss, FxClearing),
        new("fx_gain", FxClearing, FxGainLoss),
    ];

    public static CorrectionKind? Find(string code) => Kinds.FirstOrDefault(k => k.Code == code);

    /// <exception cref="InvariantException">The kind or the currency is unknown, or a merchant or provider is missing: callers check first.</exception>
    public static IReadOnlyList<JournalLine> For(LedgerCorrection correction)
    {
        ArgumentNullException.ThrowIfNull(correction);
        var kind = Find(correction.Kind) ?? throw new InvariantException("a correction is of a kind in the table");
        Invariant.Holds(Currency.TryFind(correction.Currency, out var currency), "a correction's currency is accepted");
        Invariant.Holds(correction.AmountMinor > 0 && (!kind.OfMerchant || correction.MerchantId is not null) && (!kind.OfProvider || correction.Provider is not null),
            "a correction has an amount, and a merchant or a provider where it touches one");
        return [new(LineKind.Correction, LineAction.Post, Name(kind.Debit), Name(kind.Credit), new Money(correction.AmountMinor, currency!))];

        AccountName Name(AccountKind account) => new(
            Chart.Of(account).Owner switch
            {
                OwnerKind.Merchant => correction.MerchantId!.Value.ToString(),
                OwnerKind.Provider => Account.OwnedBy(correction.Provider!.Value),
                _ => Account.Platform,
            },
            account);
    }
}
