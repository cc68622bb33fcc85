namespace Payments.Platform.Outbox;

/// <summary>Wakes the relay of this process after a commit. Losing a signal costs a little time: the relay also polls.</summary>
public sealed class OutboxSignal : IDisposable
{
    private readonly SemaphoreSlim waiting = new(0, 1);

    /// <summary>To be called after the commit of a transaction that appended events.</summary>
    public void Committed()
    {
        if (waiting.CurrentCount > 0)
        {
            return;
        }

        try
        {
            waiting.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another thread has just woken the relay, which is all that was wanted.
        }
    }

    /// <summary>Returns after the next <see cref="Committed"/>, or when the time is over.</summary>
    internal Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => waiting.WaitAsync(atMost, cancellationToken);

    public void Dispose() => waiting.Dispose();
}
