using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Simulation.World;

namespace Payments.Simulation.Shell;

/// <summary>The resolver and the worker for providers' notices (Flow/Resolver, NoticeWorker).</summary>
internal sealed partial class ApiProcess
{
    private static readonly TimeSpan LocateAgainAfter = TimeSpan.FromSeconds(2);

    private ResolvingLimits ResolvingLimits => options.Deadlines.Limits;

    /// <summary>What the resolver has decided so far.</summary>
    public HashSet<ResolvingStep> Steps { get; } = [];

    /// <summary>One round of the resolver: what is due is settled side by side.</summary>
    public async Task SettleDueAsync()
    {
        foreach (var taken in await storage.TakeDueAsync())
        {
            var fence = taken.Fence;
            scheduler.Start(process, () => SettleAsync(taken, fence));
        }
    }

    /// <summary>One round of the worker for notices.</summary>
    public async Task ApplyDueNoticesAsync()
    {
        foreach (var notice in await storage.TakeDueNoticesAsync())
        {
            scheduler.Start(process, () => ApplyAsync(notice));
        }
    }

    /// <summary>Resolver.SettleAsync</summary>
    private async Task SettleAsync(ScheduledAttempt taken, long fence)
    {
        var held = new HeldAttempt(taken.Id, fence);
        try
        {
            var payment = await storage.FindAsync(taken.Payment) ?? throw new InvariantException("an attempt belongs to a payment");
            var operation = payment.OperationOf(taken.Id) ?? throw new InvariantException("an attempt belongs to an operation");
            var attempt = operation.Attempts.First(a => a.Id == taken.Id);
            var (step, read) = (Resolving.Next(payment, taken.Id, null, ResolvingLimits), (ReadBack?)null);
            Steps.Add(step);
            if (step == ResolvingStep.Read)
            {
                read = await calls.ReadAsync(payment, operation, attempt);
                step = Resolving.Next(payment, taken.Id, Seen(taken, read), ResolvingLimits);
                Steps.Add(step);
            }

            await TakeAsync(step, taken, held, payment, operation, attempt, read);
        }
        catch (DatabaseAwayException)
        {
            // The lease runs out and another round tries again.
        }
    }

    private async Task TakeAsync(ResolvingStep step, ScheduledAttempt taken, HeldAttempt held, PaymentState payment, Operation operation, Attempt attempt, ReadBack? read)
    {
        switch (step)
        {
            case ResolvingStep.Forget:
                await storage.PostponeAsync(taken, held.Fence, null);
                break;
            case ResolvingStep.Tell:
                await TellAsync(taken, held, payment, operation, attempt, read!.Outcome!);
                break;
            case ResolvingStep.NoteMissing:
                await storage.PostponeAsync(taken, held.Fence, options.Deadlines.MissingSpacing, isMissing: true);
                break;
            case ResolvingStep.CloseAsUnexecuted:
                await TellAsync(taken, held, payment, operation, attempt, new Outcome(OutcomeKind.NotProcessed) { Detail = "not found at the provider" });
                break;
            case ResolvingStep.Begin:
                var begun = Opening.Beginning(payment, attempt.Id);
                if (await storage.WriteAsync(Changes.Between(payment, begun, []) with { Held = held }) == Verdict.Committed)
                {
                    await ExecuteAsync(begun, operation.Id, [], held);
                }

                break;
            case ResolvingStep.Replay:
                // That a repeat did not reach the provider proves nothing about the first try.
                var repeated = Heard(await calls.MakeAsync(payment, operation, attempt));
                await TellAsync(taken, held, payment, operation, attempt, repeated.Kind == OutcomeKind.NotProcessed ? repeated with { Kind = OutcomeKind.Unknown } : repeated);
                break;
            case ResolvingStep.Cancel:
                await CancelAsync(taken, held, payment, attempt);
                break;
            default:
                await storage.PostponeAsync(taken, held.Fence, Pause(taken, attempt));
                break;
        }
    }

    private async Task TellAsync(ScheduledAttempt taken, HeldAttempt held, PaymentState payment, Operation operation, Attempt attempt, Outcome outcome)
    {
        var learned = await LearnAsync(payment, Facts.Of(operation.Kind, attempt, outcome, ids.New<OperationId>(), process.GetUtcNow()), held: held);
        if (learned.As != LearnedAs.Applied)
        {
            await storage.PostponeAsync(taken, held.Fence, Pause(taken, attempt));
        }
    }

    private async Task CancelAsync(ScheduledAttempt taken, HeldAttempt held, PaymentState payment, Attempt attempt)
    {
        var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), process.GetUtcNow());
        var decision = attempt.State == AttemptState.NeedsAction
            ? Opening.Expiry(payment, opened with { Reason = "challenge_expired" })
            : Opening.Cancellation(payment, opened with { Reason = Resolving.UnresolvedReason });
        if (decision.Payment is { } cancelling && await storage.WriteAsync(Changes.Between(payment, cancelling, []) with { Held = held }) == Verdict.Committed)
        {
            await ExecuteAsync(cancelling, opened.Id, []);
        }

        await storage.PostponeAsync(taken, held.Fence, Pause(taken, attempt));
    }

    /// <summary>NoticeWorker.ApplyAsync</summary>
    private async Task ApplyAsync(NoticeRow notice)
    {
        try
        {
            var told = notice.Fact;
            if (Facts.Of(notice.Provider, told, ids.New<OperationId>(), process.GetUtcNow()) is not { } fact)
            {
                await storage.MarkAsync(notice, "ignored");
                return;
            }

            var names = new[] { told.PaymentReference, told.ModificationReference }.OfType<string>().Where(n => n.Length > 0);
            if (await storage.LocateAsync(notice.Provider, names, told.AttemptId, told.PaymentId) is not { } id || await storage.FindAsync(id) is not { } payment)
            {
                await (NoticeOrder.MayBeEarly(notice.Tries) ? storage.PostponeAsync(notice, LocateAgainAfter) : UnknownAsync(notice));
                return;
            }

            if ((await LearnAsync(payment, fact, notice)).As == LearnedAs.Early)
            {
                await storage.PostponeAsync(notice, LocateAgainAfter);
            }
        }
        catch (DatabaseAwayException)
        {
            // Its lease runs out and another round tries again.
        }
    }

    private async Task UnknownAsync(NoticeRow notice)
    {
        await storage.RaiseAsync(null, new Incident(ids.New<IncidentId>(), "unknown_provider_reference", notice.Fact.AttemptId, notice.Fact.PaymentReference));
        await storage.MarkAsync(notice, "unknown_reference");
    }

    private Sighting Seen(ScheduledAttempt taken, ReadBack read) => new(
        Facts.Reading(read.Kind), read.Outcome is { } outcome ? Facts.Word(outcome.Kind) : null, database.Now - taken.OpenedAt, database.Now - taken.MissingSince)
    {
        IsHandedOver = taken.HandedOver > 0,
    };

    private TimeSpan Pause(ScheduledAttempt taken, Attempt attempt) => options.Deadlines.Pause(attempt.State, taken.Readings);
}
