using Microsoft.Extensions.Options;
using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>
/// Settles attempts whose outcome nobody knows: reads first, then decides. Repeats a call only under its own key, while the provider
/// still remembers it and the payment is still wanted; what is proven missing twice is closed as not executed.
/// </summary>
public sealed class Resolver(
    DueAttempts due, PaymentStore store, ProviderCalls calls, Learning learning, PaymentWriter writer, Execution execution, NoticeStore notices,
    IdSource ids, TimeProvider time, IOptions<FlowOptions> options, ILogger<Resolver> logger)
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan UnresolvableAfter = TimeSpan.FromHours(24);

    private Deadlines Deadlines => options.Value.Deadlines;

    /// <summary>Settles what is due now; returns how many attempts were looked at.</summary>
    public async Task<int> SettleDueAsync(CancellationToken cancellationToken)
    {
        var taken = await due.TakeAsync(20, cancellationToken);
        await Parallel.ForEachAsync(
            taken, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken },
            async (attempt, _) => await SettleAsync(attempt));
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
            var operation = payment.OperationOf(taken.AttemptId) ?? throw new InvariantException("an attempt belongs to an operation");
            var attempt = operation.Attempts.First(a => a.Id == taken.AttemptId);
            if (attempt.Id != operation.Current!.Id || !attempt.IsUnsettled)
            {
                await due.PostponeAsync(taken, null);
                return;
            }

            await (attempt.State == AttemptState.NeedsAction
                ? ExpireAsync(taken, payment, operation, attempt)
                : AskAsync(taken, payment, operation, attempt));
        }
        catch (Exception e)
        {
            // One attempt must not stop the others. The lease runs out and another round tries again.
            Log.ResolverFailed(logger, e, taken.AttemptId);
        }
    }

    private async Task AskAsync(DueAttempt taken, PaymentState payment, Operation operation, Attempt attempt)
    {
        var read = await calls.ReadAsync(payment, operation, attempt, CancellationToken.None);
        switch (read.Kind)
        {
            case ReadBackKind.Found:
                await TellAsync(taken, payment, operation, attempt, read.Outcome!);
                break;
            case ReadBackKind.NotFound when attempt.State == AttemptState.Pending:
                await due.PostponeAsync(taken, Pause(taken));
                break;
            case ReadBackKind.NotFound when taken.MissingFor is not { } missing:
                await due.NoteMissingAsync(taken, Deadlines.MissingSpacing);
                break;
            case ReadBackKind.NotFound when taken.MissingFor >= Deadlines.MissingSpacing:
                await TellAsync(taken, payment, operation, attempt, new Outcome(OutcomeKind.NotProcessed) { Detail = "not found at the provider, twice" });
                break;
            case ReadBackKind.CannotAsk when attempt.State != AttemptState.Pending && taken.Age < ReplayLimit(operation):
                // That a repeat did not reach the provider proves nothing about the first try.
                var repeated = await calls.MakeAsync(payment, operation, attempt, null);
                await TellAsync(taken, payment, operation, attempt, repeated.Kind == OutcomeKind.NotProcessed ? repeated with { Kind = OutcomeKind.Unknown } : repeated);
                break;
            default:
                await WaitAsync(taken, payment, attempt);
                break;
        }
    }

    private async Task TellAsync(DueAttempt taken, PaymentState payment, Operation operation, Attempt attempt, Outcome outcome)
    {
        var fact = Facts.Of(operation.Kind, attempt, outcome, ids.New<OperationId>(), time.GetUtcNow());
        var learned = await learning.LearnAsync(payment, fact);
        Log.Resolved(logger, attempt.Id, Words.Of(fact.Outcome), Words.Of(learned.As));
        if (learned.As != LearnedAs.Applied)
        {
            await due.PostponeAsync(taken, Pause(taken));
        }
    }

    /// <summary>Only a webhook or the provider's report can tell now; a person is told once.</summary>
    private async Task WaitAsync(DueAttempt taken, PaymentState payment, Attempt attempt)
    {
        if (taken.Age > UnresolvableAfter)
        {
            var incident = new Incident(ids.New<IncidentId>(), "attempt_unresolved", attempt.Id, $"{Words.Of(attempt.Provider)} has not told the outcome of {attempt.Id} within a day.");
            await notices.RaiseAsync(payment.MerchantId, payment.Mode, payment.Id, incident, CancellationToken.None);
        }

        await due.PostponeAsync(taken, Pause(taken));
    }

    /// <summary>A challenge that nobody finished: the truth first, then a cancellation at the provider, whose outcome decides.</summary>
    private async Task ExpireAsync(DueAttempt taken, PaymentState payment, Operation operation, Attempt attempt)
    {
        var read = await calls.ReadAsync(payment, operation, attempt, CancellationToken.None);
        if (read is { Kind: ReadBackKind.Found, Outcome: { Kind: OutcomeKind.Approved or OutcomeKind.Declined } outcome })
        {
            await TellAsync(taken, payment, operation, attempt, outcome);
            return;
        }

        if (payment.Operations.Any(o => o is { Kind: OperationKind.Void, Origin: OperationOrigin.Expiry, State: OperationState.Failed }))
        {
            // The provider had nothing to cancel, and only we could still have finished the challenge.
            await TellAsync(taken, payment, operation, attempt, new Outcome(OutcomeKind.NotProcessed) { Detail = "the challenge was not finished in time" });
            return;
        }

        var decision = Opening.Expiry(payment, new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), time.GetUtcNow()) { Reason = "challenge_expired" });
        if (decision.Payment is { } opened && await writer.WriteAsync(Changes.Between(payment, opened, [])) == Verdict.Committed)
        {
            await execution.RunAsync(opened, decision.Operation!.Id, null, []);
        }

        await due.PostponeAsync(taken, Pause(taken));
    }

    private TimeSpan ReplayLimit(Operation operation) => operation.Kind == OperationKind.Authorize ? Deadlines.AuthorizationWanted : Deadlines.ReplayLimit;

    private TimeSpan Pause(DueAttempt taken)
    {
        var doubled = Deadlines.Unknown * Math.Pow(2, Math.Min(taken.Readings, 10));
        return doubled < LongestPause ? doubled : LongestPause;
    }
}
