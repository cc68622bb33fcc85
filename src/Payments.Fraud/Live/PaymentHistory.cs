using Payments.Core.Seams;
using Payments.Fraud.Features;
using Payments.Fraud.Velocity;

namespace Payments.Fraud.Live;

/// <summary>A payment as it was asked about, and what became of it.</summary>
/// <param name="IpCountry">ISO 3166 alpha-2 of the IP address.</param>
/// <param name="Answers">What providers and issuers answered, and when.</param>
/// <param name="Fraud">Null where nobody ever said.</param>
/// <param name="KnownAt">When that became known.</param>
internal sealed record HistoricPayment(
    DateTimeOffset At, FraudRequest Request, string? IpCountry = null, IReadOnlyList<HistoricAnswer>? Answers = null, bool? Fraud = null, DateTimeOffset? KnownAt = null);

internal sealed record HistoricAnswer(PaymentAnswer Kind, DateTimeOffset At);

/// <summary>What a history of payments means for features and training.</summary>
internal static class PaymentHistory
{
    /// <summary>A payment that was approved counts as good when nobody has complained for so long.</summary>
    public static readonly TimeSpan Maturity = TimeSpan.FromDays(14);

    /// <summary>Everything that happened, in the order in which it became known.</summary>
    public static List<Occurrence> Occurrences(IReadOnlyList<HistoricPayment> payments, EntityHash keys)
    {
        ArgumentNullException.ThrowIfNull(payments);
        ArgumentNullException.ThrowIfNull(keys);
        var occurrences = new List<Occurrence>(payments.Count * 3);
        foreach (var payment in payments)
        {
            var id = payment.Request.PaymentId.Value;
            var trace = new PaymentTrace(RequestFacts.Of(payment.Request, keys.Of(payment.Request), payment.IpCountry, payment.At), Ordinary: false);
            occurrences.Add(new(trace.Payment.At, OccurrenceKind.Attempted, id, trace));
            foreach (var answer in payment.Answers ?? [])
            {
                occurrences.Add(new(answer.At.ToUnixTimeSeconds(), OccurrenceKind.Answered, id, trace, answer.Kind));
            }

            if (payment is { Fraud: { } fraud, KnownAt: { } known })
            {
                occurrences.Add(new(known.ToUnixTimeSeconds(), OccurrenceKind.Labelled, id, trace, Fraud: fraud));
            }

            var matures = payment.At + Maturity;
            if (payment.Answers?.Any(a => a.Kind == PaymentAnswer.Approved) == true && !(payment.KnownAt <= matures))
            {
                occurrences.Add(new(matures.ToUnixTimeSeconds(), OccurrenceKind.Matured, id, trace));
            }
        }

        occurrences.Sort();
        return occurrences;
    }

    /// <summary>Replays occurrences and gives each attempt its row: with what was known at its moment, and nothing else.</summary>
    public static void Replay(IReadOnlyList<Occurrence> occurrences, FeatureState state, Action<Occurrence, float[]> attempted, Action<double>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(occurrences);
        ArgumentNullException.ThrowIfNull(attempted);
        var history = new History(state);
        var traces = new Dictionary<Guid, PaymentTrace>();
        for (var i = 0; i < occurrences.Count; i++)
        {
            if (i % 65_536 == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress?.Invoke((double)i / occurrences.Count);
            }

            var occurrence = occurrences[i];
            if (occurrence.Kind == OccurrenceKind.Attempted)
            {
                var row = new float[FeatureCatalogue.Count];
                history.Describe(occurrence.Trace.Payment, row);
                traces[occurrence.Payment] = history.Apply(occurrence);
                attempted(occurrence, row);
            }
            else if (traces.TryGetValue(occurrence.Payment, out var trace))
            {
                history.Apply(occurrence with { Trace = trace });
            }
        }

        progress?.Invoke(1);
    }

    /// <summary>
    /// Whether a payment teaches, and what: a label decides; what was approved and has matured by <paramref name="now"/> was good; of
    /// anything else nobody knows.
    /// </summary>
    public static bool? LabelOf(HistoricPayment payment, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(payment);
        return payment.Fraud is { } fraud && payment.KnownAt <= now ? fraud
            : payment.Answers?.Any(a => a.Kind == PaymentAnswer.Approved) == true && payment.At + Maturity <= now ? false
            : null;
    }
}
