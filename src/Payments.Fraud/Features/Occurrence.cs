namespace Payments.Fraud.Features;

/// <summary>Kinds in the order in which they count within one second: what was known by then comes before the attempt.</summary>
public enum OccurrenceKind
{
    Answered,

    /// <summary>A person, a bank or an authentication said whether it was fraud.</summary>
    Labelled,

    /// <summary>It was approved and nobody complained for long enough.</summary>
    Matured,

    Attempted,
}

/// <summary>Something that changes what is known, at the moment at which it became known.</summary>
/// <param name="Trace">Of an attempt only the payment counts.</param>
/// <param name="Answer">Of <see cref="OccurrenceKind.Answered"/>.</param>
/// <param name="Fraud">Of <see cref="OccurrenceKind.Labelled"/>.</param>
public readonly record struct Occurrence(long At, OccurrenceKind Kind, Guid Payment, PaymentTrace Trace, PaymentAnswer Answer = default, bool Fraud = false)
    : IComparable<Occurrence>
{
    public int CompareTo(Occurrence other)
    {
        var byTime = At.CompareTo(other.At);
        var byKind = byTime != 0 ? byTime : Kind.CompareTo(other.Kind);
        return byKind != 0 ? byKind : Payment.CompareTo(other.Payment);
    }

    public static bool operator <(Occurrence left, Occurrence right) => left.CompareTo(right) < 0;

    public static bool operator >(Occurrence left, Occurrence right) => left.CompareTo(right) > 0;

    public static bool operator <=(Occurrence left, Occurrence right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Occurrence left, Occurrence right) => left.CompareTo(right) >= 0;
}

/// <summary>The state that occurrences lead to, in their order. Not thread-safe.</summary>
public sealed class History(FeatureState state)
{
    private long now = long.MinValue;

    /// <summary>The latest moment that was seen; what comes late counts as of then, because the state knows no way back.</summary>
    public long Now => now;

    /// <summary>The features of a payment as of now.</summary>
    public PaymentFact Describe(PaymentFact payment, Span<float> row)
    {
        payment = payment with { At = Math.Max(now, payment.At) };
        state.Describe(payment, row);
        return payment;
    }

    /// <returns>Of an attempt its trace, otherwise the occurrence's own.</returns>
    public PaymentTrace Apply(in Occurrence occurrence)
    {
        now = Math.Max(now, occurrence.At);
        switch (occurrence.Kind)
        {
            case OccurrenceKind.Attempted:
                return state.Observe(occurrence.Trace.Payment with { At = now });
            case OccurrenceKind.Answered:
                state.Answer(occurrence.Trace.Payment, occurrence.Answer, now);
                break;
            case OccurrenceKind.Labelled:
                state.Learn(occurrence.Trace, occurrence.Fraud, now);
                break;
            default:
                state.Learn(occurrence.Trace, fraud: false, now);
                break;
        }

        return occurrence.Trace;
    }
}
