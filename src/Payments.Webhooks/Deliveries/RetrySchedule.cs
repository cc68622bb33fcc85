namespace Payments.Webhooks.Deliveries;

/// <summary>Randomness between 0 and 1 that spreads retries; injected.</summary>
public delegate double Jitter();

/// <summary>When a delivery is tried: the pause before each attempt, the first included.</summary>
public sealed class RetrySchedule
{
    private const double JitterShare = 0.1;
    private static readonly TimeSpan LongestWish = TimeSpan.FromHours(24);
    private readonly TimeSpan[] pauses;

    private RetrySchedule(params TimeSpan[] pauses) => this.pauses = pauses;

    /// <summary>Of webhooks: the schedule that Standard Webhooks recommends, a little over three days.</summary>
    public static RetrySchedule Webhooks { get; } = new(
        TimeSpan.Zero,
        TimeSpan.FromSeconds(5),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(5),
        TimeSpan.FromHours(10),
        TimeSpan.FromHours(14),
        TimeSpan.FromHours(20),
        TimeSpan.FromHours(24));

    /// <summary>Of receipts: mail servers that greylist accept after some minutes; after two days nobody wants the mail.</summary>
    public static RetrySchedule Receipts { get; } = new(
        TimeSpan.Zero,
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(20),
        TimeSpan.FromHours(1),
        TimeSpan.FromHours(4),
        TimeSpan.FromHours(16),
        TimeSpan.FromHours(24));

    public int Attempts => pauses.Length;

    /// <summary>The pause after an attempt that failed, or null after the last one.</summary>
    /// <param name="attempt">1 for the first attempt of the run.</param>
    /// <param name="jitter">0 to 1; lengthens the pause by up to a tenth, never shortens it.</param>
    /// <param name="wish">The receiver's own wish (<c>Retry-After</c>), honoured up to a day where it is the longer.</param>
    public TimeSpan? After(int attempt, double jitter, TimeSpan? wish = null)
    {
        if (attempt >= pauses.Length)
        {
            return null;
        }

        var pause = pauses[attempt] * (1 + (JitterShare * jitter));
        var wished = wish is { } w ? TimeSpan.FromTicks(Math.Min(w.Ticks, LongestWish.Ticks)) : TimeSpan.Zero;
        return wished > pause ? wished : pause;
    }
}
