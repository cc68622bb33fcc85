using System.Diagnostics;

namespace Payments.Bench.Decisions;

/// <summary>What an open loop measured.</summary>
/// <param name="Milliseconds">Of each answered call, sorted: from when it was due, not from when it was begun.</param>
/// <param name="PerSecond">Calls that were answered, by the time from the first that was due to the last answer.</param>
/// <param name="MostUnderWay">Calls that waited for their answers at one time.</param>
internal sealed record OpenLoopResult(double[] Milliseconds, int Failed, double PerSecond, int MostUnderWay);

/// <summary>
/// Calls that are due at fixed moments, whatever became of those before: one that is begun late, since the program or the machine was
/// busy, counts as slow from the moment it was due.
/// </summary>
internal static class OpenLoop
{
    public static async Task<OpenLoopResult> RunAsync(int calls, double perSecond, Func<int, Task> call, CancellationToken cancellationToken)
    {
        var took = new double[calls];
        var (failed, underWay, most, left) = (0, 0, 0, calls);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ticksPerCall = Stopwatch.Frequency / perSecond;
        var began = Stopwatch.GetTimestamp();

        // A thread of its own: a timer's turn would come when the pool has time for it, and make late what the service has no part in.
        await Task.Factory.StartNew(BeginAll, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await done.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new InvalidOperationException($"A minute after the last of {calls} calls was due, {left} are not answered: this machine cannot carry {perSecond} a second.");
        }

        var elapsed = Stopwatch.GetElapsedTime(began);
        var answered = took.Where(t => !double.IsNaN(t)).Order().ToArray();
        return new(answered, failed, answered.Length / elapsed.TotalSeconds, most);

        void BeginAll()
        {
            for (var next = 0; next < calls;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (var due = Math.Min(calls, (int)((Stopwatch.GetTimestamp() - began) / ticksPerCall) + 1); next < due; next++)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(BeginOne, next, preferLocal: false);
                }

                if (next < calls)
                {
                    cancellationToken.WaitHandle.WaitOne(1);
                }
            }
        }

        async void BeginOne(int index)
        {
            var now = Interlocked.Increment(ref underWay);
            for (var seen = most; now > seen; seen = most)
            {
                Interlocked.CompareExchange(ref most, now, seen);
            }

            try
            {
                await call(index);
                took[index] = (Stopwatch.GetTimestamp() - began - (long)(index * ticksPerCall)) * 1000.0 / Stopwatch.Frequency;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                took[index] = double.NaN;
                Interlocked.Increment(ref failed);
            }

            Interlocked.Decrement(ref underWay);
            if (Interlocked.Decrement(ref left) == 0)
            {
                done.SetResult();
            }
        }
    }
}
