using Npgsql;

namespace Payments.Ledger.Controls;

/// <summary>Whether what is done again and again ends well: health and metrics ask here, and not what the last good round remembers.</summary>
/// <param name="name">As metrics call it.</param>
public sealed class RoundPulse(string name, TimeProvider time)
{
    private readonly Lock guard = new();
    private DateTimeOffset wellAt = time.GetUtcNow();
    private (DateTimeOffset Since, string Why)? failing;

    public string Name => name;

    public bool IsFailing
    {
        get
        {
            lock (guard)
            {
                return failing is not null;
            }
        }
    }

    /// <summary>Runs one round and remembers how it ended.</summary>
    public async Task RunAsync(Func<CancellationToken, Task> round, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(round);
        try
        {
            await round(cancellationToken);
            lock (guard)
            {
                (wellAt, failing) = (time.GetUtcNow(), null);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            lock (guard)
            {
                failing = (failing?.Since ?? time.GetUtcNow(), e is PostgresException told ? $"{e.GetType().Name} {told.SqlState}" : e.GetType().Name);
            }

            throw;
        }
    }

    /// <summary>What is wrong with it, in words; null: nothing.</summary>
    /// <param name="silence">How long after a good round the next one is missed. The first is, as long after the start.</param>
    public string? Complaint(TimeSpan silence)
    {
        lock (guard)
        {
            return failing is { } now ? $"Rounds of {name} fail since {now.Since:O}: {now.Why}."
                : time.GetUtcNow() - wellAt > silence ? $"No round of {name} has ended since {wellAt:O}."
                : null;
        }
    }
}
