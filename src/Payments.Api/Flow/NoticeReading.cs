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
