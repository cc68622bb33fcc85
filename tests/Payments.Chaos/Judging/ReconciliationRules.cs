using System.Globalization;
using System.Text.Json;

namespace Payments.Chaos.Judging;

/// <summary>
/// The three records agree once everything is at rest and nothing misleads any more: what we booked, what the providers' reports say, what came to the
/// bank. No difference is left, the days are closed, and nothing stands on an account that money only passes through.
/// </summary>
internal static class ReconciliationRules
{
    // Nothing is paid out in another currency here, so that conversions stay out of the books.
    private static readonly string[] Clearing = ["provider_receivable", "provider_cost_payable", "provider_cost_variance", "suspense", "fx_clearing"];

    public static IEnumerable<Violation> Judge(Evidence evidence)
    {
        if (evidence.Reconciled is { } reconciled)
        {
            return [.. Done(reconciled), .. Left(evidence, reconciled), .. Whole(evidence, reconciled), .. Cleared(reconciled)];
        }

        // A tour of kill points reconciles nothing; a run under fire always does.
        return evidence.Fire is null ? [] : [new Violation(Rules.BreakLeft, null, "the books were not reconciled")];
    }

    private static IEnumerable<Violation> Done(ReconciledRow reconciled) =>
        reconciled.Undone.Select(u => new Violation(Rules.BreakLeft, null, $"not done in time: {u}"))
            .Concat(reconciled.Stuck.Select(s => new Violation(Rules.BreakLeft, null, $"{s.What}: {s.Detail}")))
            .Concat(reconciled.Books.Where(b => b.ClosedThrough is not { } day || day < b.LastDay).Select(b => new Violation(Rules.BreakLeft, null, $"{b.Leg} {b.Provider} is not closed through {b.LastDay:O}")));

    private static IEnumerable<Violation> Left(Evidence evidence, ReconciledRow reconciled) =>
        reconciled.Breaks.Where(b => IsLeft(b, evidence)).Select(b => new Violation(Rules.BreakLeft, b.Payment, $"{b.Leg} {b.Provider} {b.Reference}: {b.Class} of {b.Amount} {b.Currency} is {b.State}{(b.How is null ? "" : $" by {b.How}")}"))
            .Concat(reconciled.Unanswered.Select(u => new Violation(Rules.BreakLeft, u.Payment, $"{u.Leg} {u.Provider} {u.Reference}: {u.Amount} {u.Currency} has no other side")));

    /// <summary>
    /// What the product does not settle itself is left, with one exception: a fee that could not be known beforehand, which people agree to. Of a
    /// second charge nothing is accrued, and where the card's country and kind were not to be had the cost was a guess.
    /// </summary>
    private static bool IsLeft(BreakRow found, Evidence evidence) => found switch
    {
        { State: "resolved", How: "rule" or "comparison" } => false,
        { State: "resolved", How: "person", Class: "fee_difference", Payment: { } payment } => !evidence.Events.Any(e => e.Payment == payment && IsUnforeseen(e)),
        _ => true,
    };

    private static bool IsUnforeseen(EventRow happened)
    {
        if (happened.Type == "payment.double_charge_found")
        {
            return true;
        }

        var card = JsonSerializer.Deserialize<JsonElement>(happened.Data).GetProperty("payment").GetProperty("payment_method");
        return happened.Type == "payment.captured" && card.ValueKind == JsonValueKind.Object && IsUnknown(card, "country") && IsUnknown(card, "funding");

        static bool IsUnknown(JsonElement of, string name) => !of.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null;
    }

    /// <summary>What was compared is what there is: both sides sum to the providers' books, and the bank's to what the ledger has at the bank.</summary>
    private static IEnumerable<Violation> Whole(Evidence evidence, ReconciledRow reconciled)
    {
        var books = evidence.Charges.Where(c => c.IsCharge).GroupBy(c => (c.Provider, c.Currency)).ToDictionary(g => g.Key, g => g.Sum(c => c.Captured - c.Refunded));
        var compared = reconciled.Totals.Where(t => t.Leg == "provider").ToDictionary(t => (t.Provider, t.Currency));
        foreach (var key in books.Keys.Union(compared.Keys))
        {
            var (there, found) = (books.GetValueOrDefault(key), compared.GetValueOrDefault(key));
            if ((found?.OursGross ?? 0) != there || (found?.TheirsGross ?? 0) != there)
            {
                yield return new Violation(
                    Rules.BreakLeft, null, string.Create(CultureInfo.InvariantCulture, $"{key.Provider} {key.Currency}: {found?.OursGross ?? 0} of ours and {found?.TheirsGross ?? 0} of theirs were compared, {there} is in the provider's books"));
            }
        }

        var banked = reconciled.Totals.Where(t => t.Leg == "bank").GroupBy(t => t.Currency).ToDictionary(g => g.Key, g => g.Sum(t => t.TheirsGross));
        var ledger = reconciled.Accounts.Where(a => a.Kind == "bank").GroupBy(a => a.Currency).ToDictionary(g => g.Key, g => g.Sum(a => a.Debits - a.Credits));
        foreach (var currency in banked.Keys.Union(ledger.Keys).Where(c => banked.GetValueOrDefault(c) != ledger.GetValueOrDefault(c)))
        {
            yield return new Violation(
                Rules.BreakLeft, null, string.Create(CultureInfo.InvariantCulture, $"bank {currency}: {ledger.GetValueOrDefault(currency)} by the ledger, {banked.GetValueOrDefault(currency)} by the statements"));
        }
    }

    private static IEnumerable<Violation> Cleared(ReconciledRow reconciled)
    {
        foreach (var account in reconciled.Accounts.Where(a => Clearing.Contains(a.Kind)).GroupBy(a => (a.Kind, a.Owner, a.Currency)))
        {
            if (account.Sum(a => a.Debits - a.Credits) is var balance && balance != 0)
            {
                yield return new Violation(Rules.BreakLeft, null, string.Create(CultureInfo.InvariantCulture, $"{account.Key.Owner}:{account.Key.Kind} {account.Key.Currency} is left with {balance}"));
            }
        }

        foreach (var currency in reconciled.Accounts.GroupBy(a => a.Currency))
        {
            if (currency.Sum(a => a.Debits - a.Credits) is var difference && difference != 0)
            {
                yield return new Violation(Rules.BreakLeft, null, string.Create(CultureInfo.InvariantCulture, $"{currency.Key} is out by {difference} after payouts were booked"));
            }
        }
    }
}
