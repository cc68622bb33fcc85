using Payments.Api.Flow;
using Payments.Api.Recovery;
using Payments.Core;
using Payments.Platform;

namespace Payments.Api.Disputes;

/// <summary>Applies facts of disputes to durable payments: providers' notices, the outcomes of our answers and the clock all come here.</summary>
public sealed class DisputeLearning(PaymentStore store, PaymentWriter writer, NoticeStore notices, IdSource ids, TimeProvider time, ILogger<DisputeLearning> logger)
{
    /// <param name="notice">The provider's notice that the fact came with; marked in the same commit.</param>
    /// <returns>The payment as it stands now.</returns>
    public async Task<PaymentState> LearnAsync(PaymentState payment, DisputeFact fact, ProviderNoticeKey? notice)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(fact);
        fact = fact with { LearnedAt = time.GetUtcNow() };
        while (true)
        {
            switch (Applying.Apply(payment, fact))
            {
                case Application.Applied applied:
                    Steps.Reached(Steps.OutcomeBefore);
                    var verdict = await writer.WriteAsync(Changes.Between(payment, applied.Payment, applied.Happenings) with
                    {
                        Notices = notice is null ? [] : [new NoticeMark(notice.Provider, notice.NoticeId, "applied")],
                        Incidents = [.. Beyond(applied)],
                    });
                    Steps.Reached(Steps.OutcomeAfter);
                    if (verdict == Verdict.Committed)
                    {
                        return applied.Payment;
                    }

                    Invariant.Holds(verdict == Verdict.Conflict, "a fact claims no key and no volume");
                    payment = await store.FindAsync(PaymentKey.Of(payment), CancellationToken.None) ?? throw new InvariantException("a payment never disappears");
                    break;

                case Application.Contradiction contradiction:
                    Log.Contradiction(logger, payment.Id, fact.Reference, contradiction.Why);
                    var incident = new Incident(ids.New<IncidentId>(), IncidentKinds.Contradiction, null, $"{contradiction.Why} {Words.Of(fact.Provider)} tells of dispute {fact.Reference}.");
                    await notices.RaiseAsync(payment.MerchantId, payment.Mode, payment.Id, incident, CancellationToken.None);
                    await notices.MarkAsync(notice, payment.Id, "contradiction");
                    return payment;

                default:
                    await notices.MarkAsync(notice, payment.Id, "known");
                    return payment;
            }
        }
    }

    /// <summary>What was taken beyond what the payment had left stands in suspense until a person has resolved it.</summary>
    private IEnumerable<Incident> Beyond(Application.Applied applied) => applied.Happenings
        .Where(h => h.Moved is { IsWithdrawal: true, SuspenseMinor: > 0 })
        .Select(h => new Incident(
            ids.New<IncidentId>(), IncidentKinds.ChargebackBeyondBooks, null,
            $"Dispute {h.Dispute!.ProviderReference} took {new Money(h.Moved!.AmountMinor, h.AsOf.Amount.Currency)}, {new Money(h.Moved.SuspenseMinor, h.AsOf.Amount.Currency)} more than the payment had left: refunded before, or more than was captured.")
        { Subject = $"{h.Dispute.Id}/{h.Moved.Number}" });
}
