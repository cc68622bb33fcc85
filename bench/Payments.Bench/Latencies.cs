using System.Diagnostics;

namespace Payments.Bench;

/// <summary>Measures an action call by call.</summary>
internal static class Latencies
{
    /// <summary>Microseconds of each call, sorted, after as many calls to warm up.</summary>
    public static double[] Of(int calls, Action<int> action)
    {
        for (var i = 0; i < calls; i++)
        {
            action(i);
        }

        var ticks = new long[calls];
        for (var i = 0; i < calls; i++)
        {
            var began = Stopwatch.GetTimestamp();
            action(i);
            ticks[i] = Stopwatch.GetTimestamp() - began;
        }

        Array.Sort(ticks);
        return Array.ConvertAll(ticks, t => t * 1e6 / Stopwatch.Frequency);
    }

    public static double Percentile(double[] sorted, double percent) => sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * percent / 100)];
}
