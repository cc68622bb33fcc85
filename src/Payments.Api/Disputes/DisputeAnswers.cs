using System.Text;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform;

namespace Payments.Api.Disputes;

/// <summary>Carries an answer that is durable to the provider, and writes down what came of it. Unknown is not failed: the provider is asked.</summary>
public sealed class DisputeAnswers(ConnectorRegistry connectors, DisputeStore disputes, DisputeLearning learning, ILogger<DisputeAnswers> logger)
{
    private const int LongestDetail = 200;

    /// <summary>The first call of an answer, or a repeat under the same key.</summary>
    /// <param name="wasSent">It may have been sent before: that this call did not arrive then proves nothing.</param>
    public async Task<PaymentState> SendAsync(PaymentState payment, Dispute dispute, bool wasSent)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(dispute);
        var call = await CallOfAsync(payment, dispute);
        Steps.Reached(Steps.CallBefore);
        var outcome = connectors.Find(dispute.Provider, payment.Mode) is { } connector
            ? await connector.AnswerDisputeAsync(call, CancellationToken.None)
            : new Outcome(OutcomeKind.NotProcessed) { Detail = "no credentials for this provider" };
        Steps.Reached(Steps.CallAfter);
        return await TellAsync(payment, dispute, wasSent && outcome.Kind == OutcomeKind.NotProcessed ? outcome with { Kind = OutcomeKind.Unknown } : outcome);
    }

    /// <summary>Asks the provider; what it does not have is sent again under the same key.</summary>
    public async Task<PaymentState> ResolveAsync(PaymentState payment, Dispute dispute)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(dispute);
        if (connectors.Find(dispute.Provider, payment.Mode) is not { } connector)
        {
            return payment;
        }

        var read = await connector.ReadDisputeAsync(await CallOfAsync(payment, dispute), CancellationToken.None);
        return read.Kind switch
        {
            ReadBackKind.Found => await TellAsync(payment, dispute, read.Outcome!),
            ReadBackKind.NotFound => await SendAsync(payment, dispute, wasSent: true),
            _ => payment,
        };
    }

    private async Task<PaymentState> TellAsync(PaymentState payment, Dispute dispute, Outcome outcome)
    {
        var sent = dispute.Submission!;
        var (state, status) = outcome.Kind switch
        {
            OutcomeKind.Approved or OutcomeKind.Pending => (OperationState.Succeeded, sent.Answer == DisputeAnswer.Acceptance ? DisputeStatus.Accepted : DisputeStatus.UnderReview),
            OutcomeKind.Declined or OutcomeKind.NotProcessed => (OperationState.Failed, (DisputeStatus?)null),
            _ => (OperationState.Unknown, null),
        };
        if (state != OperationState.Succeeded)
        {
            Log.NotSettled(logger, sent.Id, dispute.Id, Words.Of(outcome.Kind));
        }

        var detail = outcome.Kind == OutcomeKind.NotProcessed ? NotSent : outcome.Kind == OutcomeKind.Declined ? outcome.Decline?.ProviderCode ?? outcome.Detail : null;
        return await learning.LearnAsync(payment, new DisputeFact(dispute.Provider, dispute.Reference, dispute.AmountMinor, payment.Amount.Currency.Code)
        {
            Status = status,
            Reason = dispute.Reason,
            Submission = sent with { State = state, Detail = detail is { Length: > LongestDetail } ? detail[..LongestDetail] : detail },
        }, null);
    }

    /// <summary>The detail of an answer of which nothing left this house.</summary>
    public const string NotSent = "not_sent";

    private async Task<DisputeCall> CallOfAsync(PaymentState payment, Dispute dispute)
    {
        var sent = dispute.Submission ?? throw new InvariantException("only what was decided is sent");
        var pieces = sent.Answer == DisputeAnswer.Evidence ? [.. await disputes.OpenAsync(new DisputeKey(payment.MerchantId, payment.Mode, dispute.Id), CancellationToken.None)] : new List<DisputeEvidence>();
        if (sent.Answer == DisputeAnswer.Evidence && Dispute.ProposedEvidence(dispute, payment) is { } proposed && connectors.Find(dispute.Provider, payment.Mode) is { Capabilities.TakesEvidenceTexts: true })
        {
            // What we know ourselves stands after what the merchant wrote.
            var own = pieces.FindIndex(p => p.Kind == EvidenceKinds.FreeText);
            var text = own < 0 ? proposed : Encoding.UTF8.GetString(pieces[own].Content.Span) + "\n\n" + proposed;
            var piece = new DisputeEvidence(EvidenceKinds.FreeText, DisputeEvidence.Text, Encoding.UTF8.GetBytes(text));
            if (own < 0)
            {
                pieces.Add(piece);
            }
            else
            {
                pieces[own] = piece;
            }
        }

        return new DisputeCall(sent.Id, payment.Mode, dispute.Reference, sent.Answer, pieces) { LiabilityShifted = dispute.LiabilityShifted };
    }
}
