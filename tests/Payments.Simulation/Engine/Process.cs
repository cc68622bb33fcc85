namespace Payments.Simulation.Engine;

/// <summary>A process of the product. It can die before any step, and with it goes whatever it was doing and remembered.</summary>
internal sealed class Process(string name, Scheduler scheduler) : TimeProvider
{
    public string Name => name;

    /// <summary>Counts its deaths: what an earlier life left unfinished never goes on.</summary>
    public int Life { get; private set; }

    /// <summary>How far its clock is off.</summary>
    public TimeSpan Skew { get; set; }

    /// <summary>Steps that are left to it; null: it lives on.</summary>
    public int? DiesAfter { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Die()
    {
        Life++;
        DiesAfter = null;
    }

    public override DateTimeOffset GetUtcNow() => scheduler.Now + Skew;

    public override long GetTimestamp() => scheduler.Now.UtcTicks;
}
