using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>
/// Payments as this process committed them last, by what providers call them: their notices come a moment later and mostly say what the call's
/// answer said. It only proposes: whoever acts on it makes sure that the version still stands.
/// </summary>
public sealed class RecentPayments
{
    private const int Most = 2_048;
    private readonly Lock gate = new();
    private readonly Dictionary<PaymentId, PaymentState> payments = [];
    private readonly Dictionary<(Provider, Mode, string), PaymentId> names = [];
    private readonly Queue<PaymentId> age = new();

    public RecentPayments(PaymentWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Committed += Remember;
    }

    public void Remember(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        var named = NamesOf(payment).ToList();
        if (named.Count == 0)
        {
            return;
        }

        lock (gate)
        {
            if (!payments.TryGetValue(payment.Id, out var known))
            {
                age.Enqueue(payment.Id);
            }
            else if (known.Version > payment.Version)
            {
                return;
            }

            payments[payment.Id] = payment;
            named.ForEach(name => names[name] = payment.Id);
            while (age.Count > Most && payments.Remove(age.Dequeue(), out var oldest))
            {
                foreach (var name in NamesOf(oldest))
                {
                    names.Remove(name);
                }
            }
        }
    }

    public PaymentState? Find(Provider provider, Mode mode, string reference)
    {
        lock (gate)
        {
            return names.TryGetValue((provider, mode, reference), out var id) ? payments.GetValueOrDefault(id) : null;
        }
    }

    private static IEnumerable<(Provider, Mode, string)> NamesOf(PaymentState payment) =>
        from operation in payment.Operations
        from attempt in operation.Attempts
        where attempt.PaymentReference is { Length: > 0 }
        select (attempt.Provider, payment.Mode, attempt.PaymentReference);
}
