using System.Diagnostics.Metrics;
using Payments.Core.Seams;

namespace Payments.Fraud.Velocity;

/// <summary>What the counters said about an attempt, itself included.</summary>
/// <param name="InRedis">Whether Redis has counted the attempt.</param>
/// <param name="FromDatabase">Redis should have counted and could not.</param>
/// <param name="IsRecorded">The attempt stands in the database already.</param>
/// <param name="IsFirst">Nobody has asked about this attempt before, so that no decision about it can stand. False where that is not known.</param>
internal sealed record Observed(DateTimeOffset At, VelocityReading Reading, bool InRedis, bool FromDatabase, bool IsRecorded, bool IsFirst);

/// <summary>The time of attempts where a stream is replayed faster than it happened. No host registers one: attempts are made now, by Redis' clock.</summary>
internal sealed record StreamClock(Func<DateTimeOffset> Now);

/// <summary>
/// Counts an attempt where it can be counted: in Redis, or in the database while Redis is away, is being filled, or may lack what this
/// process counted in the database meanwhile.
/// </summary>
internal sealed class VelocityCounters(VelocityRedis redis, VelocityDatabase database, StreamClock? clock = null) : IDisposable
{
    /// <summary>The database counts for so many attempts at once: it must keep room for what brings Redis back, and for the decisions themselves.</summary>
    private const int DatabaseAtOnce = 8;

    private static readonly Meter Meter = new("Payments.Fraud");
    private static readonly Counter<long> Fallbacks = Meter.CreateCounter<long>("payments.fraud.velocity.database", "{attempt}", "Attempts that the database counted because Redis could not.");
    private readonly SemaphoreSlim lost = new(0);
    private readonly SemaphoreSlim places = new(DatabaseAtOnce);
    private int trusted;

    /// <summary>Whether Redis has everything that this process has counted.</summary>
    public bool Trusted
    {
        get => Volatile.Read(ref trusted) == 1;
        set => Volatile.Write(ref trusted, value ? 1 : 0);
    }

    /// <summary>Waits for the limit, or until Redis failed to count an attempt: the sooner it is told of it, the fewer the database has to count.</summary>
    public Task WaitForLossAsync(TimeSpan limit, CancellationToken cancellationToken) => lost.WaitAsync(limit, cancellationToken);

    public async Task<Observed> ObserveAsync(FraudRequest request, EntityKeys keys, CancellationToken cancellationToken)
    {
        var recorded = await RecordAsync(request, keys, cancellationToken);
        if (InFull(recorded) is { } counted)
        {
            return counted;
        }

        await places.WaitAsync(cancellationToken);
        try
        {
            // Whoever had to wait for a place may find Redis back.
            if (Trusted)
            {
                recorded = await RecordAsync(request, keys, cancellationToken);
                if (InFull(recorded) is { } late)
                {
                    return late;
                }
            }

            Fallbacks.Add(redis.IsConfigured ? 1 : 0);
            var inRedis = recorded is not null || !redis.IsConfigured;
            var (at, reading) = await database.RecordAsync(request, keys, recorded?.At ?? clock?.Now(), clock?.Now(), inRedis);
            return new Observed(at, reading, inRedis, redis.IsConfigured, IsRecorded: true, IsFirst: false);
        }
        finally
        {
            places.Release();
        }
    }

    private async Task<Recorded?> RecordAsync(FraudRequest request, EntityKeys keys, CancellationToken cancellationToken)
    {
        var recorded = redis.IsConfigured
            ? await redis.RecordAsync(new Countable(keys.Attempt, request.Mode, Measure.Attempts, keys, clock?.Now()), reads: Trusted, cancellationToken)
            : null;
        if (redis.IsConfigured && recorded is not { Complete: true })
        {
            LoseTrust();
        }

        return recorded;
    }

    /// <summary>What Redis counted, if that is all there is; null where the database has to be asked.</summary>
    private Observed? InFull(Recorded? recorded) => recorded is { Complete: true, Reading: { } reading } && Trusted
        ? new Observed(recorded.At, reading, InRedis: true, FromDatabase: false, IsRecorded: false, recorded.First)
        : null;

    public void Dispose()
    {
        lost.Dispose();
        places.Dispose();
    }

    private void LoseTrust()
    {
        // Once per loss: the first of many attempts wakes the keeper.
        if (Interlocked.Exchange(ref trusted, 0) == 1 && lost.CurrentCount == 0)
        {
            lost.Release();
        }
    }
}
