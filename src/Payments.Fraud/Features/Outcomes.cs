namespace Payments.Fraud.Features;

/// <summary>Outcomes of a party's payments, in the order in which they became known.</summary>
internal sealed class Outcomes(int most)
{
    public const long Horizon = 28 * FeatureState.Day;

    private readonly Recent<Outcome> recent = new(most);

    private long known;
    private long frauds;
    private long firstFraudOfRun = Never;
    private long lastFraud = Never;
    private long lastGood = Never;
    private long goodSinceFraud;
    private long run;

    public const long Never = long.MinValue;

    public void Learn(long knownAt, bool fraud, bool ordinary)
    {
        while (recent.Count > 0 && recent[0].KnownAt <= knownAt - Horizon)
        {
            recent.RemoveOldest();
        }

        recent.Add(new(knownAt, fraud, fraud && ordinary));
        known++;
        if (fraud)
        {
            frauds++;
            firstFraudOfRun = run == 0 ? knownAt : firstFraudOfRun;
            run++;
            goodSinceFraud = 0;
            lastFraud = knownAt;
        }
        else
        {
            run = 0;
            goodSinceFraud++;
            lastGood = knownAt;
        }
    }

    /// <summary>How often outcomes were frauds, in windows that end now, and how long ago.</summary>
    public void Describe(long at, ref FeatureWriter writer, ReadOnlySpan<int> windowDays)
    {
        Span<int> counts = stackalloc int[windowDays.Length];
        Span<int> bad = stackalloc int[windowDays.Length];
        Span<int> ordinary = stackalloc int[windowDays.Length];
        long firstFraud = Never, firstOrdinary = Never;
        var lastFive = 0;
        for (var i = recent.Count - 1; i >= 0; i--)
        {
            ref readonly var outcome = ref recent[i];
            var age = at - outcome.KnownAt;
            if (age >= Horizon)
            {
                break;
            }

            if (outcome.Fraud)
            {
                firstFraud = outcome.KnownAt;
                firstOrdinary = outcome.OrdinaryFraud ? outcome.KnownAt : firstOrdinary;
                lastFive += recent.Count - i <= 5 ? 1 : 0;
            }

            for (var w = windowDays.Length - 1; w >= 0 && age < windowDays[w] * FeatureState.Day; w--)
            {
                counts[w]++;
                bad[w] += outcome.Fraud ? 1 : 0;
                ordinary[w] += outcome.OrdinaryFraud ? 1 : 0;
            }
        }

        for (var w = 0; w < windowDays.Length; w++)
        {
            writer.Add(bad[w]);
            writer.Add(ordinary[w]);
            writer.Add(counts[w] == 0 ? float.NaN : (float)bad[w] / counts[w]);
        }

        writer.Add(known == 0 ? float.NaN : (float)((double)frauds / known));
        writer.AddHours(at, firstFraud);
        writer.AddHours(at, firstOrdinary);
        writer.AddHours(at, lastFraud);
        writer.AddHours(at, lastGood);
        writer.Add(run);
        writer.AddHours(at, run == 0 ? Never : firstFraudOfRun);
        writer.Add(frauds == 0 ? float.NaN : goodSinceFraud);
        writer.Add(recent.Count == 0 ? float.NaN : lastFive);
    }

    /// <summary>The little that is told of parties beside card and merchant.</summary>
    public void DescribeBriefly(long at, ref FeatureWriter writer)
    {
        var lately = 0;
        for (var i = recent.Count - 1; i >= 0 && at - recent[i].KnownAt < Horizon; i--)
        {
            lately += recent[i].Fraud ? 1 : 0;
        }

        writer.Add(lately);
        writer.Add(known == 0 ? float.NaN : (float)((double)frauds / known));
        writer.AddHours(at, lastFraud);
    }

    private readonly record struct Outcome(long KnownAt, bool Fraud, bool OrdinaryFraud);
}
