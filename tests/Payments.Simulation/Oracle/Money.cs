using Payments.Core;
using Payments.Simulation.World;

namespace Payments.Simulation.Oracle;

/// <summary>Whether payments, providers' books and the ledger agree to the cent.</summary>
internal sealed class Money(Run run, List<Charge> charges)
{
    private readonly List<string> violations = [];

    public static IReadOnlyList<string> Violations(Run run, List<Charge> charges)
    {
        var money = new Money(run, charges);
        foreach (var payment in run.Database.Payments.Values)
        {
            money.Payment(payment);
        }

        money.WithinBounds();
        money.Ledger();
        return money.violations;
    }

    private void Payment(PaymentState payment)
    {
        using var seen = Seen.Payment(payment);
        var own = charges.Where(c => c.Payment == payment.Id).ToList();
        Equal(own.Sum(c => c.Captured), seen.Number("amount_captured"), $"captured of {payment.Id}");
        Equal(own.Sum(c => c.Refunded), seen.Number("amount_refunded"), $"refunded of {payment.Id}");
        if (!IsDisputedHold(payment.Id))
        {
            Equal(own.Sum(c => c.Held), seen.Number("amount_capturable"), $"capturable of {payment.Id}");
        }

        if (run.Database.Log.LastOrDefault(r => r.Event.PaymentId == payment.Id) is { Event.Data.Payment: var told })
        {
            Equal(told.AmountCaptured, seen.Number("amount_captured"), $"captured as the last event of {payment.Id} says");
            Equal(told.AmountRefunded, seen.Number("amount_refunded"), $"refunded as the last event of {payment.Id} says");
        }
    }

    /// <summary>Of what we decided: never more captured than authorized, nor refunded than captured.</summary>
    private void WithinBounds()
    {
        foreach (var charge in charges)
        {
            var captured = charge.Movements.Where(m => m is { Kind: OperationKind.Capture, Attempt: not null } && Judge.HasMoved(m)).Sum(m => m.Amount);
            var refunded = charge.Movements.Where(m => m is { Kind: OperationKind.Refund, Attempt: not null, State: MovementState.Done }).Sum(m => m.Amount);
            Check(captured <= charge.Amount, $"{captured} of {charge.Amount} was captured: {charge}");
            Check(refunded <= charge.EverCaptured, $"{refunded} of {charge.EverCaptured} was refunded: {charge}");
        }
    }

    private void Ledger()
    {
        var postings = ExpectedPostings.Of(run.Database.Log.Select(r => r.Event));
        var posted = run.Books.Journals.ToDictionary(j => j.Id.Value, j => (IReadOnlyList<ExpectedLine>)[.. j.Lines.Select(ExpectedLine.Of)]);
        foreach (var (happened, lines) in postings)
        {
            var found = posted.GetValueOrDefault(happened.Id.Value, []);
            Check(lines.Order().SequenceEqual(found.Order()), $"{happened.Type} of version {happened.Version} is to post [{string.Join("; ", lines)}] and posted [{string.Join("; ", found)}]");
        }

        Check(posted.Keys.ToHashSet().IsSubsetOf(postings.Select(p => p.Event.Id.Value)), "a journal has no event");
        var all = run.Books.Journals.SelectMany(j => j.Lines.Select(l => (Journal: j, Line: l))).ToList();
        var posts = all.Where(l => l.Line.Action == Payments.Ledger.Books.LineAction.Post).ToLookup(l => l.Line.Amount.Currency.Code);
        foreach (var charge in charges.Where(c => !posts.Contains(c.Currency.Code)))
        {
            Equal(charge.Captured - charge.Refunded, 0, $"owed in {charge.Currency.Code}, in which nothing is posted");
        }

        foreach (var currency in posts)
        {
            var balances = new Dictionary<(string, string), long>();
            foreach (var (_, line) in currency)
            {
                balances[Name(line.Debit)] = balances.GetValueOrDefault(Name(line.Debit)) - line.Amount.Minor;
                balances[Name(line.Credit)] = balances.GetValueOrDefault(Name(line.Credit)) + line.Amount.Minor;
            }

            Equal(0, balances.Values.Sum(), $"the sum of all balances in {currency.Key}");
            foreach (var provider in Enum.GetValues<Provider>())
            {
                var owed = charges.Where(c => c.Provider == provider && c.Currency.Code == currency.Key).Sum(c => c.Captured - c.Refunded);
                var owner = provider == Provider.Stripe ? "stripe" : "adyen";
                Equal(owed, -balances.GetValueOrDefault((owner, nameof(Payments.Ledger.Books.AccountKind.ProviderReceivable))), $"owed by {provider} in {currency.Key} as its books say, and our control account");
            }

            if (!run.HadDashboard)
            {
                Equal(0, balances.GetValueOrDefault(("platform", nameof(Payments.Ledger.Books.AccountKind.Suspense))), "suspense, although nobody went beyond our books");
            }
        }

        foreach (var payment in run.Database.Payments.Keys.Where(p => !IsDisputedHold(p)))
        {
            var held = all.Where(l => l.Journal.PaymentId == payment && l.Line.Action != Payments.Ledger.Books.LineAction.Post)
                .Sum(l => l.Line.Action == Payments.Ledger.Books.LineAction.Hold ? l.Line.Amount.Minor : -l.Line.Amount.Minor);
            Equal(charges.Where(c => c.Payment == payment).Sum(c => c.Held), held, $"held for {payment} by the provider and in the ledger");
        }
    }

    /// <summary>
    /// Somebody captured or cancelled at the provider what was reserved for a capture of ours: until a person has decided what it meant,
    /// the reservation is ours and the hold is gone, so the hold is not compared. Everything that moved is.
    /// </summary>
    private bool IsDisputedHold(PaymentId payment) => run.HoldsTouched.Contains(payment);

    private static (string, string) Name(Payments.Ledger.Books.AccountName account) => (account.Owner, account.Kind.ToString());

    private void Equal(long truth, long ours, string what) => Check(truth == ours, $"{what}: {truth} is true, {ours} is ours");

    private void Check(bool holds, string otherwise)
    {
        if (!holds)
        {
            violations.Add(otherwise);
        }
    }
}
