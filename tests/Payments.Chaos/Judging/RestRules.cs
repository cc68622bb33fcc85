namespace Payments.Chaos.Judging;

/// <summary>Everything has come to rest.</summary>
internal static class RestRules
{
    private static readonly string[] Unsettled = ["open", "needs_action", "pending", "unknown"];
    private static readonly string[] Moving = ["created", "authorizing", "processing", "pending_3ds", "capturing", "voiding", "refunding"];

    public static IEnumerable<Violation> Judge(Evidence evidence)
    {
        foreach (var attempt in evidence.Attempts.Where(a => Unsettled.Contains(a.State) || a.IsDue))
        {
            yield return new Violation(Rules.AttemptOpen, attempt.Payment, $"attempt {attempt.Id} at {attempt.Provider} is {attempt.State} since {attempt.OpenedAt:HH:mm:ss}");
        }

        foreach (var payment in evidence.Payments.Where(p => Moving.Contains(p.Status) || p.CapturePending + p.VoidPending + p.RefundPending > 0))
        {
            yield return new Violation(Rules.AttemptOpen, payment.Id, $"the payment is still {payment.Status}");
        }

        foreach (var request in evidence.Requests.Where(r => r.State != "final"))
        {
            yield return new Violation(Rules.Stuck, request.Payment, $"the request {request.Key} is {request.State}");
        }

        foreach (var stuck in evidence.Stuck)
        {
            yield return new Violation(Rules.Stuck, null, $"{stuck.What}: {stuck.Detail}");
        }

        // The providers here never contradict themselves: an incident means that the product misread them, or did something twice. Only
        // of a refund that is refused for good, as the provider's books say too, a person has to know. And where a notice comes long after
        // its successor was read, the product cannot tell by its date: it records a contradiction, asks the provider, and closes it by that.
        var refused = evidence.Charges.Where(c => c.Refunds.Any(r => r.Status == "failed")).Select(c => c.Payment).ToHashSet();
        bool IsKnown(IncidentRow incident) => incident.Kind == "refund_failed" && refused.Contains(incident.Payment);
        static bool SettledItself(IncidentRow incident) => incident is { Kind: "contradiction", IsOpen: false };
        foreach (var incident in evidence.Incidents.Where(i => !IsKnown(i) && !SettledItself(i)))
        {
            yield return new Violation(Rules.Incident, incident.Payment, $"{incident.Kind}: {incident.Detail}");
        }
    }
}
