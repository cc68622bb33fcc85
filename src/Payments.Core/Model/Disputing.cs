namespace Payments.Core;

/// <summary>Either a refusal, or the payment with an answer to its dispute that is to be sent.</summary>
public sealed record DisputeDecision(PaymentState? Payment, Dispute? Dispute, Refusal? Refusal);

/// <summary>What we may decide about disputes; refusals in order of precedence.</summary>
public static class Disputing
{
    /// <param name="attempt">Number of the answer, and the provider's idempotency key.</param>
    /// <param name="isLate">The time for evidence is over.</param>
    /// <param name="texts">How many texts were laid down.</param>
    /// <param name="files">How many files were laid down.</param>
    public static DisputeDecision Answer(PaymentState payment, Dispute dispute, DisputeAnswer answer, AttemptId attempt, DateTimeOffset at, bool isLate, int texts, int files, bool takesTexts)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(dispute);
        if (dispute.IsClosed)
        {
            return WrongState("dispute_closed", $"The dispute is {Words.Of(dispute.Status)}.");
        }

        if (dispute.Submission is { State: not OperationState.Failed } || dispute.Status == DisputeStatus.UnderReview)
        {
            return WrongState("dispute_already_answered", "The dispute was answered; what comes of it is the bank's to say.");
        }

        if (answer == DisputeAnswer.Evidence && (isLate || !dispute.TakesEvidence))
        {
            return WrongState("evidence_deadline_passed", "The time for evidence is over.");
        }

        if (answer == DisputeAnswer.Evidence && files == 0 && (!takesTexts || (texts == 0 && Dispute.ProposedEvidence(dispute, payment) is null)))
        {
            return WrongState("evidence_missing", takesTexts ? "Lay down evidence first." : "This dispute's provider takes documents, not texts: upload a file first.");
        }

        if (answer == DisputeAnswer.Acceptance && dispute.Status == DisputeStatus.Warning)
        {
            return WrongState("dispute_not_acceptable", "Nothing was taken for an inquiry; a refund ends it.");
        }

        var answered = dispute with { Submission = new DisputeSubmission(attempt, answer, OperationState.Open, at), ChangedAt = at };
        return new DisputeDecision(payment.With(answered) with { Version = payment.Version + 1 }, answered, null);
    }

    private static DisputeDecision WrongState(string code, string detail) => new(null, null, new Refusal(RefusalKind.WrongState, code, detail));
}
