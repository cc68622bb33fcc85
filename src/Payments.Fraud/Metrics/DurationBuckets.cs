namespace Payments.Fraud.Metrics;

/// <summary>Durations as buckets that grow by a twelfth (nine to the doubling), from a microsecond on: a percentile is told up to nine percent too long, never too short.</summary>
internal static class DurationBuckets
{
    public const int Count = 9 * 27;

    private const double PerDoubling = 9;

    public static int Of(TimeSpan duration)
    {
        var micros = duration.TotalMicroseconds;
        return micros <= 1 ? 0 : Math.Min(Count - 1, (int)Math.Ceiling(Math.Log2(micros) * PerDoubling));
    }

    /// <summary>Nothing in the bucket took longer.</summary>
    public static TimeSpan Longest(int bucket) => TimeSpan.FromMicroseconds(Math.Pow(2, bucket / PerDoubling));

    /// <summary>Null where nothing was counted.</summary>
    /// <param name="counts">By bucket.</param>
    public static TimeSpan? Percentile(IReadOnlyDictionary<int, long> counts, double percent)
    {
        var rank = (long)Math.Ceiling(counts.Values.Sum() * percent / 100);
        foreach (var (bucket, count) in counts.OrderBy(c => c.Key))
        {
            if ((rank -= count) <= 0)
            {
                return Longest(bucket);
            }
        }

        return null;
    }
}
