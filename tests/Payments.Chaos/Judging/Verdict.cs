namespace Payments.Chaos.Judging;

/// <summary>Compares the five views. A function of the evidence alone.</summary>
public static class Verdict
{
    public static IReadOnlyList<Violation> Of(Evidence evidence)
    {
        ArgumentNullException.ThrowIfNull(evidence);
        var cases = Cases.Of(evidence);
        return
        [
            .. TellingRules.Judge(evidence, cases),
            .. KeyRules.Judge(evidence, cases),
            .. AmountRules.Judge(evidence, cases),
            .. LedgerRules.Judge(evidence, cases),
            .. EventRules.Judge(evidence, cases),
            .. WebhookRules.Judge(evidence),
            .. RestRules.Judge(evidence),
            .. ProgressRules.Judge(evidence),
            .. SilenceRules.Judge(evidence),
            .. FireRules.Judge(evidence),
            .. ReconciliationRules.Judge(evidence),
        ];
    }
}

/// <summary>The evidence of one payment from all five views.</summary>
internal sealed record Case(
    PaymentRow Row, IReadOnlyList<OperationRow> Operations, IReadOnlyList<AttemptRow> Attempts, IReadOnlyList<Happened> Events, IReadOnlyList<ChargeRow> Charges);

/// <summary>All payments by their id.</summary>
internal sealed class Cases
{
    private readonly Dictionary<string, Case> byId;

    private Cases(Dictionary<string, Case> byId) => this.byId = byId;

    public IEnumerable<Case> All => byId.Values;

    public Case? Find(string? payment) => payment is null ? null : byId.GetValueOrDefault(payment);

    public static Cases Of(Evidence evidence)
    {
        var operations = evidence.Operations.ToLookup(o => o.Payment);
        var attempts = evidence.Attempts.ToLookup(a => a.Payment);
        var events = evidence.Events.Select(Happened.Of).ToLookup(h => h.Row.Payment);
        var charges = evidence.Charges.ToLookup(c => c.Payment);
        return new Cases(evidence.Payments.ToDictionary(
            p => p.Id, p => new Case(p, [.. operations[p.Id]], [.. attempts[p.Id]], [.. events[p.Id].OrderBy(e => e.Row.Version)], [.. charges[p.Id]])));
    }
}
