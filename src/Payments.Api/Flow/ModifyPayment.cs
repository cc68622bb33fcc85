using System.Diagnostics;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;

namespace Payments.Api.Flow;

/// <summary>What captures, voids and refunds have in common: decide on what stands, reserve it, call the provider, write down what came of it.</summary>
public sealed class ModifyPayment(Entrance entrance, PaymentStore store, PaymentWriter writer, ProviderCalls calls, Execution execution, IdSource ids, TimeProvider time)
{
    /// <summary>Races are lost in the database and decided again here, for at most this long.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly Problem Busy = new(409, "payment_busy", "Too many changes of this payment at once; repeat the request.", "id") { RetryAfter = TimeSpan.FromSeconds(1) };

    /// <param name="decide">Refuses, or opens the operation.</param>
    public async Task<IResult> RunAsync(
        MerchantRequest request, string id, Func<PaymentState, ProviderLimits, NewOperation, Decision> decide, string? reason, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(decide);
        if (await entrance.RecallAsync(request, cancellationToken) is { } recalled)
        {
            return recalled;
        }

        if (!Id.TryParse<PaymentId>(id, out var paymentId)
            || await store.FindAsync(new PaymentKey(request.Caller.MerchantId, request.Caller.Mode, paymentId), cancellationToken) is not { } payment)
        {
            return await entrance.RefuseAsync(request, Problems.NotFound("payment"), cancellationToken);
        }

        Activity.Current?.SetTag("payments.payment_id", payment.Id.ToString());
        var began = time.GetTimestamp();
        while (time.GetElapsedTime(began) < Patience)
        {
            var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), time.GetUtcNow()) { RequestKey = request.Key, Reason = reason };
            var decision = decide(payment, calls.LimitsOf(payment), opened);
            if (decision.Refusal is null)
            {
                Steps.Reached(Steps.IntentBefore);
                var written = await writer.WriteAsync(Changes.Between(payment, decision.Payment!, []) with { Claim = request.ClaimFor(opened.Id) });
                Steps.Reached(Steps.IntentAfter);
                switch (written)
                {
                    case Verdict.Committed:
                        return await entrance.AnswerAsync(request, await execution.RunAsync(decision.Payment!, opened.Id, null, [], admitted: true), opened.Id);
                    case Verdict.KeyTaken:
                        return await entrance.ReplayAsync(request, cancellationToken) ?? Problems.IdempotencyKeyInUse;
                }
            }
            else if (await entrance.ReplayAsync(request, cancellationToken) is { } replayed)
            {
                return replayed;
            }

            // What refuses may be another copy of this request that has just given its key back: refused is only what still stands.
            var current = await store.FindAsync(PaymentKey.Of(payment), cancellationToken) ?? throw new InvariantException("a payment never disappears");
            if (decision.Refusal is { } refusal && current.Version == payment.Version)
            {
                return ProblemOf(refusal);
            }

            payment = current;
        }

        return Busy;
    }

    private static Problem ProblemOf(Refusal refusal) => refusal.Kind switch
    {
        RefusalKind.WrongState => new Problem(StatusCodes.Status409Conflict, refusal.Code, refusal.Detail, refusal.Param),
        RefusalKind.AmountTooLarge or RefusalKind.NotSupported => new Problem(StatusCodes.Status422UnprocessableEntity, refusal.Code, refusal.Detail, refusal.Param),
        _ => throw new InvariantException($"the refusal {refusal.Kind} has a status"),
    };
}
