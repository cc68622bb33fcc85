namespace Payments.Tests.Connectors;

/// <summary>A clock that moves only when told to.</summary>
internal sealed class FakeTime(DateTimeOffset now) : TimeProvider
{
    private DateTimeOffset now = now;
    private long passed;

    public FakeTime()
        : this(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero))
    {
    }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => now;

    public override long GetTimestamp() => passed;

    public void Pass(TimeSpan time)
    {
        now += time;
        passed += time.Ticks;
    }

    /// <summary>Somebody sets the wall clock; no time passes.</summary>
    public void Set(TimeSpan by) => now += by;
}
