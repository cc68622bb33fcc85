namespace Payments.Connectors;

/// <summary>Counts of the calls of the last seconds: one slot per second, totals kept as slots come and go. Not thread-safe.</summary>
internal sealed class CallWindow(int seconds, int slowMilliseconds)
{
    // Upper bounds grow by a quarter from one millisecond; the last bucket takes the rest.
    private static readonly int[] Bounds = [.. Grow()];

    private readonly Slot[] slots = [.. Enumerable.Range(0, seconds).Select(_ => new Slot())];
    private readonly int[] buckets = new int[Bounds.Length + 1];
    private long newest = long.MinValue;

    public int Calls { get; private set; }

    public int Failures { get; private set; }

    /// <summary>Calls that took longer than the limit.</summary>
    public int Slow { get; private set; }

    /// <summary>Whether the 99th percentile is above the limit: exact, since it only asks whether more than 1 % were slow.</summary>
    public bool IsSlow => (long)Slow * 100 > Calls;

    public void Add(long second, TimeSpan took, bool failed)
    {
        Advance(second);
        var milliseconds = took.TotalMilliseconds;
        var bucket = Array.FindIndex(Bounds, b => milliseconds <= b);
        bucket = bucket < 0 ? Bounds.Length : bucket;
        var slot = slots[(int)(second % slots.Length)];
        slot.Buckets[bucket]++;
        buckets[bucket]++;
        slot.Calls++;
        Calls++;
        if (failed)
        {
            slot.Failures++;
            Failures++;
        }

        if (milliseconds > slowMilliseconds)
        {
            slot.Slow++;
            Slow++;
        }
    }

    /// <summary>Forgets what is older than the window.</summary>
    public void Advance(long second)
    {
        var from = newest == long.MinValue ? second : Math.Max(newest + 1, second - slots.Length + 1);
        for (var s = from; s <= second; s++)
        {
            Empty(slots[(int)(s % slots.Length)]);
        }

        newest = Math.Max(newest, second);
    }

    public void Clear() => Array.ForEach(slots, Empty);

    /// <summary>Upper bound of the bucket that holds the 99th percentile.</summary>
    public int? P99Milliseconds()
    {
        if (Calls == 0)
        {
            return null;
        }

        var rank = Calls - ((long)Calls / 100);
        var seen = 0L;
        for (var i = 0; i < buckets.Length; i++)
        {
            seen += buckets[i];
            if (seen >= rank)
            {
                return i < Bounds.Length ? Bounds[i] : Bounds[^1];
            }
        }

        return Bounds[^1];
    }

    private static IEnumerable<int> Grow()
    {
        for (var bound = 1; bound < 200_000; bound = Math.Max(bound + 1, bound * 5 / 4))
        {
            yield return bound;
        }
    }

    private void Empty(Slot slot)
    {
        if (slot.Calls == 0)
        {
            return;
        }

        Calls -= slot.Calls;
        Failures -= slot.Failures;
        Slow -= slot.Slow;
        for (var i = 0; i < buckets.Length; i++)
        {
            buckets[i] -= slot.Buckets[i];
        }

        slot.Clear();
    }

    private sealed class Slot
    {
        public int[] Buckets { get; } = new int[Bounds.Length + 1];

        public int Calls { get; set; }

        public int Failures { get; set; }

        public int Slow { get; set; }

        public void Clear()
        {
            Array.Clear(Buckets);
            (Calls, Failures, Slow) = (0, 0, 0);
        }
    }
}
