using Payments.Api.Recovery;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform;

namespace Payments.Api.Flow;

/// <summary>What came of telling a payment a fact.</summary>
/// <param name="Payment">The payment as it stands now.</param>
/// <param name="Answer">What was stored for the merchant's request, where this fact settled it.</param>
public sealed record Learned(PaymentState Payment, LearnedAs As, StoredAnswer? Answer = null);

public enum LearnedAs
{
    Applied,
    Known,
    Contradiction,

    /// <summary>Another worker took the attempt meanwhile: it decides.</summary>
    Overtaken,

    /// <summary>The payment is not yet where the fact can be told to it.</summary>
    Early,
}

/// <summary>That a fact was not told but found out.</summary>
/// <param name="Held">The attempt as it was taken.</param>
/// <param name="How">For the record.</param>
public sealed record Resolution(HeldAttempt Held, string How);

/// <summary>
/// Applies facts to durable payments: decide purely, write on the condition that nobody came between, else read again and decide
/// again. Requests, webhooks and the resolver all come here.
/// </summary>
public sealed class Learning(
    PaymentStore store, PaymentWriter writer, NoticeStore notices, ProviderCalls calls, Recoveries recoveries, IdSource ids, TimeProvider time, ILogger<Learning> logger)
{
    /// <param name="notice">The provider's notice that the fact came with; marked in the same commit.</param>
    /// <param name="resolution">Where the resolver found the fact out: recorded in the same commit.</param>
    /// <param name="held">The attempt as the caller had it, where what it learned holds only if nobody made the same call meanwhile.</param>
    /// <param name="isEarly">Whether the fact must wait for what the payment is about to become; asked again of each version that is met.</param>
    public async Task<Learned> LearnAsync(
        PaymentState payment, Fact fact, ProviderNoticeKey? notice = null, Resolution? resolution = null, HeldAttempt? held = null, Predicate<PaymentState>? isEarly = null)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(fact);
        var (learned, why) = await ApplyAsync(payment, fact, notice, resolution, null, held, isEarly);
        if (learned.As == LearnedAs.Known)
        {
            await notices.MarkAsync(notice, payment.Id, "known");
        }

        return why is null ? learned : await ContradictedAsync(learned.Payment, fact, why, notice);
    }

    /// <param name="settles">The contradiction that this fact, fetched from the provider, is to settle.</param>
    private async Task<(Learned Learned, string? Why)> ApplyAsync(
        PaymentState payment, Fact fact, ProviderNoticeKey? notice, Resolution? resolution, string? settles, HeldAttempt? held = null, Predicate<PaymentState>? isEarly = null)
    {
        while (true)
        {
            if (isEarly?.Invoke(payment) == true)
            {
                return (new Learned(payment, LearnedAs.Early), null);
            }

            switch (Applying.Apply(payment, WithRetry(payment, fact)))
            {
                case Application.Applied applied:
                    var change = Consequences.Of(payment, applied, fact, resolution, settles, ids) with
                    {
                        Notices = notice is null ? [] : [new NoticeMark(notice.Provider, notice.NoticeId, "applied")],
                        Held = resolution?.Held ?? held,
                    };
                    Steps.Reached(Steps.OutcomeBefore);
                    var verdict = await writer.WriteAsync(change);
                    Steps.Reached(Steps.OutcomeAfter);
                    switch (verdict)
                    {
                        case Verdict.Committed:
                            Committed(payment, change);
                            return (new Learned(applied.Payment, LearnedAs.Applied, change.Answer), null);
                        case Verdict.Fenced:
                            return (new Learned(payment, LearnedAs.Overtaken), null);
                        default:
                            Invariant.Holds(verdict == Verdict.Conflict, "a fact claims no key and no volume");
                            payment = await store.FindAsync(PaymentKey.Of(payment), CancellationToken.None) ?? throw new InvariantException("a payment never disappears");
                            break;
                    }

                    break;

                case Application.Contradiction contradiction:
                    return (new Learned(payment, LearnedAs.Contradiction), contradiction.Why);

                default:
                    return (new Learned(payment, LearnedAs.Known), null);
            }
        }
    }

    /// <summary>A refund that failed may be tried again: with a number of its own, made here because a pure function cannot.</summary>
    private Fact WithRetry(PaymentState payment, Fact fact) =>
        fact is { Kind: OperationKind.Refund, Outcome: FactOutcome.Declined or FactOutcome.NotProcessed, Instead: null } && payment.AuthorizingAttempt is { } authorized
            ? fact with { Instead = new NewAttempt(ids.New<AttemptId>(), authorized.Provider, authorized.Cost) }
            : fact;

    private void Committed(PaymentState before, Change change)
    {
        FlowTelemetry.Settled(before, change.After);
        foreach (var recovered in change.Recoveries)
        {
            recoveries.Tell(recovered);
        }

        foreach (var refund in RefundRetrying.GivenUp(before, change.After))
        {
            Recoveries.Count(RecoveryKinds.RefundRetried, Recoveries.Failed);
            Log.RefundGivenUp(logger, before.Id, refund.Id, refund.Attempts.Length);
        }
    }

    /// <summary>Recorded, raised, and the provider asked: what it says now may settle it.</summary>
    private async Task<Learned> ContradictedAsync(PaymentState payment, Fact fact, string why, ProviderNoticeKey? notice)
    {
        Log.Contradiction(logger, payment.Id, Words.Of(fact.Kind), Words.Of(fact.Outcome), why);
        var concerned = Concerned(payment, fact);
        var read = concerned is var (operation, attempt) ? await calls.ReadAsync(payment, operation, attempt, CancellationToken.None) : null;
        var now = read is null ? "No attempt of ours is concerned." : $"Asked now, the provider says: {Words.Of(read.Kind)}{(read.Outcome is { } told ? $", {Words.Of(told.Kind)}" : "")}.";
        var incident = new Incident(
            ids.New<IncidentId>(), IncidentKinds.Contradiction, fact.AttemptId,
            $"{why} {now} {Words.Of(fact.Provider)} reported {Words.Of(fact.Kind)} {Words.Of(fact.Outcome)} for {fact.ModificationReference ?? fact.PaymentReference ?? "an unnamed payment"}, amount {fact.AmountMinor?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "not told"}.");
        await notices.RaiseAsync(payment.MerchantId, payment.Mode, payment.Id, incident, CancellationToken.None);
        var learned = concerned is var (of, about) && read is { Kind: ReadBackKind.Found, Outcome: { Kind: OutcomeKind.Approved or OutcomeKind.Declined } fetched }
            ? await SettledAsync(payment, of, about, fetched, why, incident)
            : new Learned(payment, LearnedAs.Contradiction);

        // Last: a process that dies before leaves the notice due, and whoever takes it up raises, asks and closes again.
        await notices.MarkAsync(notice, payment.Id, "contradiction");
        return learned;
    }

    /// <summary>
    /// The provider's own object either may follow what is known, and is applied, or says what is known already: then the notice was
    /// wrong. Where it contradicts too, a person decides.
    /// </summary>
    private async Task<Learned> SettledAsync(PaymentState payment, Operation operation, Attempt attempt, Outcome fetched, string why, Incident incident)
    {
        var fact = Facts.Of(operation.Kind, attempt, fetched, ids.New<OperationId>(), time.GetUtcNow());
        var (learned, stillWhy) = await ApplyAsync(payment, fact, null, null, why);
        if (stillWhy is not null)
        {
            return learned;
        }

        if (learned.As == LearnedAs.Known)
        {
            await recoveries.RecordAsync(Consequences.Settled(learned.Payment, learned.Payment, fact, why, ids), CancellationToken.None);
        }

        await notices.CloseAsync(payment.Id, incident, CancellationToken.None);
        return learned;
    }

    private static (Operation Operation, Attempt Attempt)? Concerned(PaymentState payment, Fact fact)
    {
        var operation = fact.AttemptId is { } id ? payment.OperationOf(id) : payment.Operations.LastOrDefault(o => o.Kind == fact.Kind && o.Current is not null);
        return operation?.Attempts.FirstOrDefault(a => a.Id == (fact.AttemptId ?? operation.Current!.Id)) is { } attempt ? (operation, attempt) : null;
    }
}
