using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Simulation.Engine;
using Payments.Simulation.World;

namespace Payments.Simulation.Shell;

/// <summary>A merchant's POST as it arrives.</summary>
internal sealed record MerchantPost(RequestKey Key, byte[] Fingerprint)
{
    public Claim ClaimFor(OperationId? operation) => new(Key, Fingerprint, operation);
}

/// <summary>What a merchant is answered.</summary>
internal sealed record Answer(int Status, string? Code, byte[]? Body);

/// <summary>
/// The payment flow of the API over the simulated database and providers. The order of its steps is the product's (Flow/CreatePayment,
/// ModifyPayment, Execution, Learning, Entrance, named at each method); every decision is the product's own function.
/// </summary>
internal sealed partial class ApiProcess(Storage storage, Calls calls, Database database, IdSource ids, Process process, Scheduler scheduler, FlowOptions options, Rules rules)
{
    private static readonly ProviderLimits Limits = new(PartialCapture: true, MultipleCaptures: true, VoidAfterPartialCapture: false);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public static readonly Answer InUse = new(409, "idempotency_key_in_use", null);
    public static readonly Answer Reused = new(422, "idempotency_key_reused", null);
    public static readonly Answer NothingDone = new(503, "provider_unavailable", null);
    public static readonly Answer Broken = new(500, "internal_error", null);

