using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Payments.Ledger.Books;
using Payments.Ledger.Controls;
using Payments.Ledger.Payouts;
using Payments.Platform;

namespace Payments.Ledger;

internal static class LedgerTelemetry
{
    public const string Name = Names.TelemetryPrefix + "Ledger";

    public static readonly ActivitySource Source = new(Name);
}

/// <summary>The ledger's instruments.</summary>
public sealed class LedgerMetrics : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> journals;
    private readonly Counter<long> movements;
    private readonly Counter<long> findings;
    private readonly ConcurrentBag<RoundPulse> pulses = [];
    private IReadOnlyList<WaitingPayouts> payouts = [];
    private long openFindings;
    private long settlementsWaiting;
    private long revaluationsWaiting;

    public LedgerMetrics(IMeterFactory meters)
    {
        ArgumentNullException.ThrowIfNull(meters);
        meter = meters.Create(LedgerTelemetry.Name);
        journals = meter.CreateCounter<long>("payments.ledger.journals", "{journal}", "Journals offered to the books, by verdict.");
        movements = meter.CreateCounter<long>("payments.ledger.movements", "{movement}", "Movements posted.");
        findings = meter.CreateCounter<long>("payments.ledger.findings.raised", "{finding}", "Findings raised by the ledger's controls, by kind.");
        meter.CreateObservableGauge("payments.ledger.findings.open", () => Interlocked.Read(ref openFindings), "{finding}", "Findings that are not resolved.");
        meter.CreateObservableGauge("payments.ledger.settlements.waiting", () => Interlocked.Read(ref settlementsWaiting), "{cutoff}", "Merchants' cut-offs that have come and could not be closed.");
        meter.CreateObservableGauge("payments.ledger.revaluations.waiting", () => Interlocked.Read(ref revaluationsWaiting), "{mode}", "Modes whose open exchanges cannot be valued for want of a rate.");
        meter.CreateObservableGauge(
            "payments.ledger.rounds.failing", () => pulses.Select(p => new Measurement<long>(p.IsFailing ? 1 : 0, new KeyValuePair<string, object?>("round", p.Name))), "{round}", "1 while the last round failed.");
        meter.CreateObservableGauge(
            "payments.ledger.payouts.waiting", () => Volatile.Read(ref payouts).Select(p => new Measurement<long>(p.Count, State(p))), "{payout}", "Payouts that wait for approval, for a bank file or for the bank, by status.");
        meter.CreateObservableGauge(
            "payments.ledger.payouts.late", () => Volatile.Read(ref payouts).Select(p => new Measurement<long>(p.Late, State(p))), "{payout}", "Those of them that wait too long, by status.");
    }

    public void Judged(PostingVerdict verdict, JournalDraft journal)
    {
        ArgumentNullException.ThrowIfNull(journal);
        journals.Add(1, new KeyValuePair<string, object?>("verdict", verdict.ToString()), new KeyValuePair<string, object?>("mode", Account.Text(journal.Mode)));
        if (verdict == PostingVerdict.Posted)
        {
            movements.Add(journal.Lines.Count(l => l.Action == LineAction.Post));
        }
    }

    public void Raised(string kind) => findings.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void Open(long count) => Interlocked.Exchange(ref openFindings, count);

    public void SettlementsWaiting(long count) => Interlocked.Exchange(ref settlementsWaiting, count);

    public void RevaluationsWaiting(long count) => Interlocked.Exchange(ref revaluationsWaiting, count);

    public void PayoutsWaiting(IReadOnlyList<WaitingPayouts> waiting) => Volatile.Write(ref payouts, waiting);

    /// <summary>Tells from now on whether these rounds fail.</summary>
    public RoundPulse Watch(RoundPulse pulse)
    {
        pulses.Add(pulse);
        return pulse;
    }

    private static KeyValuePair<string, object?> State(WaitingPayouts waiting) => new("status", Core.Words.Of(waiting.State));

    public void Dispose() => meter.Dispose();
}
