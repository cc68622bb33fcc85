using Payments.Core;

namespace Payments.Platform;

/// <summary>What a service does again and again for as long as its host runs.</summary>
public static class Rounds
{
    /// <summary>
    /// Runs a round at once and then at every tick until the host stops. A round that fails is told, and the next one comes: a database
    /// that is away must not end the process. A broken invariant does.
    /// </summary>
    public static async Task RunAsync(TimeSpan every, TimeProvider time, Func<CancellationToken, Task> round, Action<Exception> failed, CancellationToken stopping)
    {
        ArgumentNullException.ThrowIfNull(round);
        ArgumentNullException.ThrowIfNull(failed);
        using var timer = new PeriodicTimer(every, time);
        try
        {
            do
            {
                try
                {
                    await round(stopping);
                }
                catch (Exception e) when (e is not InvariantException && !stopping.IsCancellationRequested)
                {
                    failed(e);
                }
            }
            while (await timer.WaitForNextTickAsync(stopping));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops.
        }
    }
}
