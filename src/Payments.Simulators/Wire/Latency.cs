using System.Security.Cryptography;

namespace Payments.Simulators.Wire;

/// <summary>Uniform chance in [0, 1), from the system's generator: no shared state, no seed to guess.</summary>
public sealed class Chance
{
    public double Next()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return (BitConverter.ToUInt64(bytes) >> 11) * (1.0 / (1UL << 53));
    }
}

/// <summary>How long a provider takes: lognormal, as such systems are, around a median that can be changed at run time.</summary>
public sealed class Latency(Settings settings, Chance chance, TimeProvider clock)
{
    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var median = settings.Current.LatencyMedianMilliseconds;
        if (median <= 0)
        {
            return Task.CompletedTask;
        }

        var normal = Math.Sqrt(-2 * Math.Log(1 - chance.Next())) * Math.Cos(2 * Math.PI * chance.Next());
        var milliseconds = median * Math.Exp(settings.Current.LatencySigma * normal);
        return Task.Delay(TimeSpan.FromMilliseconds(Math.Min(milliseconds, 60_000)), clock, cancellationToken);
    }
}
