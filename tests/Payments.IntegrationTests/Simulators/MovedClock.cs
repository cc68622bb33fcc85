namespace Payments.IntegrationTests.Simulators;

/// <summary>The system's time and timers, seen from a distance that a test sets.</summary>
internal sealed class MovedClock : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + Ahead;
}
