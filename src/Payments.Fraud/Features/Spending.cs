namespace Payments.Fraud.Features;

/// <summary>
/// Payments of one card: what is usual for it, how often it is used, and what stood out lately. An amount that is far above the
/// usual does not become part of the usual, so that a spree does not hide itself.
/// </summary>
internal sealed class Spending
{
    public const long Horizon = 30 * FeatureState.Day;

    /// <summary>So many times the usual amount is unusual: it counts as a sign, and is kept out of the average.</summary>
    public const double Unusual = 2.5;

    /// <summary>The newest payments of a party that count in windows.</summary>
    public const int Most = 512;

    private const int EnoughToJudge = 5;

    private readonly Recent<Payment> recent = new(Most);

    private long count;
    private long firstAt = Outcomes.Never;
    private long lastAt = Outcomes.Never;
    private long usualCount;
    private double usualMean;
    private double usualSquares;

    public long LastAt => lastAt;

    public double UsualMean => usualCount == 0 ? double.NaN : usualMean;

    /// <summary>The amount as a multiple of what is usual, 1 as long as nothing is.</summary>
    public double Multiple(long amount) => usualCount < EnoughToJudge || usualMean <= 0 ? 1 : amount / usualMean;

    public void Observe(in PaymentFact payment, long counterpart)
    {
        while (recent.Count > 0 && recent[0].At <= payment.At - Horizon)
        {
            recent.RemoveOldest();
        }

        var multiple = Multiple(payment.AmountMinor);
        recent.Add(new(payment.At, payment.AmountMinor, counterpart, (float)multiple));
        firstAt = count == 0 ? payment.At : firstAt;
        lastAt = payment.At;
        count++;
        if (multiple <= Unusual)
        {
            usualCount++;
            var delta = payment.AmountMinor - usualMean;
            usualMean += delta / usualCount;
            usualSquares += delta * (payment.AmountMinor - usualMean);
        }
    }

    /// <summary>How often and how much, in windows that end now; the payment itself is not part of them.</summary>
    public void DescribeActivity(in PaymentFact payment, ref FeatureWriter writer, ReadOnlySpan<long> windows)
    {
        Span<int> counts = stackalloc int[windows.Length];
        Span<long> amounts = stackalloc long[windows.Length];
        Span<long> largest = stackalloc long[windows.Length];
        for (var i = recent.Count - 1; i >= 0; i--)
        {
            ref readonly var earlier = ref recent[i];
            var age = payment.At - earlier.At;
            if (age >= windows[^1])
            {
                break;
            }

            for (var w = windows.Length - 1; w >= 0 && age < windows[w]; w--)
            {
                counts[w]++;
                amounts[w] += earlier.Amount;
                largest[w] = Math.Max(largest[w], earlier.Amount);
            }
        }

        for (var w = 0; w < windows.Length; w++)
        {
            writer.Add(counts[w]);
            writer.Add((float)(amounts[w] / 100.0));
            writer.AddRatio(payment.AmountMinor * (double)counts[w], amounts[w]);
        }

        writer.AddRatio(payment.AmountMinor, largest[^1]);
        writer.AddHours(payment.At, firstAt);
        writer.AddHours(payment.At, lastAt);
    }

    /// <summary>The amount against what is usual.</summary>
    public void DescribeNorm(in PaymentFact payment, ref FeatureWriter writer)
    {
        var spread = usualCount < 2 ? double.NaN : Math.Sqrt(usualSquares / (usualCount - 1));
        writer.Add(count);
        writer.Add((float)(UsualMean / 100));
        writer.Add((float)(spread / 100));
        writer.AddRatio(payment.AmountMinor, UsualMean);
        writer.AddRatio(payment.AmountMinor - UsualMean, spread);
    }

    /// <summary>What stood out in the last days.</summary>
    public void DescribeUnusual(in PaymentFact payment, ref FeatureWriter writer)
    {
        const long day = FeatureState.Day;
        int elevated14 = 0, unusual1 = 0, unusual3 = 0, unusual7 = 0, unusual14 = 0, extreme14 = 0, count14 = 0;
        double excess14 = 0, excess5 = 0, largest14 = 0;
        long last = Outcomes.Never, first = Outcomes.Never;
        for (var i = recent.Count - 1; i >= 0; i--)
        {
            ref readonly var earlier = ref recent[i];
            var age = payment.At - earlier.At;
            if (age >= 14 * day)
            {
                break;
            }

            count14++;
            largest14 = Math.Max(largest14, earlier.Multiple);
            var excess = Math.Max(0, earlier.Multiple - 1.8);
            excess14 += excess;
            excess5 += age < 5 * day ? excess : 0;
            elevated14 += earlier.Multiple > 1.8 ? 1 : 0;
            extreme14 += earlier.Multiple > 4 ? 1 : 0;
            if (earlier.Multiple > Unusual)
            {
                last = last == Outcomes.Never ? earlier.At : last;
                first = earlier.At;
                unusual1 += age < day ? 1 : 0;
                unusual3 += age < 3 * day ? 1 : 0;
                unusual7 += age < 7 * day ? 1 : 0;
                unusual14++;
            }
        }

        writer.Add(elevated14);
        writer.Add(unusual1);
        writer.Add(unusual3);
        writer.Add(unusual7);
        writer.Add(unusual14);
        writer.Add(extreme14);
        writer.AddRatio(unusual14, count14);
        writer.Add((float)excess5);
        writer.Add((float)excess14);
        writer.AddRatio(largest14, count14 == 0 ? 0 : 1);
        writer.AddHours(payment.At, last);
        writer.AddHours(payment.At, first);
    }

    /// <summary>How many payments were made with the same counterpart in the last 30 days, and different counterparts in one and seven.</summary>
    public void DescribeCounterparts(in PaymentFact payment, long counterpart, ref FeatureWriter writer)
    {
        Span<long> day = stackalloc long[Most];
        Span<long> week = stackalloc long[Most];
        int same = 0, inDay = 0, inWeek = 0;
        for (var i = recent.Count - 1; i >= 0; i--)
        {
            ref readonly var earlier = ref recent[i];
            var age = payment.At - earlier.At;
            if (age >= Horizon)
            {
                break;
            }

            same += earlier.Counterpart == counterpart ? 1 : 0;
            if (age < 7 * FeatureState.Day && !week[..inWeek].Contains(earlier.Counterpart))
            {
                week[inWeek++] = earlier.Counterpart;
                if (age < FeatureState.Day)
                {
                    day[inDay++] = earlier.Counterpart;
                }
            }
        }

        writer.Add(same);
        writer.Add(inDay);
        writer.Add(inWeek);
    }

    private readonly record struct Payment(long At, long Amount, long Counterpart, float Multiple);
}
