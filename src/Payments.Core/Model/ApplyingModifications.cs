using Payments.Core.Events;
using static Payments.Core.Application;

namespace Payments.Core;

/// <summary>Facts about captures, voids and refunds.</summary>
public static partial class Applying
{
    private static Application Modification(PaymentState payment, Fact fact)
    {
        if (payment.Authorization is not { } authorize)
        {
            return new Contradiction("The payment never went to a provider.");
        }

        if (Find(payment, fact) is { } operation)
        {
            if (IsAboutFormer(operation, fact))
            {
                // Until the next try is made, the newest that is known is the failure of this one.
                var isLate = operation.Current is { State: AttemptState.Scheduled } && IsNoNewer(operation, fact);
                return fact.Outcome == FactOutcome.Succeeded && !isLate
                    ? new Contradiction($"An attempt of the {Words.Of(fact.Kind)} was closed as failed and now succeeded, after another was made.")
                    : Known;
            }

            return fact.Outcome switch
            {
                FactOutcome.Succeeded => Succeeded(payment, operation, fact),
                FactOutcome.Declined => TakenBack(payment, operation, fact, AttemptState.Declined),
                FactOutcome.NotProcessed when operation.State is OperationState.Pending or OperationState.Succeeded =>
                    new Contradiction("The provider had it, and now says that it never did."),
                FactOutcome.NotProcessed => TakenBack(payment, operation, fact, AttemptState.NotProcessed),
                FactOutcome.Pending => StillOpen(payment, operation, fact, OperationState.Pending, AttemptState.Pending),
                FactOutcome.Unknown => StillOpen(payment, operation, fact, OperationState.Unknown, AttemptState.Unknown),
                _ => new Contradiction($"A {Words.Of(fact.Kind)} cannot end as {Words.Of(fact.Outcome)}."),
            };
        }

        if (fact.Outcome is FactOutcome.Pending or FactOutcome.Unknown)
        {
            return Known;
        }

        if (fact is { Kind: OperationKind.Capture, Outcome: FactOutcome.Declined, Captured: true } && authorize.IsUnsettled && CapturesAtOnce(payment))
        {
            // What is taken back had been authorized and captured, whenever the notice of that comes.
            return Then(AfterAuthorization(payment, authorize, fact), captured => TakenBack(captured, captured.Operations[^1], fact, AttemptState.Declined));
        }

        if (fact.Outcome != FactOutcome.Succeeded)
        {
            return new Contradiction($"No {Words.Of(fact.Kind)} of this payment could have failed.");
        }

        if (fact.Kind == OperationKind.Void)
        {
            return Released(payment, authorize, fact);
        }

        if (authorize.IsUnsettled)
        {
            // Money moved, so the authorization succeeded, whatever its own notice says when it comes.
            return AfterAuthorization(payment, authorize, fact);
        }

        return authorize.State == OperationState.Succeeded
            ? Reported(payment, new Steps(payment), fact).Done()
            : new Contradiction($"A {Words.Of(fact.Kind)} of a payment whose authorization {Words.Of(authorize.State)}.");
    }

    /// <summary>By attempt, else by the provider's name for it. Only a fact without a name is given to the operation that it could mean: one under way, else one that ended so.</summary>
    private static Operation? Find(PaymentState payment, Fact fact)
    {
        var candidates = payment.Operations.Where(o => o.Kind == fact.Kind && !o.IsExtra).ToList();
        if (fact.AttemptId is { } id && candidates.Find(o => o.Attempts.Any(a => a.Id == id)) is { } byAttempt)
        {
            return byAttempt;
        }

        if (fact.ModificationReference is { } reference && candidates.Find(o => NameOf(o) == reference || o.Attempts.Any(a => a.ModificationReference == reference)) is { } byName)
        {
            return byName;
        }

        if (fact.AttemptId is { } authorizing && payment.Authorization!.Attempts.Any(a => a.Id == authorizing)
            && candidates.Find(o => o is { Origin: OperationOrigin.Merchant, Attempts.IsEmpty: true }) is { } withAuthorization)
        {
            return withAuthorization;
        }

        return fact.ModificationReference is not null
            ? null
            : candidates
                // What came to nothing is not what succeeded without a name of ours.
                .Where(o => fact.Outcome != FactOutcome.Succeeded || o.State != OperationState.Failed)
                .Where(o => fact.AmountMinor is null || fact.AmountMinor == o.AmountMinor || fact.Kind == OperationKind.Void)
                .OrderByDescending(o => o.IsUnsettled)
                .ThenByDescending(o => o.State == OperationState.Succeeded == (fact.Outcome == FactOutcome.Succeeded))
                .FirstOrDefault();
    }

