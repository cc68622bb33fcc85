using Microsoft.Extensions.Options;
using Payments.Api.Recovery;
using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>
/// Settles attempts whose outcome nobody knows. What to do next is decided by <see cref="Resolving.Next"/>; this takes attempts, asks
/// providers, and carries the decision out.
/// </summary>
public sealed class Resolver(
    DueAttempts due, PaymentStore store, ProviderCalls calls, Learning learning, PaymentWriter writer, Execution execution, CancelledOrders orders, Recoveries recoveries,
    IdSource ids, TimeProvider time, IOptions<FlowOptions> options, ILogger<Resolver> logger)
{
    public const string Actor = "resolver";

    /// <summary>As many as are taken at once: each begins within its lease.</summary>
    private const int AtOnce = 16;

    private Deadlines Deadlines => options.Value.Deadlines;

    /// <summary>Settles what is due now at one provider; returns how many attempts were looked at.</summary>
    public async Task<int> SettleDueAsync(Provider provider, CancellationToken cancellationToken)
    {
        var taken = await due.TakeAsync(provider, AtOnce, cancellationToken);
        await Task.WhenAll(taken.Select(SettleAsync));
        return taken.Count;
    }

    /// <summary>A merchant repeats a request whose process may have died: settles its operation now if nobody else does.</summary>
    public async Task<bool> SettleIfDueAsync(PaymentKey payment, OperationId operation, CancellationToken cancellationToken)
    {
        if (await due.TakeAsync(payment, operation, cancellationToken) is not { } taken)
        {
            return false;
        }

        await SettleAsync(taken);
        return true;
    }

    private async Task SettleAsync(DueAttempt taken)
    {
        try
        {
            var payment = await store.FindAsync(taken.Payment, CancellationToken.None) ?? throw new InvariantException("an attempt belongs to a payment");
            using var span = Recoveries.Start(RecoveryKinds.AttemptResolved, payment.Id);
            var operation = payment.OperationOf(taken.AttemptId) ?? throw new InvariantException("an attempt belongs to an operation");
            var look = new Look(taken, payment, operation, operation.Attempts.First(a => a.Id == taken.AttemptId));
            var step = Resolving.Next(payment, taken.AttemptId, null, Deadlines.Limits);
            Outcome? found = null;
            if (step == ResolvingStep.Read)
            {
                var read = await calls.ReadAsync(payment, operation, look.Attempt, CancellationToken.None);
                found = read.Outcome;
                step = Resolving.Next(payment, taken.AttemptId, await SightingAsync(look, read), Deadlines.Limits);
            }

            span?.SetTag("payments.step", Words.Of(step));
            await CarryOutAsync(look, step, found);
        }
        catch (Exception e)
        {
            // One attempt must not stop the others. The lease runs out and another round tries again.
            Log.ResolverFailed(logger, e, taken.AttemptId);
        }
    }

    private async Task<Sighting> SightingAsync(Look look, ReadBack read)
    {
        // That an order was given up matters only where the same call might be made again.
        var mayBeSent = read.Kind == ReadBackKind.CannotAsk && look.Operation.Kind == OperationKind.Authorize;
        return new Sighting(Facts.Reading(read.Kind), read.Outcome is { } outcome ? Facts.Word(outcome.Kind) : null, look.Taken.Age, look.Taken.MissingFor)
        {
            IsWanted = !mayBeSent || !await orders.IsCancelledAsync(look.Payment, CancellationToken.None),
            IsHandedOver = look.Taken.IsHandedOver,
        };
    }

    private async Task CarryOutAsync(Look look, ResolvingStep step, Outcome? found)
    {
        switch (step)
        {
            case ResolvingStep.Tell:
                await TellAsync(look, found!, "asked, the provider told");
                break;
            case ResolvingStep.CloseAsUnexecuted:
                var why = look.Attempt.State == AttemptState.NeedsAction ? "the challenge was not finished in time" : "not found at the provider, twice";
                await TellAsync(look, new Outcome(OutcomeKind.NotProcessed) { Detail = why }, why);
                break;
            case ResolvingStep.Replay:
                // That a repeat did not reach the provider proves nothing about the first try.
                var repeated = await calls.MakeAsync(look.Payment, look.Operation, look.Attempt, null);
                await TellAsync(
                    look, repeated.Kind == OutcomeKind.NotProcessed ? repeated with { Kind = OutcomeKind.Unknown } : repeated, "the same call was made again under its own key");
                break;
            case ResolvingStep.NoteMissing:
                await due.NoteMissingAsync(look.Taken, Deadlines.MissingSpacing);
                break;
            case ResolvingStep.Cancel:
                await CancelAsync(look);
                break;
            case ResolvingStep.Begin when look.Operation is { Kind: OperationKind.Refund, IsExtra: false } && look.Payment.Disputes.Any(d => d.ForbidsRefunds):
                // Put off and not sent: sent now it could pay the customer twice.
                await LaterAsync(look);
                break;
            case ResolvingStep.Begin:
                await BeginAsync(look);
                break;
            case ResolvingStep.Forget:
                await due.PostponeAsync(look.Taken, null);
                break;
            default:
                await LaterAsync(look);
                break;
        }
    }

    private async Task TellAsync(Look look, Outcome outcome, string how)
    {
        var fact = Facts.Of(look.Operation.Kind, look.Attempt, outcome, ids.New<OperationId>(), time.GetUtcNow());
        var learned = await learning.LearnAsync(look.Payment, fact, null, new Resolution(look.Held, how));
        Log.Resolved(logger, look.Attempt.Id, Words.Of(fact.Outcome), Words.Of(learned.As));
        if (learned.As != LearnedAs.Applied)
        {
            await LaterAsync(look);
        }
    }

    /// <summary>Only the outcome of the cancellation says what became of the authorization: it comes by webhook, and is awaited.</summary>
    private async Task CancelAsync(Look look)
    {
        var isChallenge = look.Attempt.State == AttemptState.NeedsAction;
        var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), time.GetUtcNow()) { Reason = isChallenge ? "challenge_expired" : Resolving.UnresolvedReason };
        var decision = isChallenge ? Opening.Expiry(look.Payment, opened) : Opening.Cancellation(look.Payment, opened);
        if (decision.Payment is { } cancelling)
        {
            Recovered[] recovered = isChallenge
                ? []
                : [Recovered.Of(
                    ids.New<RecoveryId>(), RecoveryKinds.AuthorizationCancelled, opened.Id.ToString(), Actor, "its outcome can be neither read nor asked for again",
                    look.Payment, cancelling, look.Operation.Id, look.Attempt.Id)];
            var change = Changes.Between(look.Payment, cancelling, []) with { Held = look.Held, Recoveries = recovered };
            if (await writer.WriteAsync(change) == Verdict.Committed)
            {
                Array.ForEach(recovered, recoveries.Tell);
                await execution.RunAsync(cancelling, opened.Id, null, []);
            }
        }

        await LaterAsync(look);
    }

    private async Task BeginAsync(Look look)
    {
        var begun = Opening.Beginning(look.Payment, look.Attempt.Id);
        if (await writer.WriteAsync(Changes.Between(look.Payment, begun, []) with { Held = look.Held }) == Verdict.Committed)
        {
            await execution.RunAsync(begun, look.Operation.Id, null, [], look.Held);
        }
    }

    private Task LaterAsync(Look look) => due.PostponeAsync(look.Taken, Deadlines.Pause(look.Attempt.State, look.Taken.Readings, look is { Operation.Kind: OperationKind.Authorize, Payment.IsBankDebit: true }));

    private sealed record Look(DueAttempt Taken, PaymentState Payment, Operation Operation, Attempt Attempt)
    {
        public HeldAttempt Held => new(Taken.AttemptId, Taken.Fence);
    }
}
