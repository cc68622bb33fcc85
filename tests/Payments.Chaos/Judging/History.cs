using System.Globalization;
using System.Text;

namespace Payments.Chaos.Judging;

/// <summary>All five views of one payment, for whoever has to find out what went wrong.</summary>
internal static class History
{
    public static string Of(Evidence evidence, string payment)
    {
        var text = new StringBuilder();
        void Line(string line) => text.AppendLine(CultureInfo.InvariantCulture, $"  {line}");
        var errands = evidence.Told.Where(t => t.Payment == payment || (t.IsSuccess && (t.Text("id") == payment || t.Text("payment_id") == payment))).Select(t => t.Life).Where(l => l > 0).ToHashSet();
        Line("what clients were told");
        foreach (var told in evidence.Told.Where(t => errands.Contains(t.Life) || (t.Life == 0 && t.Payment == payment)))
        {
            var answer = told.Status is null ? told.Lost
                : View.Of(told.Read()) is { } view ? $"{told.Status} {view}"
                : $"{told.Status} {told.Code ?? told.Body}";
            Line($"  {told.At / 1000.0:0.000} s (+{told.Took} ms) {told.Replica} {told.Operation} {told.Key} {told.Amount}: {answer}{(told.Replayed ? " (replayed)" : "")}");
        }

        Line("payments database");
        foreach (var row in evidence.Payments.Where(p => p.Id == payment))
        {
            Line($"  {row}");
        }

        foreach (var operation in evidence.Operations.Where(o => o.Payment == payment))
        {
            Line($"  {operation}");
            foreach (var attempt in evidence.Attempts.Where(a => a.Operation == operation.Id))
            {
                Line($"    {attempt}");
            }
        }

        foreach (var happened in evidence.Events.Where(e => e.Payment == payment).OrderBy(e => e.Version).Select(Happened.Of))
        {
            Line($"  event {happened.Row.Id} {happened.Row.Type} {happened.State} {happened.Amount}: {happened.Payment}");
        }

        Line("ledger");
        var accounts = evidence.Accounts.ToDictionary(a => a.Id, a => $"{a.Owner}:{a.Kind}");
        foreach (var journal in evidence.Journals.Where(j => j.Payment == payment))
        {
            Line($"  {journal.Type} {journal.Event}");
            foreach (var line in evidence.Lines.Where(l => l.Event == journal.Event))
            {
                Line($"    {line.Action} {line.Kind} {accounts.GetValueOrDefault(line.Debit)} > {accounts.GetValueOrDefault(line.Credit)} {line.Amount} {line.Currency}");
            }
        }

        Line("providers' books");
        var amounts = evidence.Payments.Where(p => p.Id == payment).Select(p => (p.Amount, p.Currency)).ToHashSet();
        foreach (var charge in evidence.Charges.Where(c => c.Payment == payment || amounts.Contains((c.Amount, c.Currency))))
        {
            Line($"  {charge.Provider} {charge.Id} {charge.Status} {charge.Amount} {charge.Currency}, captured {charge.Captured}, refunded {charge.Refunded}, voided {charge.Voided}, key {charge.IdempotencyKey}");
            foreach (var movement in charge.Captures.Select(m => ("capture", m)).Concat(charge.Refunds.Select(m => ("refund", m))))
            {
                Line($"    {movement.Item1} {movement.m.Id} {movement.m.Amount} {movement.m.Status}, key {movement.m.IdempotencyKey}");
            }
        }

        Line("webhooks received");
        var events = evidence.Events.Where(e => e.Payment == payment).ToDictionary(e => e.Id);
        foreach (var received in evidence.Received.Where(r => events.ContainsKey(r.Id)))
        {
            Line($"  {received.At / 1000.0:0.000} s {received.Id} {events[received.Id].Type} version {events[received.Id].Version}");
        }

        foreach (var incident in evidence.Incidents.Where(i => i.Payment == payment))
        {
            Line($"incident {incident.Kind}: {incident.Detail}");
        }

        return text.ToString();
    }
}