    /// <summary>Of an operation that was tried again, a fact may be about a try that is over.</summary>
    private static bool IsAboutFormer(Operation operation, Fact fact)
    {
        if (operation.Attempts.Length < 2)
        {
            return false;
        }

        var about = operation.Attempts.FirstOrDefault(a => a.Id == fact.AttemptId)
            ?? operation.Attempts.LastOrDefault(a => a.ModificationReference is not null && a.ModificationReference == fact.ModificationReference);
        return about is not null && about.Id != operation.Current!.Id;
    }

    private static string? NameOf(Operation operation) => operation.ProviderReference ?? operation.Current?.ModificationReference;

    private static Application Succeeded(PaymentState payment, Operation operation, Fact fact)
    {
        if (operation.State == OperationState.Succeeded)
        {
            return Known;
        }

        if (!operation.IsUnsettled)
        {
            return IsNoNewer(operation, fact) ? Known : new Contradiction($"The {Words.Of(operation.Kind)} was {Words.Of(operation.State)} and now succeeded.");
        }

        if (operation.Kind != OperationKind.Void && fact.AmountMinor is { } amount && amount != operation.AmountMinor)
        {
            return new Contradiction($"The {Words.Of(operation.Kind)} was for {operation.AmountMinor} and succeeded for {amount}.");
        }

        var succeeded = Named(operation.To(OperationState.Succeeded, fact.LearnedAt), AttemptState.Succeeded, fact);
        return operation.Kind switch
        {
            OperationKind.Capture => Captured(payment, new Steps(payment), succeeded).Done(),
            OperationKind.Refund => new Steps(payment).Happened(PaymentEventTypes.Refunded, payment.With(succeeded), succeeded).Done(),
            _ => Voided(payment, succeeded),
        };
    }

    private static Steps Captured(PaymentState payment, Steps steps, Operation capture)
    {
        var fees = FeesOf(payment, capture.BookedMinor, capture.Current ?? payment.AuthorizingAttempt);
        var counted = payment.With(capture);
        var done = capture with { Fees = fees, ReleasedMinor = capture.Final ? Math.Max(0, counted.Amounts.CapturableMinor) : 0 };
        return steps.Happened(PaymentEventTypes.Captured, payment.With(done) with { CapturedAt = payment.CapturedAt ?? done.ChangedAt }, done, fees);
    }

    private static Applied Voided(PaymentState payment, Operation @void)
    {
        // A cancellation that was opened before the authorization was known to have come about reserved nothing: it ends whatever is held by now.
        var isOfUnknown = @void.AmountMinor == 0 && payment.Authorization is { IsUnsettled: false };
        var done = @void with { ReleasedMinor = isOfUnknown ? Math.Max(0, payment.Amounts.CapturableMinor) : @void.AmountMinor };
        var voided = payment.With(done);
        if (payment.Authorization is { IsUnsettled: true } authorize)
        {
            return Lapsed(voided, authorize, done.Origin, done.ChangedAt, done.ProviderTime);
        }

        return new Steps(payment).Happened(done.Origin == OperationOrigin.Expiry ? PaymentEventTypes.Expired : PaymentEventTypes.Voided, voided, done).Done();
    }

    /// <summary>An authorization that never came about: nothing was held, so nothing is released.</summary>
    private static Applied Lapsed(PaymentState payment, Operation authorize, OperationOrigin origin, DateTimeOffset at, DateTimeOffset? providerTime)
    {
        var failed = authorize.To(OperationState.Failed, at) with
        {
            Origin = origin,
            Reason = origin == OperationOrigin.Expiry ? "expired" : "cancelled_at_provider",
            // The notice of the authorization itself may come later, and is older than this.
            ProviderTime = providerTime ?? authorize.ProviderTime,
        };
        if (failed.Current is { IsUnsettled: true } attempt)
        {
            failed = failed.With(attempt with { State = AttemptState.NotProcessed, ClosedAt = at });
        }

        var happening = origin == OperationOrigin.Expiry ? PaymentEventTypes.Expired : PaymentEventTypes.Failed;
        return new Steps(payment).Happened(happening, payment.With(failed), failed).Done();
    }

