using System.Globalization;
using Payments.Core;
using Payments.Core.Seams;

namespace Payments.Reconciliation.Reports;

/// <summary>An explanation in sentences, oldest first, and at the end where the money is. Pure.</summary>
public static class Story
{
    private static readonly string[] Settled = ["matched", "timing"];
    private static readonly string[] CameToNothing = ["canceled", "failed", "returned"];

    public static IReadOnlyList<string> Of(Explanation of)
    {
        ArgumentNullException.ThrowIfNull(of);
        var told = new List<(DateTimeOffset At, string Text)>();
        told.AddRange(of.Ledger?.Journals.Select(j => (j.At, $"The ledger has {j.Type} as {j.Id}: {string.Join("; ", j.Lines.Select(Line))}.")) ?? []);
        told.AddRange(of.Items.SelectMany(Item));
        told.AddRange(of.Breaks.Select(b => (b.At, Break(b))));
        told.AddRange(of.Ledger?.Settlements.Select(s => (s.CutAt, $"Settlement {s.Id} has {Amount(s.Amount, s.Currency)} of it, payable in {s.PaidCurrency} from {s.PayOn:yyyy-MM-dd} on.")) ?? []);
        told.AddRange(of.Payouts.Select(p => (p.Payout.At, Payout(p))));
        return [.. told.OrderBy(t => t.At).Select(t => $"{t.At.UtcDateTime:yyyy-MM-dd HH:mm:ss} {t.Text}").Distinct(), .. Answer(of)];
    }

    private static IEnumerable<(DateTimeOffset At, string Text)> Item(ExplainedItem item)
    {
        var difference = item.Difference == 0 ? "" : $", by {Amount(item.Difference, item.Currency)}";
        yield return (item.OccurredAt, $"{item.Provider}'s report should have the {item.Kind} {item.Reference} of {Amount(item.Gross, item.Currency)}, cost {Amount(item.Fee, item.Currency)}: {item.Class}{difference}.");
        foreach (var line in item.Lines)
        {
            yield return (item.OccurredAt, $"{line.Provider}'s report {line.File}, line {line.Line}, has {Amount(line.Gross, line.Currency)} less {Amount(line.Fee, line.NetCurrency)} on {line.Day:yyyy-MM-dd}, paid with {line.Batch ?? "no payout yet"}.");
            if (line.Bank is { } bank)
            {
                yield return (At(bank.Day), $"The bank's statement {bank.File}, line {bank.Line}, has {line.Batch}: {Amount(bank.Net, bank.NetCurrency)} ({line.BankClass}).");
            }
            else if (line.BankClass is not null)
            {
                yield return (item.OccurredAt, $"The bank's statement should have {line.Batch}: {line.BankClass}.");
            }

            if (line.Booked is { } booked)
            {
                yield return (booked.At, $"The ledger has booked {line.Batch} as {booked.Journal}.");
            }
        }
    }

    private static string Line(LedgerStoryLine l) =>
        $"{(l.Action == "post" ? "" : l.Action + " of ")}{l.Kind} {Amount(l.Amount, l.Currency)} from {l.Credit} of {l.CreditOwner} to {l.Debit} of {l.DebitOwner}";

    private static string Break(ExplainedBreak b)
    {
        var closed = b.State == "resolved" ? $", closed by {b.ResolvedBy}: {b.Correction ?? b.Journal ?? b.Reason}" : "";
        var asked = b.Steps.Count == 0 ? "" : $"; booked for it: {string.Join(", ", b.Steps.Select(s => $"{s.Kind} {Amount(s.Amount, s.Currency)} {s.Journal ?? "(not yet)"}"))}";
        return $"Break {b.Id} ({b.Leg}{(b.Leg == "bank" ? $", payout {b.Reference}" : "")}): {b.Class} of {Amount(b.Difference, b.Currency)}, {b.State}{closed}{asked}.";
    }

