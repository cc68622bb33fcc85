using System.Collections.Immutable;
using Payments.Core.Events;
using static Payments.Core.Application;

namespace Payments.Core;

/// <summary>
/// Facts about a second charge of one payment. The charge that the books do not count is undone at its provider, by an operation of
/// origin <see cref="OperationOrigin.DoubleCharge"/>: a void of what is only held, a refund of what was taken. Each such operation has
/// one attempt, put off until it is durable; it stands outside the payment's own amounts and status, and its money in suspense.
/// </summary>
public static partial class Applying
{
    /// <summary>How often a provider may refuse to undo one charge before a person must.</summary>
    private const int MostRefusals = 3;

    /// <summary>Null where the fact is about the payment's own charge.</summary>
    private static Application? Second(PaymentState payment, Fact fact)
    {
        if (Undoing(payment, fact) is { } undoing)
        {
            return OfUndoing(payment, undoing, fact);
        }

        if (fact is not { Kind: OperationKind.Authorize, PaymentReference: { } reference } || payment.Authorization is not { Current: { } current } authorize)
        {
            return null;
        }

        var isFormer = fact.AttemptId is { } id && id != current.Id && authorize.Attempts.Any(a => a.Id == id);
        var isOther = current.PaymentReference is { } own && (own != reference || current.Provider != fact.Provider);
        if (fact.Outcome != FactOutcome.Succeeded)
        {
            // What becomes of another charge than the one that counts changes nothing, as long as it takes no money.
            return isOther && !isFormer && authorize.State == OperationState.Succeeded ? Known : null;
        }

        return authorize.State switch
        {
            OperationState.Succeeded when isOther || isFormer => Found(payment, fact, reference),
            // The payment has gone on elsewhere: whatever comes of that, this charge is not wanted.
            OperationState.Open or OperationState.Pending or OperationState.Unknown when isFormer => Found(payment, fact, reference),
            _ => null,
        };
    }

    /// <summary>The newest operation that undoes the charge which the fact is about: by the provider's name of the charge, else by attempt.</summary>
    private static Operation? Undoing(PaymentState payment, Fact fact)
    {
        var undoing = payment.Operations.Where(o => o.IsExtra).ToList();
        if (undoing.Count == 0)
        {
            return null;
        }

        return undoing.FindLast(o => fact.PaymentReference is not null && o.Current!.PaymentReference == fact.PaymentReference && o.Current.Provider == fact.Provider)
            ?? undoing.Find(o => fact.Kind != OperationKind.Authorize && fact.AttemptId is { } id && o.Current!.Id == id);
    }

    private static Application Found(PaymentState payment, Fact fact, string reference)
    {
        if (fact is { Captured: true, TakenMinor: 0 })
        {
            // Somebody gave it back already.
            return Known;
        }

        var cost = payment.Authorization!.Attempts.FirstOrDefault(a => a.Provider == fact.Provider)?.Cost ?? new Price(0, 0);
        var undo = Undo(
            fact, fact.Captured ? OperationKind.Refund : OperationKind.Void, (fact.Captured ? fact.TakenMinor : null) ?? fact.AmountMinor ?? payment.Amount.Minor,
            Opening.FirstAttempt(new NewAttempt(default, fact.Provider, cost), fact.LearnedAt) with { PaymentReference = reference });
        return new Steps(payment).Happened(PaymentEventTypes.DoubleChargeFound, payment.With(undo), undo).Done();
    }

    private static Application OfUndoing(PaymentState payment, Operation latest, Fact fact)
    {
        if (fact.Kind is OperationKind.Authorize or OperationKind.Capture)
        {
            // Known as it is; what was taken meanwhile is refunded once the void was refused.
            return Known;
        }

        var undo = fact.AttemptId is { } id ? payment.Operations.FirstOrDefault(o => o.IsExtra && o.Current!.Id == id) ?? latest : latest;
        if (fact.Kind != undo.Kind)
        {
            return fact.Outcome == FactOutcome.Succeeded && undo.IsUnsettled && fact.Kind == OperationKind.Void
                ? new Contradiction("A second charge was cancelled although its money had been taken.")
                : Known;
        }

        return fact.Outcome switch
        {
            FactOutcome.Succeeded => Undone(payment, undo, fact),
            FactOutcome.Declined => NotUndone(payment, undo, fact),
            // Sent or not, it is still to be done: only what is proven missing is sent under another key.
            FactOutcome.NotProcessed when undo.State == OperationState.Unknown => Again(payment, Closed(undo, OperationState.Failed, AttemptState.NotProcessed, fact), fact, undo.Kind),
            FactOutcome.NotProcessed or FactOutcome.Unknown => StillUndoing(payment, undo, fact, OperationState.Unknown, AttemptState.Unknown),
            FactOutcome.Pending => StillUndoing(payment, undo, fact, OperationState.Pending, AttemptState.Pending),
            _ => Known,
        };
    }

