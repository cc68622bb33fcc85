using Npgsql;
using Payments.Core;

namespace Payments.Fraud.Velocity;

/// <summary>
/// Keeps Redis' counters complete: tells it what it was not told (outcomes from the stream, attempts made while it was away), notices
/// that it was emptied or went back in time, and fills a new generation from the database.
/// </summary>
internal sealed class VelocityKeeper(
    VelocityRedis redis, VelocityDatabase database, VelocityCounters counters, IdSource ids, TimeProvider time, ILogger<VelocityKeeper> logger) : BackgroundService
{
    /// <summary>So many are counted by one script: it takes Redis about a millisecond.</summary>
    private const int AtOnce = 32;

    private const int PageSize = 512;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>While the database counts: it can carry a third of what Redis can.</summary>
    private static readonly TimeSpan UntrustedInterval = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan FirstRound = TimeSpan.FromSeconds(2);
    private static readonly string[] Tables = [VelocityDatabase.Attempts, VelocityDatabase.Outcomes];
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long beats;

    /// <summary>Waits a moment for the counters, so that a service begins with Redis if it is there and quickly filled.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        if (redis.IsConfigured)
        {
            await Task.WhenAny(ready.Task, Task.Delay(FirstRound, time, cancellationToken));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Platform.Untraced.Begin();
        while (redis.IsConfigured && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await RoundAsync(stoppingToken))
                {
                    ready.TrySetResult();
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
            {
                Log.VelocityWillRetry(logger, e.GetType().Name);
            }

            await (counters.Trusted ? counters.WaitForLossAsync(Interval, stoppingToken) : Task.Delay(UntrustedInterval, time, stoppingToken))
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Whether Redis has everything.</returns>
    internal async Task<bool> RoundAsync(CancellationToken cancellationToken)
    {
        if (await redis.BeatAsync(cancellationToken) is not { } beat)
        {
            counters.Trusted = false;
            return false;
        }

        var wentBack = beat.Beats < beats;
        beats = beat.Beats;
        if (wentBack || !beat.Ready)
        {
            counters.Trusted = false;
            if (!await FillAsync(cancellationToken))
            {
                return false;
            }
        }

        // What was counted elsewhere before this moment is pending by now; what comes later is not what is waited for.
        foreach (var table in Tables)
        {
            if (!await TellAsync(table, cancellationToken))
            {
                return false;
            }
        }

        counters.Trusted = true;
        return true;
    }

    private async Task<bool> FillAsync(CancellationToken cancellationToken)
    {
        var next = ids.New<Core.EventId>().ToString()[^12..];
        if (!await redis.BeginAsync(next, cancellationToken))
        {
            return false;
        }

        var began = time.GetTimestamp();
        var filled = 0L;
        foreach (var table in Tables)
        {
            var (from, after) = (DateTimeOffset.UnixEpoch, Guid.Empty);
            while (await database.PageAsync(table, from, after, PageSize, cancellationToken) is { Count: > 0 } page)
            {
                if (!await RecordAsync(page, cancellationToken) || !await redis.GoOnAsync(next, cancellationToken))
                {
                    return false;
                }

                filled += page.Count;
                (from, after) = (page[^1].At!.Value, page[^1].Id);
            }
        }

        // Attempts that were made while Redis did not answer their makers are pending and come first.
        if (!await TellAsync(VelocityDatabase.Attempts, cancellationToken) || !await redis.CompleteAsync(next, cancellationToken))
        {
            return false;
        }

        Log.VelocityFilled(logger, filled, time.GetElapsedTime(began));
        for (string? cursor = "0"; cursor is not null;)
        {
            cursor = await redis.SweepAsync(cursor, next, cancellationToken);
        }

        return true;
    }

    private async Task<bool> TellAsync(string table, CancellationToken cancellationToken)
    {
        while (await database.PendingAsync(table, PageSize, cancellationToken) is { Count: > 0 } pending)
        {
            if (!await RecordAsync(pending, cancellationToken))
            {
                return false;
            }

            await database.ToldAsync(table, pending, cancellationToken);
            if (pending.Count < PageSize)
            {
                break;
            }
        }

        return true;
    }

    private async Task<bool> RecordAsync(IReadOnlyList<Countable> page, CancellationToken cancellationToken)
    {
        foreach (var chunk in page.Chunk(AtOnce))
        {
            if (!await redis.RecordAsync(chunk, cancellationToken))
            {
                return false;
            }
        }

        return true;
    }
}