    /// <summary>CreatePayment.RunAsync</summary>
    public async Task<Answer> CreateAsync(MerchantPost post, PaymentState blank, Provider first, Provider second)
    {
        var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), process.GetUtcNow()) { RequestKey = post.Key };
        var payment = Opening.Payment(blank with { Id = ids.New<PaymentId>() }, opened, new NewAttempt(opened.AttemptId, first, Prices.CostAt(first)));
        switch (await storage.WriteAsync(new Change(0, payment, payment.Operations, []) { Claim = post.ClaimFor(opened.Id) }))
        {
            case Verdict.KeyTaken:
                return await ReplayAsync(post) ?? InUse;
            case Verdict.Committed:
                var ran = await ExecuteAsync(payment, opened.Id, [second]);
                return await AnswerAsync(post, ran, opened.Id);
            default:
                throw new InvariantException("a new payment conflicts with nothing");
        }
    }

    /// <summary>ModifyPayment.RunAsync</summary>
    public async Task<Answer> ModifyAsync(MerchantPost post, PaymentId id, Func<PaymentState, ProviderLimits, NewOperation, Decision> decide)
    {
        var payment = await storage.FindAsync(id) ?? throw new InvariantException("a merchant knows only payments that exist");
        var began = process.GetTimestamp();
        while (true)
        {
            var opened = new NewOperation(ids.New<OperationId>(), ids.New<AttemptId>(), process.GetUtcNow()) { RequestKey = post.Key };
            var decision = decide(payment, Limits, opened);
            if (decision.Refusal is { } refusal)
            {
                // A refusal is nobody's stored answer, but a repeat of a request that was accepted must not meet one.
                return await ReplayAsync(post) ?? new Answer(refusal.Kind == RefusalKind.WrongState ? 409 : 422, refusal.Code, null);
            }

            if (!rules.ReservesBeforeTheCall && decision.Operation!.Kind == OperationKind.Refund)
            {
                return await UnreservedAsync(post, payment, decision);
            }

            switch (await storage.WriteAsync(Changes.Between(payment, decision.Payment!, []) with { Claim = post.ClaimFor(opened.Id) }))
            {
                case Verdict.Committed:
                    return await AnswerAsync(post, await ExecuteAsync(decision.Payment!, opened.Id, []), opened.Id);
                case Verdict.KeyTaken:
                    return await ReplayAsync(post) ?? InUse;
                default:
                    if (process.GetElapsedTime(began) > Patience)
                    {
                        return new Answer(409, "payment_busy", null);
                    }

                    payment = await storage.FindAsync(id) ?? throw new InvariantException("a payment never disappears");
                    break;
            }
        }
    }

    /// <summary>ReturnFromChallenge.HandleAsync</summary>
    public async Task ReturnAsync(PaymentId id, bool isGood)
    {
        while (await storage.FindAsync(id) is { Authorization: { } authorize, AuthorizingAttempt: { } attempt } payment && Resolving.MayBeFinished(payment))
        {
            if (!await storage.HandOverAsync(payment, attempt.Id))
            {
                continue;
            }

            var outcome = await calls.CompleteAsync(attempt, isGood);
            if (outcome.Kind is OutcomeKind.NeedsAction or OutcomeKind.NotProcessed)
            {
                await storage.TakeBackAsync(attempt.Id);
            }

            await LearnAsync(payment, Facts.Of(authorize.Kind, attempt, outcome, ids.New<OperationId>(), process.GetUtcNow()));
            break;
        }
    }

    /// <summary>Execution.RunAsync</summary>
    /// <param name="held">The attempt as a worker took it; absent: nobody has taken it yet.</param>
    private async Task<(PaymentState Payment, StoredAnswer? Answer)> ExecuteAsync(PaymentState payment, OperationId operationId, IEnumerable<Provider> others, HeldAttempt? held = null)
    {
        var began = process.GetTimestamp();
        var next = new Queue<Provider>(others);
        StoredAnswer? answer = null;
        while (Cascade.OpenAttempt(payment, operationId) is var (operation, attempt))
        {
            var outcome = Heard(await calls.MakeAsync(payment, operation, attempt));
            var instead = Cascade.MayGoOn(outcome, process.GetElapsedTime(began), options) && next.TryDequeue(out var provider)
                ? new NewAttempt(ids.New<AttemptId>(), provider, Prices.CostAt(provider))
                : null;
            var fact = Facts.Of(operation.Kind, attempt, outcome, ids.New<OperationId>(), process.GetUtcNow(), instead);
            var alone = outcome.Kind == OutcomeKind.NotProcessed ? held is { } taken && taken.Id == attempt.Id ? taken : new HeldAttempt(attempt.Id, 0) : null;
            (payment, var learned, answer) = await LearnAsync(payment, fact, held: alone);
            if (fact.Instead is null || learned == LearnedAs.Overtaken)
            {
                break;
            }
        }

        return (payment, answer);
    }

    /// <summary>Learning.LearnAsync</summary>
    private async Task<Learned> LearnAsync(PaymentState payment, Fact fact, NoticeRow? notice = null, HeldAttempt? held = null)
    {
        while (true)
        {
            if (notice is not null && NoticeOrder.MustWait(payment, fact, notice.Tries))
            {
                return new Learned(payment, LearnedAs.Early);
            }

            switch (Applying.Apply(payment, WithRetry(payment, fact)))
            {
                case Application.Applied applied:
                    var change = Changes.Between(payment, applied.Payment, applied.Happenings) with
                    {
                        Notices = notice is null ? [] : [new NoticeMark(notice.Provider, notice.Fact.NoticeId, "applied")],
                        Held = held,
                    };
                    switch (await storage.WriteAsync(change))
                    {
                        case Verdict.Committed:
                            return new Learned(applied.Payment, LearnedAs.Applied, change.Answer);
                        case Verdict.Fenced:
                            return new Learned(payment, LearnedAs.Overtaken);
                        default:
                            payment = await storage.FindAsync(payment.Id) ?? throw new InvariantException("a payment never disappears");
                            break;
                    }

                    break;

                case Application.Contradiction contradiction:
                    var incident = new Incident(ids.New<IncidentId>(), "contradiction", fact.AttemptId, $"{contradiction.Why} {fact.Provider} reported {fact.Kind} {fact.Outcome}.");
                    await storage.RaiseAsync(payment.Id, incident);
                    await storage.MarkAsync(notice, "contradiction");
                    return new Learned(payment, LearnedAs.Contradiction);

                default:
                    await storage.MarkAsync(notice, "known");
                    return new Learned(payment, LearnedAs.Known);
            }
        }
    }

    /// <summary>Learning.WithRetry</summary>
    private Fact WithRetry(PaymentState payment, Fact fact) =>
        fact is { Kind: OperationKind.Refund, Outcome: FactOutcome.Declined or FactOutcome.NotProcessed, Instead: null } && payment.AuthorizingAttempt is { } authorized
            ? fact with { Instead = new NewAttempt(ids.New<AttemptId>(), authorized.Provider, authorized.Cost) }
            : fact;

    /// <summary>Entrance.ReplayAsync</summary>
    private async Task<Answer?> ReplayAsync(MerchantPost post)
    {
        if (await storage.FindRequestAsync(post.Key) is not { } stored)
        {
            return null;
        }

        if (!stored.Fingerprint.AsSpan().SequenceEqual(post.Fingerprint))
        {
            return Reused;
        }

        if (stored.State != RequestState.Final && stored.Operation is { } operation && await storage.TakeAsync(stored.Payment, operation) is { } taken)
        {
            await SettleAsync(taken, taken.Fence);
            stored = await storage.FindRequestAsync(post.Key) ?? stored;
        }

        switch (stored.State)
        {
            case RequestState.Final:
                return new Answer(stored.Status!.Value, null, stored.Body);
            case RequestState.Unresolved:
                var payment = await storage.FindAsync(stored.Payment) ?? throw new InvariantException("a request belongs to a payment");
                return new Answer(202, null, Answers.Body(payment, payment.Operations.First(o => o.Id == stored.Operation)));
            default:
                return InUse;
        }
    }

    /// <summary>Entrance.AnswerAsync</summary>
    private async Task<Answer> AnswerAsync(MerchantPost post, (PaymentState Payment, StoredAnswer? Answer) ran, OperationId operationId)
    {
        if (ran.Answer is { Status: { } known, Body: { } bytes })
        {
            return new Answer(known, null, bytes);
        }

        var operation = ran.Payment.Operations.First(o => o.Id == operationId);
        if (Answers.IsReleased(operation))
        {
            return NothingDone;
        }

        if (operation.State == OperationState.Open || Answers.IsUnresolved(operation))
        {
            return new Answer(202, null, Answers.Body(ran.Payment, operation));
        }

        // A notice was faster: whoever settled the operation stored the answer in the same commit.
        return await storage.FindRequestAsync(post.Key) is { State: RequestState.Final, Status: { } status, Body: { } body }
            ? new Answer(status, null, body)
            : throw new InvariantException("a settled operation has a stored answer");
    }

    /// <summary>A planted bug: the provider is called for a refund that nobody has written down.</summary>
    private async Task<Answer> UnreservedAsync(MerchantPost post, PaymentState payment, Decision decision)
    {
        if (await ReplayAsync(post) is { } known)
        {
            return known;
        }

        var operation = decision.Operation!;
        var outcome = await calls.MakeAsync(decision.Payment!, operation, operation.Current!);
        if (await storage.WriteAsync(Changes.Between(payment, decision.Payment!, []) with { Claim = post.ClaimFor(operation.Id) }) != Verdict.Committed)
        {
            return await ReplayAsync(post) ?? InUse;
        }

        var learned = await LearnAsync(decision.Payment!, Facts.Of(operation.Kind, operation.Current!, outcome, ids.New<OperationId>(), process.GetUtcNow()));
        return await AnswerAsync(post, (learned.Payment, learned.Answer), operation.Id);
    }

    /// <summary>What a call's end is taken for.</summary>
    private Outcome Heard(Outcome outcome) => rules.TimeoutIsUnknown || outcome.Kind != OutcomeKind.Unknown
        ? outcome
        : new Outcome(OutcomeKind.Declined) { Decline = new Decline("provider_timeout", DeclineKind.Soft, MayCascade: false, null, "The provider did not answer.") };
}
