using Npgsql;
using Payments.Core;
using Payments.Platform;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Fraud.Metrics;

internal enum TimedKind
{
    /// <summary>A whole decision: rules, velocity, model and what is stored of it.</summary>
    Decision,

    /// <summary>The model's share of it.</summary>
    Model,
}

/// <summary>
/// Counts how long decisions took, in memory, and adds the counts to the database every few seconds: nothing is written while a payment
/// waits. A process that dies takes the last few seconds' counts with it.
/// </summary>
internal sealed class DecisionTimes(NpgsqlDataSource database, TimeProvider time, ILogger<DecisionTimes> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private readonly long[,,] counts = new long[2, 2, DurationBuckets.Count];

    public void Record(Mode mode, TimedKind kind, TimeSpan took) => Interlocked.Increment(ref counts[(int)mode, (int)kind, DurationBuckets.Of(took)]);

    /// <summary>Adds what was counted since. What cannot be written is counted on.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        var (modes, kinds, buckets, taken) = (new List<string>(), new List<string>(), new List<short>(), new List<long>());
        foreach (var mode in Enum.GetValues<Mode>())
        {
            foreach (var kind in Enum.GetValues<TimedKind>())
            {
                for (short bucket = 0; bucket < DurationBuckets.Count; bucket++)
                {
                    if (Interlocked.Exchange(ref counts[(int)mode, (int)kind, bucket], 0) is > 0 and var count)
                    {
                        modes.Add(ModeNames.Of(mode));
                        kinds.Add(Words.Of(kind));
                        buckets.Add(bucket);
                        taken.Add(count);
                    }
                }
            }
        }

        if (taken.Count == 0)
        {
            return;
        }

        const string sql = """
            INSERT INTO risk_latencies AS known (mode, kind, hour, bucket, count)
            SELECT mode, kind, date_trunc('hour', $5::timestamptz, 'UTC'), bucket, count FROM unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[]) AS new (mode, kind, bucket, count)
            ON CONFLICT (mode, kind, hour, bucket) DO UPDATE SET count = known.count + EXCLUDED.count
            """;
        var written = false;
        try
        {
            await using var command = database.CreateCommand(sql).With(modes.ToArray(), kinds.ToArray(), buckets.ToArray(), taken.ToArray(), time.GetUtcNow());
            await command.ExecuteNonQueryAsync(cancellationToken);
            written = true;
        }
        finally
        {
            for (var i = 0; i < taken.Count && !written; i++)
            {
                Interlocked.Add(ref counts[(int)Words.Parse<Mode>(modes[i]), (int)Words.Parse<TimedKind>(kinds[i]), buckets[i]], taken[i]);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await WriteAsync(cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or TimeoutException)
        {
            Log.TimesNotWritten(logger, e.GetType().Name);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Rounds.RunAsync(Every, time, WriteAsync, e => Log.TimesNotWritten(logger, e.GetType().Name), stoppingToken);
}