    private static string Payout(ExplainedPayout p)
    {
        var file = p.Payout.File is { } name ? $", in bank file {name}" : "";
        var shown = p.Statement is { } statement ? $"; the bank's statement has it on {statement.Day:yyyy-MM-dd} ({statement.Class})" : "";
        return $"Payout {p.Payout.Id} of {Amount(p.Payout.Amount, p.Payout.Currency)} to the merchant, due on {p.Payout.DueOn:yyyy-MM-dd}, is {p.Payout.Status}{file}{shown}.";
    }

    private static IEnumerable<string> Answer(Explanation of)
    {
        var came = of.Items.SelectMany(i => i.Lines).Where(l => l.BankClass == "matched").GroupBy(l => l.NetCurrency).Select(g => Amount(g.Sum(l => l.Net), g.Key)).ToList();
        yield return came.Count > 0 ? $"Of it {string.Join(" and ", came)} came to our bank." : "Nothing of it came to our bank yet.";
        if (of.Ledger is not { Settlements: [_, ..] settlements })
        {
            yield return of.Ledger switch
            {
                null => "The ledger does not answer: what it has of the payment is not told here.",
                { JournalsRetired: true } => "Its journals are retired, and no settlement has it.",
                _ => "No settlement of the merchant has it yet.",
            };
        }
        else
        {
            foreach (var settlement in settlements)
            {
                yield return $"Settlement {settlement.Id} ({Amount(settlement.Amount, settlement.Currency)}): {Paid(of.Payouts.FirstOrDefault(p => settlement.Payouts is [.., var last] && p.Payout.Id == last)?.Payout)}.";
            }
        }

        var open = of.Breaks.Where(b => b.State != "resolved").Select(b => $"break {b.Id} ({b.Class}{(b.Leg == "bank" ? $" of payout {b.Reference} at the bank" : "")}, {Amount(b.Difference, b.Currency)})")
            .Concat(AtBank(of).Distinct())
            .Concat(of.Items.Where(i => i.Class == "timing").Select(i => $"the {i.Kind} {i.Reference} may still come"))
            .Concat(of.Items.Where(i => i.Class == "not_compared").Select(i => $"the {i.Kind} {i.Reference} is not compared yet"))
            .Concat(of.Items.Where(i => !Settled.Contains(i.Class) && i.Class != "not_compared" && of.Breaks.All(b => b.Item != i.Id)).Select(i => $"the {i.Kind} {i.Reference} is {i.Class}")).ToList();
        yield return open.Count == 0 ? "No difference is open." : $"Open: {string.Join("; ", open)}.";
    }

    /// <summary>Payouts that have no break and are not matched: the provider's, and ours to the merchant.</summary>
    private static IEnumerable<string> AtBank(Explanation of) =>
        of.Items.SelectMany(i => i.Lines).Where(l => l.BankClass is not null).Select(l => (Name: l.Batch, Class: l.BankClass!, Item: l.BankItem))
            .Concat(of.Payouts.Where(p => p.Statement is not null).Select(p => (Name: (string?)p.Payout.Id.ToString(), p.Statement!.Class, Item: (Guid?)p.Statement.Item)))
            .Where(p => p.Class != "matched" && of.Breaks.All(b => b.Item is null || b.Item != p.Item))
            .Select(p => p.Class switch
            {
                "timing" => $"the payout {p.Name} may still come to the bank",
                "not_compared" => $"the payout {p.Name} is not compared with the bank yet",
                _ => $"the payout {p.Name} is {p.Class} at the bank",
            });

    private static string Paid(LedgerStoryPayout? last) => last switch
    {
        null => "not paid yet",
        { Status: "paid" } => $"paid by payout {last.Id}",
        _ when CameToNothing.Contains(last.Status) => "not paid yet",
        _ => $"payout {last.Id} is {last.Status}",
    };

    private static string Amount(long minor, string currency) => Currency.TryFind(currency, out var known) ? new Money(minor, known).ToString() : string.Create(CultureInfo.InvariantCulture, $"{minor} {currency}");

    private static DateTimeOffset At(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
}
