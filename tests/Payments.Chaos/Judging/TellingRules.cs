namespace Payments.Chaos.Judging;

/// <summary>What clients were told is so: it exists, everybody is told the same of one version, and nothing later contradicts it.</summary>
internal static class TellingRules
{
    private static readonly string[] Nothing = ["declined", "failed", "rejected"];
    private static readonly string[] Ends = [.. Nothing, "voided", "expired"];

    public static IEnumerable<Violation> Judge(Evidence evidence, Cases cases)
    {
        var shown = new Dictionary<(string Payment, long Version), View>();
        foreach (var happened in cases.All.SelectMany(c => c.Events))
        {
            shown[(happened.Row.Payment, happened.Row.Version)] = happened.Payment!;
        }

        foreach (var told in evidence.Told.Where(t => t.IsSuccess))
        {
            var id = told.Text("payment_id") ?? told.Text("id") ?? told.Payment;
            if (cases.Find(id) is not { } @case)
            {
                yield return new Violation(Rules.AcknowledgedLost, id, $"{told.Operation} was answered {told.Status} and the payment does not exist");
                continue;
            }

            if (View.Of(told.Read()) is { } view)
            {
                if (told.Operation is "create" && view.Amount != told.Amount)
                {
                    yield return new Violation(Rules.AnswerContradicted, id, $"{told.Amount} was asked for under {told.Key} and {view.Amount} acknowledged");
                }

                if (!shown.TryAdd((view.Id, view.Version), view) && shown[(view.Id, view.Version)] is var other && other with { Decision = null } != view with { Decision = null })
                {
                    yield return new Violation(Rules.AnswerContradicted, id, $"version {view.Version} was shown as {other} and as {view}");
                }

                if (Contradiction(view, @case) is { } contradiction)
                {
                    yield return new Violation(Rules.AnswerContradicted, id, contradiction);
                }
            }

            foreach (var violation in Operation(told, @case))
            {
                yield return violation;
            }
        }

        var copies = evidence.Told.Where(t => t.Key is not null).ToLookup(t => t.Key);
        foreach (var refused in evidence.Told.Where(t => t is { IsFinal: true, Status: >= 400, Payment: not null } && t.Code is not (null or "capture_failed" or "void_failed" or "idempotency_key_reused")))
        {
            if (cases.Find(refused.Payment) is { } @case && @case.Operations.FirstOrDefault(o => o.Key == refused.Key && o.State != "failed") is { } operation
                && !copies[refused.Key].Any(refused.Overlaps))
            {
                yield return new Violation(Rules.AnswerContradicted, refused.Payment, $"{refused.Operation} under {refused.Key} was refused ({refused.Code}) and yet is {operation.State}");
            }
        }
    }

    /// <summary>A later state may add to what was told; it takes back only what the provider took back.</summary>
    private static string? Contradiction(View told, Case @case)
    {
        var now = @case.Row;
        var captureTakenBack = now.CaptureReversed > 0;
        var refundTakenBack = @case.Operations.Any(o => o.Kind == "refund" && WasTakenBack(@case, o));
        return told switch
        {
            _ when told.Version > now.Version => $"told version {told.Version}, the database has {now.Version}",
            _ when told.Captured > now.Kept && !captureTakenBack => $"told {told.Captured} captured, {now.Kept} is captured now",
            _ when told.Refunded > now.GivenBack && !refundTakenBack => $"told {told.Refunded} refunded, {now.GivenBack} is refunded now",
            _ when Ends.Contains(told.Status) && told.Status != now.Status && !captureTakenBack => $"told {told.Status} (version {told.Version}), now {now.Status}",
            _ when told.Captured > 0 && Nothing.Contains(now.Status) && !captureTakenBack => $"told {told.Status} with {told.Captured} captured, now {now.Status}",
            _ when told.Status is "authorized" or "capturing" or "voiding" && Nothing.Contains(now.Status) && !captureTakenBack => $"told {told.Status}, now {now.Status}",
            _ => null,
        };
    }

    /// <summary>Success that the provider took back: it stays so, or the refund was tried again, and what became of that is its state.</summary>
    private static bool WasTakenBack(Case @case, OperationRow operation) =>
        operation.State == "reversed" || @case.Events.Any(e => e is { Operation: "refund", State: "reversed" } && e.OperationId == operation.Id);

    private static IEnumerable<Violation> Operation(Load.Told told, Case @case)
    {
        if (told.Key is null || told.Operation == "create" || told.Status is not (200 or 201))
        {
            yield break;
        }

        if (@case.Operations.LastOrDefault(o => o.Key == told.Key) is not { } operation)
        {
            yield return new Violation(Rules.AcknowledgedLost, @case.Row.Id, $"{told.Operation} under {told.Key} was answered {told.Status} and does not exist");
            yield break;
        }

        var legal = (told.Operation, told.Text("status")) switch
        {
            ("refund", "succeeded") => operation.State == "succeeded" || WasTakenBack(@case, operation),
            ("refund", "failed") => operation.State is "failed" or "reversed",
            ("capture", "capturing") or ("void", "voiding") => true,
            ("capture" or "void", _) => operation.State is "succeeded" or "reversed" or "pending" || told.Text("status") is "refunding",
            _ => true,
        };
        if (!legal)
        {
            yield return new Violation(Rules.AnswerContradicted, @case.Row.Id, $"{told.Operation} under {told.Key} was told {told.Text("status")} and is {operation.State}");
        }

        if (told.Amount is { } amount && amount != operation.Amount)
        {
            yield return new Violation(Rules.AnswerContradicted, @case.Row.Id, $"{told.Operation} under {told.Key} asked for {amount} and was made for {operation.Amount}");
        }
    }
}
