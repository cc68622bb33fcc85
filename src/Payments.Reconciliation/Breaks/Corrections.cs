using System.Collections.Frozen;
using System.Globalization;
using Payments.Core;

namespace Payments.Reconciliation.Breaks;

/// <summary>Who bears a difference.</summary>
public enum Bearer
{
    /// <summary>The merchant: it gets less, or more.</summary>
    Merchant,

    /// <summary>Nobody yet.</summary>
    Suspense,

    /// <summary>The house, as what disputes cost it.</summary>
    Chargebacks,

    /// <summary>The provider, with a transfer of its own.</summary>
    Bank,

    /// <summary>The house, as cost of the provider.</summary>
    ProviderCost,

    /// <summary>The house, as what its bank took; or gave.</summary>
    BankCost,

    /// <summary>The provider: it still owes what did not come, or is owed what came too much.</summary>
    Provider,
}

/// <summary>Which of a break's amounts a step puts right.</summary>
public enum CorrectedPart
{
    /// <summary>On the receivable, or on the bank's leg on the bank's account: ours less theirs.</summary>
    Gross,

    /// <summary>Accrued cost that no line answers.</summary>
    Accrued,

    /// <summary>On the variance of fees: theirs less ours.</summary>
    Variance,
}

/// <summary>What a break leaves on the books, in minor units.</summary>
public readonly record struct LeftBy(long Gross, long Accrued, long Variance)
{
    public static LeftBy operator -(LeftBy left, LeftBy right) => new(checked(left.Gross - right.Gross), checked(left.Accrued - right.Accrued), checked(left.Variance - right.Variance));

    public static LeftBy Of(CorrectedPart part, long amount) => part switch
    {
        CorrectedPart.Gross => new(amount, 0, 0),
        CorrectedPart.Accrued => new(0, amount, 0),
        _ => new(0, 0, amount),
    };

    public static LeftBy Subtract(LeftBy left, LeftBy right) => left - right;
}

/// <param name="Kind">Of the ledger's table of corrections.</param>
/// <param name="Moved">By how much it puts its part right, signed as the part is; 0 where another step of the part does.</param>
public sealed record CorrectionStep(CorrectedPart Part, string Kind, long Amount, long Moved);

/// <summary>What the ledger is asked to book for a break: tables, and nothing beside them.</summary>
public static class Corrections
{
    // who bears it: what is booked where we have more on the receivable, and where they have
    private static readonly FrozenDictionary<Bearer, (string WeMore, string TheyMore)> OfGross = new Dictionary<Bearer, (string, string)>
    {
        [Bearer.Merchant] = ("charge_missing_at_provider", "refund_missing_at_provider"),
        [Bearer.Suspense] = ("unknown_provider_debit", "unknown_provider_credit"),
        [Bearer.Chargebacks] = ("chargeback_lost", "chargeback_recovered"),
        [Bearer.Bank] = ("bank_surplus", "bank_shortfall"),
        [Bearer.ProviderCost] = ("provider_fee", "provider_fee_rebate"),
    }.ToFrozenDictionary();

    // the same on the bank's leg: where the books have more on the bank's account, and where the statement has
    private static readonly FrozenDictionary<Bearer, (string WeMore, string TheyMore)> OfBank = new Dictionary<Bearer, (string, string)>
    {
        [Bearer.BankCost] = ("bank_fee", "bank_fee_returned"),
        [Bearer.Suspense] = ("unknown_bank_debit", "unknown_bank_credit"),
        [Bearer.Provider] = ("bank_shortfall", "bank_surplus"),
    }.ToFrozenDictionary();

    // in our own books: where suspense has money, and where it is owed some
    private static readonly FrozenDictionary<Bearer, (string WeMore, string TheyMore)> OfSuspense = new Dictionary<Bearer, (string, string)>
    {
        [Bearer.Merchant] = ("suspense_to_merchant", "merchant_to_suspense"),
        [Bearer.Chargebacks] = ("suspense_to_chargebacks", "chargebacks_to_suspense"),
    }.ToFrozenDictionary();

    private static readonly (string WeMore, string TheyMore) OfAccrued = ("accrued_fee_written_off", "accrued_fee_added");
    private static readonly (string WeMore, string TheyMore) OfVariance = ("fee_variance_expensed", "fee_variance_returned");

    /// <summary>The larger amounts first. Empty: nothing is left on the books, or nothing that this bearer could bear.</summary>
    public static IReadOnlyList<CorrectionStep> Plan(Book book, LeftBy left, Bearer bearer)
    {
        var steps = new List<CorrectionStep>();
        if (!(book.Leg switch { Leg.Bank => OfBank, Leg.Books => OfSuspense, _ => OfGross }).TryGetValue(bearer, out var gross) || (bearer == Bearer.Provider && !Words.TryParse<Provider>(book.Provider, out _)))
        {
            return steps;
        }

        Add(CorrectedPart.Gross, gross, left.Gross, left.Gross);
        if (bearer == Bearer.ProviderCost)
        {
            // What the receivable loses to the provider's cost passes through the variance.
            Add(CorrectedPart.Gross, OfVariance, left.Gross, 0);
        }

        Add(CorrectedPart.Accrued, OfAccrued, left.Accrued, left.Accrued);
        Add(CorrectedPart.Variance, OfVariance, left.Variance, left.Variance);
        return [.. steps.OrderByDescending(s => s.Amount)];

        void Add(CorrectedPart part, (string WeMore, string TheyMore) kinds, long amount, long moved)
        {
            if (amount != 0)
            {
                steps.Add(new(part, amount > 0 ? kinds.WeMore : kinds.TheyMore, Math.Abs(amount), moved));
            }
        }
    }

    /// <summary>What is agreed to, as a break's version counts it.</summary>
    public static string Text(IReadOnlyList<CorrectionStep> steps) => string.Join(", ", steps.Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Kind} {s.Amount}")));

    public static bool NeedsMerchant(IReadOnlyList<CorrectionStep> steps, Bearer bearer) => bearer == Bearer.Merchant && steps.Any(s => s.Part == CorrectedPart.Gross);
}
