namespace Payments.Chaos.Judging;

/// <summary>The ledger has exactly the postings that its events call for, sums to zero, is what its movements say, and agrees with the providers.</summary>
internal static class LedgerRules
{
    public static IEnumerable<Violation> Judge(Evidence evidence, Cases cases) =>
        [.. Exactly(evidence, cases), .. Folds(evidence), .. Trial(evidence), .. Controls(evidence), .. HoldControls(evidence, cases)];

    private static IEnumerable<Violation> Exactly(Evidence evidence, Cases cases)
    {
        var accounts = evidence.Accounts.ToDictionary(a => a.Id);
        var posted = evidence.Lines.GroupBy(l => l.Event).ToDictionary(g => g.Key, g => g.OrderBy(l => l.Line).Select(l => Posted(l, accounts)).ToArray());
        var journals = evidence.Journals.ToDictionary(j => j.Event);
        foreach (var happened in cases.All.SelectMany(c => c.Events))
        {
            var expected = Postings.Of(happened).ToArray();
            journals.Remove(happened.Row.Id, out var journal);
            var found = posted.GetValueOrDefault(happened.Row.Id) ?? [];
            if (!expected.SequenceEqual(found) || (expected.Length > 0 && journal is null))
            {
                yield return new Violation(
                    Rules.PostingsDiffer, happened.Row.Payment,
                    $"{happened.Row.Type} {happened.Row.Id} calls for [{string.Join("; ", expected)}], the ledger has {(journal is null ? "no journal" : $"[{string.Join("; ", found)}]")}");
            }
        }

        foreach (var journal in journals.Values)
        {
            yield return new Violation(Rules.PostingsDiffer, journal.Payment, $"the journal of {journal.Type} {journal.Event} has no event");
        }
    }

    /// <summary>As <see cref="Postings"/> writes it; an account of another currency than the line's is named with its own.</summary>
    private static string Posted(LineRow line, Dictionary<string, AccountRow> accounts)
    {
        string Name(string id) => accounts.GetValueOrDefault(id) is not { } account ? "" : $"{account.Owner}:{account.Kind}{(account.Currency == line.Currency ? "" : " in " + account.Currency)}";
        return $"{line.Action} {line.Kind} {Name(line.Debit)}>{Name(line.Credit)} {line.Amount} {line.Currency}";
    }

    private static IEnumerable<Violation> Folds(Evidence evidence)
    {
        var debits = evidence.Lines.ToLookup(l => l.Debit);
        var credits = evidence.Lines.ToLookup(l => l.Credit);
        foreach (var account in evidence.Accounts)
        {
            var moved = (Sum(debits[account.Id]), Sum(credits[account.Id]), Pending(debits[account.Id]), Pending(credits[account.Id]));
            if (moved != (account.Debits, account.Credits, account.PendingDebits, account.PendingCredits))
            {
                yield return new Violation(
                    Rules.FoldDiffers, null, $"{account.Owner}:{account.Kind} {account.Currency} shows {(account.Debits, account.Credits, account.PendingDebits, account.PendingCredits)}, its movements sum to {moved}");
            }
        }
    }

    private static IEnumerable<Violation> Trial(Evidence evidence) =>
        from currency in evidence.Accounts.GroupBy(a => a.Currency)
        let difference = currency.Sum(a => a.Debits - a.Credits)
        where difference != 0
        select new Violation(Rules.TrialBalance, null, $"{currency.Key} is out by {difference}");

    /// <summary>What providers owe us by our books is what they have in theirs.</summary>
    private static IEnumerable<Violation> Controls(Evidence evidence)
    {
        var ours = evidence.Accounts.Where(a => a.Kind == "provider_receivable").GroupBy(a => (a.Owner, a.Currency)).ToDictionary(g => g.Key, g => g.Sum(a => a.Debits - a.Credits));
        var theirs = evidence.Charges.Where(c => c.IsCharge).GroupBy(c => (c.Provider, c.Currency)).ToDictionary(g => g.Key, g => g.Sum(c => c.Captured - c.Refunded));
        return from key in ours.Keys.Union(theirs.Keys)
               let here = ours.GetValueOrDefault(key)
               let there = theirs.GetValueOrDefault(key)
               where here != there
               select new Violation(Rules.ControlAccount, null, $"{key.Item1} {key.Item2}: {here} by the ledger, {there} by the provider's books");
    }

    /// <summary>
    /// What is held by our books is what providers hold in theirs. Two things one side alone can know: whether a capture was the last, so that
    /// of a charge which was captured in part no more is asked for; and that a hold ended with a capture which came too late or failed, which
    /// we learn when it is next touched.
    /// </summary>
    private static IEnumerable<Violation> HoldControls(Evidence evidence, Cases cases)
    {
        var ours = evidence.Accounts.Where(a => a.Kind == "provider_receivable").GroupBy(a => (a.Owner, a.Currency)).ToDictionary(g => g.Key, g => g.Sum(a => a.PendingDebits - a.PendingCredits));
        var theirs = evidence.Charges.Where(c => c.IsCharge).GroupBy(c => (c.Provider, c.Currency)).ToDictionary(g => g.Key, g => g.Sum(c => Held(c, cases.Find(c.Payment))));
        return from key in ours.Keys.Union(theirs.Keys)
               let here = ours.GetValueOrDefault(key)
               let there = theirs.GetValueOrDefault(key)
               where here != there
               select new Violation(Rules.ControlAccount, null, $"{key.Item1} {key.Item2}: {here} held by the ledger, {there} by the provider's books");
    }

    private static long Held(ChargeRow charge, Case? @case)
    {
        var left = charge.Amount - charge.Captured - charge.Voided;
        var endedUnseen = charge.IsSpoiled || (charge.Status == "canceled" && @case?.Operations.Any(o => o is { Kind: "capture", State: "failed" }) == true);
        return charge.Status == "authorized" ? (charge.Captured == 0 ? left : Math.Min(left, @case?.Row.Held ?? 0))
            : endedUnseen ? @case?.Row.Held ?? 0
            : 0;
    }

    private static long Sum(IEnumerable<LineRow> lines) => lines.Where(l => l.Action == "post").Sum(l => l.Amount);

    private static long Pending(IEnumerable<LineRow> lines) => lines.Sum(l => l.Action switch { "hold" => l.Amount, "release" => -l.Amount, _ => 0 });
}
