using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;

namespace Payments.Api.Disputes;

/// <summary>
/// <c>POST /v1/disputes/{id}/submit</c> and <c>…/accept</c>: the answer is durable before the provider is called, under a number that is the
/// request's own, so that a repeat after a crash is the same call. 202 while nobody knows whether it arrived: the worker finds out.
/// </summary>
public sealed class AnswerDispute(IdempotentRequests requests, DisputeStore disputes, PaymentStore payments, PaymentWriter writer, DisputeAnswers answers, ConnectorRegistry connectors, TimeProvider time)
{
    private const int MostRaces = 20;

    private static readonly Problem Busy = new(409, "payment_busy", "Too many changes of this payment at once; repeat the request.", "id") { RetryAfter = TimeSpan.FromSeconds(1) };

    /// <summary>An empty object, or no body at all.</summary>
    public sealed record Request;

    public async Task<IResult> HandleAsync(HttpContext context, string id, DisputeAnswer answer, CancellationToken cancellationToken)
    {
        if (!(await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out _, out var problem))
        {
            return problem;
        }

        var caller = context.Caller();
        return await requests.RunAsync(context, IdempotencyScope.Of(caller), (work, cancellation) => RunAsync(caller, id, answer, work, cancellation), cancellationToken);
    }

    private async Task<IdempotentResponse> RunAsync(Caller caller, string id, DisputeAnswer answer, IdempotentWork work, CancellationToken cancellationToken)
    {
        var attempt = AttemptId.From(work.Subject);
        for (var race = 0; race < MostRaces; race++)
        {
            if (await DisputeEndpoints.FindAsync(caller, id, disputes, payments, cancellationToken) is not var (key, payment, dispute, isLate))
            {
                return Problems.NotFound("dispute");
            }

            if (dispute.Submission?.Id == attempt)
            {
                // A process that died had this request: what it decided is carried on.
                return await AnsweredAsync(key, dispute.Submission.IsUnsettled ? await answers.ResolveAsync(payment, dispute) : payment, cancellationToken);
            }

            var laid = await disputes.LaidAsync(key, null, cancellationToken);
            var takesTexts = connectors.Find(dispute.Provider, payment.Mode) is { Capabilities.TakesEvidenceTexts: true };
            var texts = laid.Count(e => e.Type == DisputeEvidence.Text);
            var decision = Disputing.Answer(payment, dispute, answer, attempt, time.GetUtcNow(), isLate, texts, laid.Count - texts, takesTexts);
            if (decision.Refusal is { } refusal)
            {
                return new Problem(StatusCodes.Status409Conflict, refusal.Code, refusal.Detail, refusal.Param);
            }

            Steps.Reached(Steps.IntentBefore);
            var verdict = await writer.WriteAsync(Changes.Between(payment, decision.Payment!, []));
            Steps.Reached(Steps.IntentAfter);
            if (verdict == Verdict.Committed)
            {
                return await AnsweredAsync(key, await answers.SendAsync(decision.Payment!, decision.Dispute!, wasSent: false), cancellationToken);
            }
        }

        return Busy;
    }

    private async Task<IdempotentResponse> AnsweredAsync(DisputeKey key, PaymentState payment, CancellationToken cancellationToken)
    {
        var dispute = payment.Disputes.First(d => d.Id == key.Id);
        return dispute.Submission switch
        {
            { State: OperationState.Failed, Detail: DisputeAnswers.NotSent } => new Problem(StatusCodes.Status503ServiceUnavailable, "provider_unavailable", "The dispute's provider cannot be reached; nothing was sent. Repeat the request.") { RetryAfter = TimeSpan.FromSeconds(5) },
            { State: OperationState.Failed } => new Problem(StatusCodes.Status422UnprocessableEntity, "dispute_answer_refused", "The provider refused it; see the dispute's submission.", "id"),
            { IsUnsettled: true } => IdempotentResponse.Of(StatusCodes.Status202Accepted, await DisputeEndpoints.DetailedAsync(key, payment, dispute, disputes, cancellationToken)),
            _ => IdempotentResponse.Ok(await DisputeEndpoints.DetailedAsync(key, payment, dispute, disputes, cancellationToken)),
        };
    }
}
