using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>What a notice comes to.</summary>
/// <param name="Payment">The payment that it was judged by, which must still be of this version; null where it concerns none.</param>
public sealed record NoticeVerdict(string Word, PaymentState? Payment);

/// <summary>
/// Judges a notice where it comes in, if that takes no more than what this process has just committed: one of no consequence, and one that
/// tells what is known. It is kept as settled then. Every other is kept as due, and applied by the worker.
/// </summary>
public sealed class NoticeReading(RecentPayments recent, IdSource ids, TimeProvider time)
{
    /// <summary>How long a provider waits for its answer at most while it is not committed what our call told: long before it would tell again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Waits for calls of this process that the notice tells of: providers tell before they answer, or before the answer is committed. A moment later it says
    /// what is known; now the worker would claim it, read the payment and write again.
    /// </summary>
    public async Task CallsAnsweredAsync(ProviderNotice notice, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(notice);
        var calls = Task.WhenAll(notice.Facts.Where(f => f.AttemptId is not null).Select(f => recent.AnsweredAsync(f.AttemptId!.Value)));
        await calls.WaitAsync(Patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Null where the worker must look at it.</summary>
    public NoticeVerdict? Of(Provider provider, Mode mode, ProviderFact told)
    {
        ArgumentNullException.ThrowIfNull(told);
        if (told.Dispute is not null || told.Kind is ProviderFactKind.FraudWarning or ProviderFactKind.Dispute or ProviderFactKind.ReportAvailable)
        {
            return null;
        }

        if (Facts.Of(provider, told, ids.New<OperationId>(), time.GetUtcNow()) is not { } fact)
        {
            return new("ignored", null);
        }

        return fact.Outcome == FactOutcome.Succeeded && told.PaymentReference.Length > 0
            && recent.Find(provider, mode, told.PaymentReference) is { } payment
            && !NoticeOrder.MustWait(payment, fact, tries: 1)
            && Applying.Apply(payment, fact) is Application.NoOp
            ? new("known", payment)
            : null;
    }
}
