using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>
/// Payments as this process committed them last, by what providers call them: their notices come a moment before or after and mostly say what the
/// call's answer says. It only proposes: whoever acts on it makes sure that the version still stands.
/// </summary>
public sealed class RecentPayments
{
    private const int Most = 2_048;
    private readonly Lock gate = new();
    private readonly Dictionary<PaymentId, PaymentState> payments = [];
    private readonly Dictionary<(Provider, Mode, string), PaymentId> names = [];
    private readonly Dictionary<AttemptId, TaskCompletionSource> underWay = [];
    private readonly Queue<PaymentId> age = new();

    public RecentPayments(PaymentWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Committed += Remember;
    }

    public void Remember(PaymentState payment)
    {
        ArgumentNullException.ThrowIfNull(payment);
        lock (gate)
        {
            if (payments.TryGetValue(payment.Id, out var known) ? known.Version > payment.Version : !AttemptsOf(payment).Any(a => IsNamed(a) || a.State == AttemptState.Open))
            {
                return;
            }

            if (known is null)
            {
                age.Enqueue(payment.Id);
            }

            payments[payment.Id] = payment;
            foreach (var attempt in AttemptsOf(payment))
            {
                if (IsNamed(attempt))
                {
                    names[NameOf(payment, attempt)] = payment.Id;
                }

                if (attempt.State == AttemptState.Open)
                {
                    underWay.TryAdd(attempt.Id, new(TaskCreationOptions.RunContinuationsAsynchronously));
                }
                else
                {
                    Answered(attempt);
                }
            }

            while (age.Count > Most && payments.Remove(age.Dequeue(), out var oldest))
            {
                Forget(oldest);
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

    /// <summary>Completed when the answer of this call is committed; at once where it is, or where this process did not make it.</summary>
    public Task AnsweredAsync(AttemptId attempt)
    {
        lock (gate)
        {
            return underWay.TryGetValue(attempt, out var answer) ? answer.Task : Task.CompletedTask;
        }
    }

    private void Forget(PaymentState payment)
    {
        foreach (var attempt in AttemptsOf(payment))
        {
            if (IsNamed(attempt))
            {
                names.Remove(NameOf(payment, attempt));
            }

            Answered(attempt);
        }
    }

    private void Answered(Attempt attempt)
    {
        if (underWay.Remove(attempt.Id, out var answer))
        {
            answer.SetResult();
        }
    }

    private static IEnumerable<Attempt> AttemptsOf(PaymentState payment) => payment.Operations.SelectMany(o => o.Attempts);

    private static bool IsNamed(Attempt attempt) => attempt.PaymentReference is { Length: > 0 };

    private static (Provider, Mode, string) NameOf(PaymentState payment, Attempt attempt) => (attempt.Provider, payment.Mode, attempt.PaymentReference!);
}
