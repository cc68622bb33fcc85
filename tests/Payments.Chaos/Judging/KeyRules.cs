namespace Payments.Chaos.Judging;

/// <summary>One idempotency key: at most one charge, one answer, and one answer there must be.</summary>
internal static class KeyRules
{
    // Refusals that these clients provoke; any other 4xx means that the product misunderstood a valid request.
    private static readonly HashSet<string> Provoked = new(StringComparer.Ordinal)
    {
        "idempotency_key_reused", "payment_not_capturable", "payment_not_voidable", "payment_not_refundable", "void_in_progress", "capture_in_progress",
        "amount_exceeds_capturable", "amount_exceeds_refundable", "capture_failed", "void_failed", "void_after_capture_not_supported",
        "multiple_captures_not_supported", "partial_capture_not_supported", "no_provider_available",
    };

    public static IEnumerable<Violation> Judge(Evidence evidence, Cases cases)
    {
        foreach (var violation in Charges(evidence))
        {
            yield return violation;
        }

        foreach (var key in evidence.Told.Where(t => t.Key is not null && t.Operation != "misuse").GroupBy(t => (t.Merchant, t.Key)))
        {
            var payment = key.Select(t => t.Payment ?? (t.IsSuccess ? t.Text("id") : null)).FirstOrDefault(p => p is not null);
            var successes = key.Where(t => t.Status is 200 or 201).Select(t => t.Body).Distinct().ToArray();
            var refusals = key.Where(t => t.IsFinal && t.Status >= 400 && !key.Any(t.Overlaps)).Select(t => t.Code).Distinct().ToArray();
            if (successes.Length > 1 || (successes.Length == 1 && refusals.Length > 0))
            {
                yield return new Violation(Rules.OneAnswerPerKey, payment, $"{key.Key.Key} was finally answered {string.Join(" and ", successes.Concat(refusals))}");
            }

            // Whoever asked once and left for good was not there for a final answer.
            if (!key.Any(t => t.IsFinal) && key.Skip(1).Any(t => t.Lost != Load.Client.HungUp))
            {
                var heard = key.Select(t => $"{t.Status} {t.Code ?? t.Text("status")}{t.Lost}".Trim()).CountBy(answer => answer).Select(answer => $"{answer.Value} × {answer.Key}");
                yield return new Violation(Rules.NeverAnswered, payment, $"{key.Key.Key} ({key.First().Operation}) was asked {key.Count()} times: {string.Join(", ", heard)}");
            }
        }

        foreach (var odd in evidence.Told.Where(t => t.Status >= 400 && t.IsFinal && !Provoked.Contains(t.Code ?? "")))
        {
            yield return new Violation(Rules.UnexpectedAnswer, odd.Payment, $"{odd.Operation} under {odd.Key} was answered {odd.Status}: {odd.Body}");
        }

        foreach (var violation in Misuses(evidence, cases))
        {
            yield return violation;
        }

        foreach (var unasked in cases.All.SelectMany(c => c.Operations).Where(o => o is { Origin: "provider", Kind: "capture" or "refund" }))
        {
            yield return new Violation(Rules.NothingUnasked, unasked.Payment, $"a {unasked.Kind} of {unasked.Amount} appeared that no client had asked for");
        }

        foreach (var doubled in cases.All.SelectMany(c => c.Operations).Where(o => o.Key is not null).GroupBy(o => (o.Payment, o.Key)).Where(g => g.Count() > 1 && !g.SkipLast(1).All(o => o.State == "failed")))
        {
            yield return new Violation(Rules.OneChargePerKey, doubled.Key.Payment, $"{doubled.Key.Key} has {doubled.Count()} operations");
        }
    }

    /// <summary>Another body under a key that has had its answer is refused by its name, and nothing is done of it.</summary>
    private static IEnumerable<Violation> Misuses(Evidence evidence, Cases cases)
    {
        foreach (var misuse in evidence.Told.Where(t => t.Operation == "misuse"))
        {
            var payment = misuse.Payment ?? misuse.Text("id");
            if (misuse.IsSuccess || (misuse.IsFinal && misuse is not { Status: 422, Code: "idempotency_key_reused" }))
            {
                yield return new Violation(Rules.OneAnswerPerKey, payment, $"{misuse.Key} was used with another body and answered {misuse.Status} {misuse.Code}");
            }

            // No errand asks in earnest for what a key is misused for.
            if (cases.Find(misuse.Payment) is { } @case
                && (@case.Operations.Any(o => o.Amount == misuse.Amount) || @case.Charges.Any(c => c.Captures.Concat(c.Refunds).Any(m => m.Amount == misuse.Amount))))
            {
                yield return new Violation(Rules.NothingUnasked, payment, $"{misuse.Amount} was moved, which was asked for under the old key {misuse.Key} alone");
            }
        }
    }

    /// <summary>Told by amounts alone, which no two errands share: neither our database nor the metadata has to be believed for it.</summary>
    private static IEnumerable<Violation> Charges(Evidence evidence)
    {
        var asked = evidence.Told.Where(t => t.Operation == "create").Select(t => (t.Amount, t.Currency)).ToHashSet();
        foreach (var same in evidence.Charges.Where(c => c.IsCharge).GroupBy(c => (c.Amount, c.Currency)))
        {
            if (same.Count() > 1)
            {
                yield return new Violation(Rules.OneChargePerKey, same.First().Payment, $"{same.Count()} charges of {same.Key.Amount} {same.Key.Currency}: {string.Join(", ", same.Select(c => $"{c.Provider} {c.Id} {c.Status}"))}");
            }

            if (!asked.Contains((same.Key.Amount, same.Key.Currency)))
            {
                yield return new Violation(Rules.NothingUnasked, same.First().Payment, $"{same.First().Provider} charged {same.Key.Amount} {same.Key.Currency}, which no client asked for under a key of its own");
            }
        }

        foreach (var charge in evidence.Charges)
        {
            foreach (var same in charge.Captures.Concat(charge.Refunds).Where(m => m.Status == "succeeded" && m.IdempotencyKey is not null).GroupBy(m => m.IdempotencyKey).Where(g => g.Count() > 1))
            {
                yield return new Violation(Rules.OneChargePerKey, charge.Payment, $"{charge.Provider} moved money {same.Count()} times for {same.Key}");
            }
        }
    }
}