    private static Application TakenBack(PaymentState payment, Operation operation, Fact fact, AttemptState attemptState)
    {
        if (operation.State is OperationState.Failed or OperationState.Reversed)
        {
            return Known;
        }

        if (IsOlder(operation, fact))
        {
            return Known;
        }

        if (fact.Instead is { } next && RefundRetrying.MayTryAgain(operation, fact.Outcome, fact.Decline))
        {
            return TriedAgain(payment, operation, fact, attemptState, next);
        }

        if (fact.Captured && operation is { Kind: OperationKind.Capture, IsUnsettled: true })
        {
            // It was captured before it was taken back, whenever the notice of that comes: the hold went with it.
            var captured = Captured(payment, new Steps(payment), Named(operation.To(OperationState.Succeeded, fact.LearnedAt), AttemptState.Succeeded, fact)).Done();
            return Then(captured, counted => TakenBack(counted, counted.Operations.First(o => o.Id == operation.Id), fact, attemptState));
        }

        var to = operation.State == OperationState.Succeeded ? OperationState.Reversed : OperationState.Failed;
        if (!OperationTransitions.IsLegal(operation.Kind, operation.State, to))
        {
            return new Contradiction($"The {Words.Of(operation.Kind)} had succeeded and is now {Words.Of(attemptState)}.");
        }

        var moved = operation.To(to, fact.LearnedAt) with
        {
            Reason = fact.Decline?.Code ?? fact.Detail ?? operation.Reason,
            // A capture that was taken back took the hold with it: the provider holds nothing any more.
            ReleasedMinor = to == OperationState.Reversed && operation.Kind == OperationKind.Capture ? operation.ReleasedMinor : 0,
        };
        var ended = to == OperationState.Reversed ? moved with { ProviderTime = fact.ProviderTime ?? moved.ProviderTime } : Named(moved, attemptState, fact);
        var happening = operation.Kind switch
        {
            OperationKind.Capture => PaymentEventTypes.CaptureFailed,
            OperationKind.Refund => PaymentEventTypes.RefundFailed,
            _ => PaymentEventTypes.VoidFailed,
        };

        var after = payment.With(ended);
        var shown = to == OperationState.Reversed && operation.Kind == OperationKind.Capture ? ended with { ReleasedMinor = ended.BookedMinor } : ended;
        return new Steps(payment).Happened(happening, after, shown, operation.Fees).Done();
    }

    /// <summary>
    /// The try is closed as failed and the next one is put off, in one commit: at no moment may somebody read that the refund is over and
    /// make another. What had counted as returned is taken back first, in its own event.
    /// </summary>
    private static Applied TriedAgain(PaymentState payment, Operation refund, Fact fact, AttemptState attemptState, NewAttempt next)
    {
        var former = refund.Current!;
        var closed = Settle(former, attemptState, fact);
        var another = Opening.FirstAttempt(next, fact.LearnedAt) with { State = AttemptState.Scheduled, PaymentReference = former.PaymentReference };
        var steps = new Steps(payment);
        var failed = refund;
        if (refund.State == OperationState.Succeeded)
        {
            failed = refund.To(OperationState.Reversed, fact.LearnedAt).With(closed);
            steps.Happened(PaymentEventTypes.RefundFailed, payment.With(failed), failed);
        }

        var opened = (failed.State == OperationState.Open ? failed : failed.To(OperationState.Open, fact.LearnedAt)).With(closed).With(another) with
        {
            ProviderReference = null,
            ProviderTime = fact.ProviderTime ?? refund.ProviderTime,
        };
        return refund.State == OperationState.Succeeded
            ? steps.Happened(PaymentEventTypes.RefundPending, steps.Payment.With(opened), opened).Done()
            : new Applied(Next(payment.With(opened)), []);
    }

