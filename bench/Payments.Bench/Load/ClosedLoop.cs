using System.Collections.Concurrent;
using System.Diagnostics;

namespace Payments.Bench.Load;

/// <summary>What a slice of load measured.</summary>
/// <param name="Milliseconds">Of each call that went as it should, sorted.</param>
/// <param name="Others">Calls that went otherwise, by what they ended in.</param>
internal sealed record Slice(double[] Milliseconds, double Seconds, IReadOnlyDictionary<string, int> Others)
{
    public double PerSecond => Milliseconds.Length / Seconds;
}

/// <summary>So many clients at once, each of which asks again as soon as it is answered.</summary>
internal static class ClosedLoop
{
    /// <param name="call">Returns null where all went well, else in what it ended.</param>
    public static async Task<Slice> RunAsync(int clients, TimeSpan duration, Func<CancellationToken, ValueTask<string?>> call, CancellationToken cancellationToken)
    {
        var others = new ConcurrentDictionary<string, int>();
        var began = Stopwatch.GetTimestamp();
        var took = await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(ClientAsync)));
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var all = took.SelectMany(t => t).ToArray();
        Array.Sort(all);
        return new(all, seconds, others);

        async Task<List<double>> ClientAsync()
        {
            var mine = new List<double>();
            while (Stopwatch.GetElapsedTime(began) < duration)
            {
                var asked = Stopwatch.GetTimestamp();
                string? other;
                try
                {
                    other = await call(cancellationToken);
                }
                catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
                {
                    other = e.GetType().Name;
                }

                if (other is null)
                {
                    mine.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                }
                else
                {
                    others.AddOrUpdate(other, 1, (_, n) => n + 1);
                }
            }

            return mine;
        }
    }
}