    private static Application Undone(PaymentState payment, Operation undo, Fact fact)
    {
        if (!undo.IsUnsettled)
        {
            return undo.State == OperationState.Succeeded || IsOlder(undo, fact)
                ? Known
                : new Contradiction($"The {Words.Of(undo.Kind)} of a second charge was {Words.Of(undo.State)} and now succeeded.");
        }

        var done = Closed(undo, OperationState.Succeeded, AttemptState.Succeeded, fact);
        return new Steps(payment).Happened(PaymentEventTypes.DoubleChargeUndone, payment.With(done), done).Done();
    }

    private static Application NotUndone(PaymentState payment, Operation undo, Fact fact)
    {
        var to = undo.State == OperationState.Succeeded ? OperationState.Reversed : OperationState.Failed;
        if (!OperationTransitions.IsLegal(undo.Kind, undo.State, to) || IsOlder(undo, fact))
        {
            return Known;
        }

        var failed = Closed(undo, to, to == OperationState.Reversed ? AttemptState.Succeeded : AttemptState.Declined, fact);
        var steps = new Steps(payment).Happened(PaymentEventTypes.DoubleChargeUndoFailed, payment.With(failed), failed);
        if (undo.Kind == OperationKind.Void)
        {
            // What cannot be cancelled any more was taken.
            var refund = Undo(fact, OperationKind.Refund, undo.AmountMinor, undo.Current!);
            return steps.Happened(PaymentEventTypes.DoubleChargeFound, steps.Payment.With(refund), refund).Done();
        }

        var refused = steps.Payment.Operations.Count(o => o is { IsExtra: true, Kind: OperationKind.Refund, State: OperationState.Failed or OperationState.Reversed, Current.State: not AttemptState.NotProcessed }
            && o.Current!.PaymentReference == undo.Current!.PaymentReference);
        return refused >= MostRefusals ? steps.Done() : steps.Quietly(p => p.With(Undo(fact, OperationKind.Refund, undo.AmountMinor, undo.Current!))).Done();
    }

    private static Applied Again(PaymentState payment, Operation closed, Fact fact, OperationKind kind) =>
        new(Next(payment.With(closed).With(Undo(fact, kind, closed.AmountMinor, closed.Current!))), []);

    private static Application StillUndoing(PaymentState payment, Operation undo, Fact fact, OperationState state, AttemptState attemptState) =>
        OperationTransitions.IsLegal(undo.Kind, undo.State, state)
            ? new Applied(Next(payment.With(undo.To(state, fact.LearnedAt).With(Learn(undo.Current!, attemptState, fact with { PaymentReference = null })))), [])
            : Known;

    private static Operation Closed(Operation undo, OperationState state, AttemptState attemptState, Fact fact) => undo.To(state, fact.LearnedAt)
        .With(Settle(undo.Current!, attemptState, fact with { PaymentReference = null })) with
    {
        ProviderReference = fact.ModificationReference ?? undo.ProviderReference,
        ProviderTime = fact.ProviderTime ?? undo.ProviderTime,
        ReleasedMinor = state == OperationState.Succeeded && undo.Kind == OperationKind.Void ? undo.AmountMinor : 0,
    };

    /// <summary>An attempt of the same digits as its operation: the fact brings one number along, and an operation of this kind has one attempt.</summary>
    private static Operation Undo(Fact fact, OperationKind kind, long amount, Attempt like) => new(fact.NewOperation, kind, OperationState.Open, amount)
    {
        Origin = OperationOrigin.DoubleCharge,
        Reason = "duplicate",
        CreatedAt = fact.LearnedAt,
        ChangedAt = fact.LearnedAt,
        Attempts =
        [
            new Attempt(AttemptId.From(fact.NewOperation.Value), like.Provider, AttemptState.Scheduled, like.Cost) { PaymentReference = like.PaymentReference, OpenedAt = fact.LearnedAt },
        ],
    };
}

/// <summary>What became of second charges between two states of a payment.</summary>
public static class DoubleCharges
{
    /// <summary>Undoing operations that are new; the first of its charge tells that the charge was found.</summary>
    public static IEnumerable<Operation> Found(PaymentState before, PaymentState after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return after.Operations.Where(o => o.IsExtra && !before.Operations.Any(old => old.IsExtra && old.Current!.PaymentReference == o.Current!.PaymentReference));
    }

    public static IEnumerable<Operation> Undone(PaymentState before, PaymentState after) => Became(before, after, OperationState.Succeeded);

    /// <summary>Refunds that the provider refused for good: no other operation goes on about their charge.</summary>
    public static IEnumerable<Operation> GivenUp(PaymentState before, PaymentState after) =>
        Became(before, after, OperationState.Failed).Concat(Became(before, after, OperationState.Reversed))
            .Where(o => !after.Operations.Any(other => other is { IsExtra: true, IsUnsettled: true } && other.Current!.PaymentReference == o.Current!.PaymentReference));

    private static ImmutableArray<Operation> Became(PaymentState before, PaymentState after, OperationState state)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        return [.. after.Operations.Where(o => o.IsExtra && o.State == state && before.Operations.FirstOrDefault(old => old.Id == o.Id)?.State != state)];
    }
}
