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
}

/// <summary>
/// Applies facts to durable payments: decide purely, write on the condition that nobody came between, else read again and decide
/// again. Requests, webhooks and the resolver all come here.
/// </summary>
public sealed class Learning(PaymentStore store, PaymentWriter writer, NoticeStore notices, ProviderCalls calls, IdSource ids, ILogger<Learning> logger)
{
    /// <param name="notice">The provider's notice that the fact came with; marked in the same commit.</param>
    public async Task<Learned> LearnAsync(PaymentState payment, Fact fact, ProviderNoticeKey? notice = null)
    {
        ArgumentNullException.ThrowIfNull(payment);
        ArgumentNullException.ThrowIfNull(fact);
        while (true)
        {
            switch (Applying.Apply(payment, fact))
            {
                case Application.Applied applied:
                    var change = Changes.Between(payment, applied.Payment, applied.Happenings) with
                    {
                        Notices = notice is null ? [] : [new NoticeMark(notice.Provider, notice.NoticeId, "applied")],
                    };
                    Steps.Reached(Steps.OutcomeBefore);
                    var verdict = await writer.WriteAsync(change);
                    Steps.Reached(Steps.OutcomeAfter);
                    if (verdict == Verdict.Committed)
                    {
                        FlowTelemetry.Settled(payment, applied.Payment);
                        return new Learned(applied.Payment, LearnedAs.Applied, change.Answer);
                    }

                    Invariant.Holds(verdict == Verdict.Conflict, "a fact claims no key and no volume");
                    payment = await store.FindAsync(PaymentKey.Of(payment), CancellationToken.None) ?? throw new InvariantException("a payment never disappears");
                    break;

                case Application.Contradiction contradiction:
                    await ContradictedAsync(payment, fact, contradiction.Why, notice);
                    return new Learned(payment, LearnedAs.Contradiction);

                default:
                    await notices.MarkAsync(notice, payment.Id, "known", CancellationToken.None);
                    return new Learned(payment, LearnedAs.Known);
            }
        }
    }

    private async Task ContradictedAsync(PaymentState payment, Fact fact, string why, ProviderNoticeKey? notice)
    {
        Log.Contradiction(logger, payment.Id, Words.Of(fact.Kind), Words.Of(fact.Outcome), why);
        var incident = new Incident(
            ids.New<IncidentId>(), "contradiction", fact.AttemptId,
            $"{why} {await NowAsync(payment, fact)} {Words.Of(fact.Provider)} reported {Words.Of(fact.Kind)} {Words.Of(fact.Outcome)} for {fact.ModificationReference ?? fact.PaymentReference ?? "an unnamed payment"}, amount {fact.AmountMinor?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "not told"}.");
        await notices.RaiseAsync(payment.MerchantId, payment.Mode, payment.Id, incident, CancellationToken.None);
        await notices.MarkAsync(notice, payment.Id, "contradiction", CancellationToken.None);
    }

    /// <summary>What the provider says now, for the person who looks.</summary>
    private async Task<string> NowAsync(PaymentState payment, Fact fact)
    {
        var operation = fact.AttemptId is { } id ? payment.OperationOf(id) : payment.Operations.LastOrDefault(o => o.Kind == fact.Kind && o.Current is not null);
        if (operation?.Attempts.FirstOrDefault(a => a.Id == (fact.AttemptId ?? operation.Current!.Id)) is not { } attempt)
        {
            return "No attempt of ours is concerned.";
        }

        var read = await calls.ReadAsync(payment, operation, attempt, CancellationToken.None);
        return $"Asked now, the provider says: {Words.Of(read.Kind)}{(read.Outcome is { } outcome ? $", {Words.Of(outcome.Kind)}" : "")}.";
    }
}
