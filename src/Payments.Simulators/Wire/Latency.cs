using System.Security.Cryptography;

namespace Payments.Simulators.Wire;

/// <summary>Uniform chance in [0, 1).</summary>
/// <param name="fill">Where its bits come from.</param>
public sealed class Chance(Action<Span<byte>> fill)
{
    /// <summary>From the system's generator: no shared state, no seed to guess.</summary>
    public Chance()
        : this(RandomNumberGenerator.Fill)
    {
    }

    public double Next()
    {
        Span<byte> bytes = stackalloc byte[8];
        fill(bytes);
        return (BitConverter.ToUInt64(bytes) >> 11) * (1.0 / (1UL << 53));
    }
}

/// <summary>How long a provider takes: lognormal, as such systems are, around a median that can be changed at run time.</summary>
public sealed class Latency(Settings settings, Chance chance, TimeProvider clock)
{
    public Task WaitAsync(CancellationToken cancellationToken) => Draw() is { Ticks: > 0 } latency ? Task.Delay(latency, clock, cancellationToken) : Task.CompletedTask;

    /// <summary>One answering time; zero where providers are to answer at once.</summary>
    public TimeSpan Draw()
    {
        var median = settings.Current.LatencyMedianMilliseconds;
        if (median <= 0)
        {
            return TimeSpan.Zero;
        }

        var normal = Math.Sqrt(-2 * Math.Log(1 - chance.Next())) * Math.Cos(2 * Math.PI * chance.Next());
        var milliseconds = median * Math.Exp(settings.Current.LatencySigma * normal);
        return TimeSpan.FromMilliseconds(Math.Min(milliseconds, 60_000));
    }
}
