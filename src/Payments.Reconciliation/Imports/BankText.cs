using System.Text.RegularExpressions;
using Payments.Core;

namespace Payments.Reconciliation.Imports;

/// <summary>Whose money an entry of the bank's statement is, and which payout, as far as its words say so.</summary>
public static partial class BankText
{
    // Paid and come back are two things, also on one day.
    private const string Returned = " returned";

    public static (string Provider, string? Reference) Read(string words)
    {
        ArgumentNullException.ThrowIfNull(words);
        if (MerchantPayout().Match(words) is { Success: true } own && BankReference.TryRead<PayoutId>(own.Value, out var to))
        {
            return (Book.Merchants, BankReference.Of(to));
        }

        if (StripePayout().Match(words) is { Success: true } payout)
        {
            return (Book.Stripe, payout.Value);
        }

        if (words.Contains("ADYEN", StringComparison.OrdinalIgnoreCase))
        {
            return (Book.Adyen, AdyenBatch().Match(words) is { Success: true } batch ? "batch " + batch.Groups[1].Value : null);
        }

        return (words.Contains("STRIPE", StringComparison.OrdinalIgnoreCase) ? Book.Stripe : Book.Other, null);
    }

    /// <summary>The reference of an entry about a payout to a merchant.</summary>
    public static string ReferenceOf(PayoutId payout, bool isReturn) => BankReference.Of(payout) + (isReturn ? Returned : "");

    /// <summary>A line of the bank's leg. The day is the one that the bank wrote down, in no time zone but its own.</summary>
    public static StatementLine Line(long number, Currency currency, long amount, DateOnly day, string words)
    {
        ArgumentNullException.ThrowIfNull(currency);
        var (provider, reference) = Read(words);
        if (provider == Book.Merchants && amount > 0)
        {
            reference += Returned;
        }

        return new(number, Leg.Bank, provider, LineKind.Payout, reference, null, currency.Code, amount, currency.Code, 0, amount, reference, day, new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero));
    }

    [GeneratedRegex(@"\bpo-[0-9a-z]{26}\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex MerchantPayout();

    [GeneratedRegex(@"\bpo_[A-Za-z0-9]+", RegexOptions.CultureInvariant)]
    private static partial Regex StripePayout();

    [GeneratedRegex(@"\bBATCH[ /_-]?([0-9]{1,9})\b", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex AdyenBatch();
}
