using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;

namespace Payments.Api.Reviews;

/// <summary>What came of wanting to decide.</summary>
/// <param name="Payment">The payment as it stands after what follows from the decision.</param>
/// <param name="Refusal">Why it was not decided.</param>
public sealed record DecidedReview(PaymentState Payment, Refusal? Refusal);

/// <summary>
/// Decides about payments in review: people and the clock come here. The decision, its event, its record and the capture or void that
/// follows are one commit; the call to the provider comes after it and is made again by the resolver if this process dies.
/// </summary>
public sealed class ReviewDecisions(
    PaymentStore store, PaymentWriter writer, ProviderCalls calls, Execution execution, Recoveries recoveries, IdSource ids, TimeProvider time)
{
    private static readonly Refusal NotHeld = WrongState("review_not_claimed", "The review is not claimed, or not by this operator: claim it first.");

    /// <param name="by">For the record: the operator's name, or the clock's.</param>
    /// <param name="operator">Who has it claimed; absent: the clock.</param>
    public async Task<DecidedReview> DecideAsync(PaymentKey key, ReviewOutcome outcome, string by, string reason, OperatorKeyId? @operator)
    {
        while (true)
        {
            var payment = await store.FindAsync(key, CancellationToken.None) ?? throw new InvariantException("a review belongs to a payment");
            var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), time.GetUtcNow());
            var reviewed = Reviewing.Decide(payment, outcome, automatic: @operator is null, calls.LimitsOf(payment), opened);
            if (reviewed.Payment is not { } decided)
            {
                return new DecidedReview(payment, reviewed.Refusal);
            }

            using var span = Recoveries.Start(RecoveryKinds.ReviewDecided, payment.Id);
            var recovered = Recovered.Of(
                ids.New<RecoveryId>(), RecoveryKinds.ReviewDecided, ReviewId.From(payment.Id.Value).ToString(), by, $"{Words.Of(outcome)}: {reason}", payment, decided, reviewed.Operation?.Id,
                reviewed.Operation?.Current?.Id);
            var change = Changes.Between(payment, decided, reviewed.Happenings) with { Decision = new DecisionMark(outcome, by, reason, @operator), Recoveries = [recovered] };
            Platform.Steps.Reached(Platform.Steps.IntentBefore);
            var verdict = await writer.WriteAsync(change);
            Platform.Steps.Reached(Platform.Steps.IntentAfter);
            if (verdict == Verdict.Committed)
            {
                recoveries.Tell(recovered);
                ReviewTelemetry.Decided(outcome, automatic: @operator is null);
                return new DecidedReview(reviewed.Operation is { } operation ? (await execution.RunAsync(decided, operation.Id, null, [])).Payment : decided, null);
            }

            // The payment changed meanwhile, or the review is somebody else's: only the first is worth another look.
            if (await store.FindAsync(key, CancellationToken.None) is { } current && current.Version == payment.Version)
            {
                return new DecidedReview(current, NotHeld);
            }
        }
    }

    private static Refusal WrongState(string code, string detail) => new(RefusalKind.WrongState, code, detail);

    /// <summary>
    /// Does what a decision still wants: the provider could not be reached then. Returns whether anything is left to do.
    /// </summary>
    public async Task<bool> CarryOutAsync(PaymentKey key)
    {
        var payment = await store.FindAsync(key, CancellationToken.None) ?? throw new InvariantException("a review belongs to a payment");
        var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), time.GetUtcNow());
        if (Reviewing.Effect(payment, calls.LimitsOf(payment), opened) is not { Payment: { } opening } effect)
        {
            return payment.Operations.Any(o => o is { IsUnsettled: true, IsExtra: false });
        }

        if (await writer.WriteAsync(Changes.Between(payment, opening, [])) == Verdict.Committed)
        {
            await execution.RunAsync(opening, effect.Operation!.Id, null, []);
        }

        return true;
    }
}
