using System.Collections.Frozen;
using System.Text.Json;

namespace Payments.Ledger.Books;

/// <summary>Whose account it is.</summary>
public enum OwnerKind
{
    Merchant,
    Provider,
    Platform,
}

/// <summary>The side on which an account's balance normally stands: assets and expenses debit, liabilities and revenue credit.</summary>
public enum NormalSide
{
    Debit,
    Credit,
}

/// <summary>The kinds of accounts; <see cref="Chart"/> says what each is.</summary>
public enum AccountKind
{
    MerchantPending,
    MerchantPayable,
    MerchantReserve,
    ProviderReceivable,
    ProviderCostPayable,
    CommissionRevenue,
    ProviderCostExpense,
    ProviderCostVariance,
    Suspense,
    Chargebacks,
    FxClearing,
    FxGainLoss,
    Bank,
}

/// <summary>One line of the chart of accounts.</summary>
/// <param name="Code">As the database and the API spell it.</param>
/// <param name="Split">One sub-account per ledger partition, because every payment meets this account.</param>
/// <param name="Floor">Lowest balance on the normal side to which our own decisions may bring it; facts may go below. Null: none.</param>
public sealed record AccountKindRow(AccountKind Kind, string Code, OwnerKind Owner, NormalSide Normal, bool Split, long? Floor);

/// <summary>The chart of accounts. Its twin is table <c>ledger.account_kinds</c>; a test compares the two.</summary>
public static class Chart
{
    /// <summary>Sub-account number of accounts that are not split.</summary>
    public const int Whole = -1;

    public static IReadOnlyList<AccountKindRow> Rows { get; } =
    [
        Row(AccountKind.MerchantPending, OwnerKind.Merchant, NormalSide.Credit),
        Row(AccountKind.MerchantPayable, OwnerKind.Merchant, NormalSide.Credit, floor: 0),
        Row(AccountKind.MerchantReserve, OwnerKind.Merchant, NormalSide.Credit, floor: 0),
        Row(AccountKind.ProviderReceivable, OwnerKind.Provider, NormalSide.Debit, split: true),
        Row(AccountKind.ProviderCostPayable, OwnerKind.Provider, NormalSide.Credit, split: true),
        Row(AccountKind.CommissionRevenue, OwnerKind.Platform, NormalSide.Credit, split: true),
        Row(AccountKind.ProviderCostExpense, OwnerKind.Platform, NormalSide.Debit, split: true),
        Row(AccountKind.ProviderCostVariance, OwnerKind.Platform, NormalSide.Debit, split: true),
        Row(AccountKind.Suspense, OwnerKind.Platform, NormalSide.Credit, split: true),
        Row(AccountKind.Chargebacks, OwnerKind.Platform, NormalSide.Debit, split: true),
        Row(AccountKind.FxClearing, OwnerKind.Platform, NormalSide.Debit, split: true),
        Row(AccountKind.FxGainLoss, OwnerKind.Platform, NormalSide.Credit, split: true),
        Row(AccountKind.Bank, OwnerKind.Platform, NormalSide.Debit),
    ];

    private static readonly FrozenDictionary<AccountKind, AccountKindRow> ByKind = Rows.ToFrozenDictionary(r => r.Kind);
    private static readonly FrozenDictionary<string, AccountKindRow> ByCode = Rows.ToFrozenDictionary(r => r.Code, StringComparer.Ordinal);

    public static AccountKindRow Of(AccountKind kind) => ByKind[kind];

    /// <summary>Null for a code that is not in the chart.</summary>
    public static AccountKindRow? Find(string code) => ByCode.GetValueOrDefault(code);

    private static AccountKindRow Row(AccountKind kind, OwnerKind owner, NormalSide normal, bool split = false, long? floor = null) =>
        new(kind, JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString()), owner, normal, split, floor);
}
