using System.Collections.Concurrent;

namespace Payments.Chaos.Processes;

/// <summary>
/// Starts again, after a while, whatever no longer runs: killed by a fault or ended by itself. Servers that are to stay down for some
/// time are excepted by whoever took them down.
/// </summary>
public sealed class Supervisor : IAsyncDisposable
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(200);
    private readonly Fleet fleet;
    private readonly Func<TimeSpan> pause;
    private readonly Action<string> tell;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<string, Task> mending = new();
    private readonly ConcurrentDictionary<string, int> restarts = new();
    private readonly Task watching;
    private int exceptions;

    /// <param name="pause">How long something stays down.</param>
    public Supervisor(Fleet fleet, Func<TimeSpan> pause, Action<string> tell)
    {
        (this.fleet, this.pause, this.tell) = (fleet, pause, tell);
        watching = WatchAsync();
    }

    /// <summary>How often each was started again.</summary>
    public IReadOnlyDictionary<string, int> Restarts => restarts;

    /// <summary>Until this is disposed PostgreSQL is nobody's business but the caller's.</summary>
    public IDisposable ExceptPostgres()
    {
        Interlocked.Increment(ref exceptions);
        return new Exemption(this);
    }

    /// <summary>Waits until everything runs and answers.</summary>
    public async Task WaitUntilWholeAsync(CancellationToken cancellationToken)
    {
        while (!mending.IsEmpty || fleet.Services.Any(s => s.IsMissing) || fleet.Broker.IsMissing || fleet.Postgres.HasExited)
        {
            await Task.Delay(Glance, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await watching;
        await Task.WhenAll(mending.Values);
        stopping.Dispose();
    }

    private async Task WatchAsync()
    {
        while (!stopping.IsCancellationRequested)
        {
            foreach (var missing in fleet.Services.Append<FleetProcess>(fleet.Broker).Where(s => s.IsMissing && !mending.ContainsKey(s.Name)))
            {
                mending[missing.Name] = MendAsync(missing.Name, token => missing.StartAsync(token));
            }

            if (fleet.Postgres.HasExited && Volatile.Read(ref exceptions) == 0 && !mending.ContainsKey("postgres"))
            {
                mending["postgres"] = MendAsync("postgres", fleet.Postgres.StartAsync);
            }

            await Task.Delay(Glance, CancellationToken.None);
        }
    }

    private async Task MendAsync(string name, Func<CancellationToken, Task> start)
    {
        await Task.Yield();
        try
        {
            await Task.Delay(pause(), stopping.Token);
            restarts.AddOrUpdate(name, 1, (_, n) => n + 1);
            await start(stopping.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The run is over.
        }
        catch (InvalidOperationException e)
        {
            tell($"{name} did not come up and is tried again: {e.Message}");
        }
        finally
        {
            mending.TryRemove(name, out _);
        }
    }

    private sealed class Exemption(Supervisor supervisor) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref supervisor.exceptions);
    }
}
