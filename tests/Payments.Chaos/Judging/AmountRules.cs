namespace Payments.Chaos.Judging;

/// <summary>Amounts agree: the database with the providers' books, with what reading a payment shows, with the ledger; and none is above its limit.</summary>
internal static class AmountRules
{
    public static IEnumerable<Violation> Judge(Evidence evidence, Cases cases)
    {
        var lastRead = evidence.Told.Where(t => t is { Operation: "read", Status: 200 }).Select(t => View.Of(t.Read())).OfType<View>()
            .GroupBy(v => v.Id).ToDictionary(g => g.Key, g => g.MaxBy(v => v.Version)!);
        var lines = evidence.Lines.ToLookup(l => l.Event);
        var journals = evidence.Journals.ToLookup(j => j.Payment, j => j.Event);
        foreach (var @case in cases.All)
        {
            var row = @case.Row;
            var posted = journals[row.Id].SelectMany(e => lines[e]).ToArray();
            (string What, long Database, long Other)[] pairs =
            [
                ("captured in the books", row.Kept, @case.Charges.Where(c => c.IsCharge).Sum(c => c.Captured)),
                ("refunded in the books", row.GivenBack, @case.Charges.Where(c => c.IsCharge).Sum(c => c.Refunded)),
                ("captured in the ledger", row.Kept, Posted(posted, "capture") + Posted(posted, "capture_suspense") - Posted(posted, "capture_reversal") - Posted(posted, "capture_reversal_suspense")),
                ("refunded in the ledger", row.GivenBack, Posted(posted, "refund") + Posted(posted, "refund_suspense") - Posted(posted, "refund_reversal") - Posted(posted, "refund_reversal_suspense")),
                ("held in the ledger", row.Held, posted.Where(l => l.Action == "hold").Sum(l => l.Amount) - posted.Where(l => l.Action == "release").Sum(l => l.Amount)),
                ("captured when read", row.Kept, lastRead.GetValueOrDefault(row.Id)?.Captured ?? -1),
                ("refunded when read", row.GivenBack, lastRead.GetValueOrDefault(row.Id)?.Refunded ?? -1),
                ("amount when read", row.Amount, lastRead.GetValueOrDefault(row.Id)?.Amount ?? -1),
            ];
            foreach (var (what, database, other) in pairs.Where(p => p.Database != p.Other))
            {
                yield return new Violation(Rules.AmountsDiffer, row.Id, $"{what}: {other}, in the database {database} ({row.Status})");
            }

            foreach (var violation in Holds(@case).Concat(Limits(@case)))
            {
                yield return violation;
            }
        }

        foreach (var charge in evidence.Charges.Where(c => c.IsCharge && cases.Find(c.Payment) is null))
        {
            yield return new Violation(Rules.UnknownCharge, charge.Payment, $"{charge.Provider} {charge.Id} of {charge.Amount} {charge.Currency} is {charge.Status} and belongs to no payment");
        }
    }

    /// <summary>What we say is held is held, what we say was released is not, and what never came to be has no charge.</summary>
    private static IEnumerable<Violation> Holds(Case @case)
    {
        var row = @case.Row;
        var charge = @case.Charges.FirstOrDefault(c => c.IsCharge);
        var wrong = row.Status switch
        {
            // A capture that came too late ends the hold at the provider; we learn of it when the hold is next touched.
            "authorized" when charge is { Status: "canceled" } && @case.Operations.Any(o => o is { Kind: "capture", State: "failed" }) => null,
            "authorized" when charge is not ({ Status: "authorized" } or { IsSpoiled: true }) => "is authorized",
            "voided" or "expired" when charge is { Status: "authorized" } => "holds nothing",
            "declined" or "rejected" when charge is not null => "was refused",
            "failed" when charge is { Status: "authorized" } or { Captured: > 0 } => "failed",
            _ when row.Authorized > 0 && charge is null => "was authorized",
            _ when row.Authorized > 0 && charge!.Amount != row.Amount => $"is about {row.Amount}",
            _ => null,
        };
        if (wrong is not null)
        {
            yield return new Violation(Rules.AmountsDiffer, row.Id, $"the payment {wrong} ({row.Status}), the books have {(charge is null ? "no charge" : $"{charge.Status} {charge.Amount}, captured {charge.Captured}")}");
        }
    }

    private static IEnumerable<Violation> Limits(Case @case)
    {
        var row = @case.Row;
        var captures = Decided(@case, "capture", "succeeded", "reversed");
        var refunds = Decided(@case, "refund", "succeeded");
        if (captures > row.Authorized || row.Captured > row.Authorized)
        {
            yield return new Violation(Rules.AboveLimit, row.Id, $"{captures} captured of {row.Authorized} authorized");
        }

        if (refunds > captures || row.Refunded > row.Captured)
        {
            yield return new Violation(Rules.AboveLimit, row.Id, $"{refunds} refunded of {captures} captured");
        }

        foreach (var charge in @case.Charges.Where(c => c.Captured > c.Amount || c.Refunded > c.Captures.Where(m => m.Status != "pending").Sum(m => m.Amount)))
        {
            yield return new Violation(Rules.AboveLimit, row.Id, $"{charge.Provider} {charge.Id} of {charge.Amount}: captured {charge.Captured}, refunded {charge.Refunded}");
        }
    }

    private static long Decided(Case @case, string kind, params string[] states) =>
        @case.Operations.Where(o => o.Kind == kind && o.Origin == "merchant" && states.Contains(o.State)).Sum(o => o.Amount);

    private static long Posted(LineRow[] lines, string kind) => lines.Where(l => l.Action == "post" && l.Kind == kind).Sum(l => l.Amount);
}