    private static Application StillOpen(PaymentState payment, Operation operation, Fact fact, OperationState state, AttemptState attemptState)
    {
        if (!OperationTransitions.IsLegal(operation.Kind, operation.State, state))
        {
            return Known;
        }

        var waiting = Named(operation.To(state, fact.LearnedAt), attemptState, fact);
        return operation is { Kind: OperationKind.Refund, State: OperationState.Open }
            ? new Steps(payment).Happened(PaymentEventTypes.RefundPending, payment.With(waiting), waiting).Done()
            : new Applied(Next(payment.With(waiting)), []);
    }

    private static Operation Named(Operation operation, AttemptState state, Fact fact)
    {
        var named = operation with { ProviderReference = fact.ModificationReference ?? operation.ProviderReference, ProviderTime = fact.ProviderTime ?? operation.ProviderTime };
        if (named.Current is not { } attempt)
        {
            return named;
        }

        var learned = Learn(attempt, state, fact);
        return named.With(learned.IsUnsettled ? learned : learned with { ClosedAt = fact.LearnedAt });
    }

    /// <summary>The hold is gone although nobody here asked: the provider's dashboard, or it ran out.</summary>
    private static Application Released(PaymentState payment, Operation authorize, Fact fact)
    {
        if (authorize.IsUnsettled)
        {
            return Lapsed(payment, authorize, OperationOrigin.Provider, fact.LearnedAt, fact.ProviderTime);
        }

        var left = payment.Amounts.CapturableMinor;
        if (left == 0 && payment.Amounts.CapturePendingMinor > 0)
        {
            return new Contradiction("The hold was cancelled while a capture of it is under way.");
        }

        if (authorize.State == OperationState.Failed || left == 0)
        {
            return payment.Amounts.CapturedMinor > 0 ? new Contradiction("The payment was captured and now cancelled.") : Known;
        }

        return Voided(payment, External(fact, left, 0));
    }

    private static Application AfterAuthorization(PaymentState payment, Operation authorize, Fact fact)
    {
        var approved = fact with { Kind = OperationKind.Authorize, NewOperation = Beside(fact.NewOperation), AttemptId = authorize.Current!.Id, ModificationReference = null, AmountMinor = null, Decline = null, Captured = CapturesAtOnce(payment) };
        if (Authorized(payment, authorize, authorize.Current, approved) is not Applied first)
        {
            throw new InvariantException("an unsettled authorization can succeed");
        }

        // A refund comes after a capture; the capture itself came with the authorization.
        return approved.Captured && fact.Kind == OperationKind.Capture ? first : Then(first, authorized => Reported(authorized, new Steps(authorized), fact).Done());
    }

    /// <summary>A fact that brings two operations into being has one number to give: the other's differs in the last of its random bits.</summary>
    private static OperationId Beside(OperationId id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.Value.TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[15] ^= 1;
        return OperationId.From(new Guid(bytes, bigEndian: true));
    }

    /// <summary>One fact that tells two things: what came first, and what came of it.</summary>
    private static Applied Then(Application first, Func<PaymentState, Application> next) =>
        first is Applied before && next(before.Payment) is Applied after
            ? after with { Happenings = [.. before.Happenings, .. after.Happenings] }
            : throw new InvariantException("what is told together can be applied together");

    /// <summary>A capture or refund that we never asked for: recorded, with the part beyond our books set apart.</summary>
    private static Steps Reported(PaymentState payment, Steps steps, Fact fact)
    {
        var amounts = payment.Amounts;
        var room = Math.Max(0, fact.Kind == OperationKind.Capture ? amounts.CapturableMinor : amounts.RefundableMinor);
        var amount = fact.AmountMinor ?? room;
        var operation = External(fact, amount, Math.Max(0, amount - room));
        return fact.Kind == OperationKind.Capture
            ? Captured(payment, steps, operation)
            : steps.Happened(PaymentEventTypes.Refunded, payment.With(operation), operation);
    }

    private static Operation External(Fact fact, long amount, long suspense) => new(fact.NewOperation, fact.Kind, OperationState.Succeeded, amount)
    {
        SuspenseMinor = suspense,
        Origin = OperationOrigin.Provider,
        Reason = fact.Detail,
        ProviderReference = fact.ModificationReference,
        ProviderTime = fact.ProviderTime,
        CreatedAt = fact.LearnedAt,
        ChangedAt = fact.LearnedAt,
    };
}
