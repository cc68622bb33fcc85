using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Payments.Platform.Kafka;
using Payments.Platform.Postgres;

namespace Payments.Platform.Outbox;

/// <summary>
/// Produces what the log holds beyond the produced marks, in order, at least once. One replica does it, by a lock that only saves
/// work: two relays at once would produce everything twice, and consumers drop what they know.
/// </summary>
internal sealed class OutboxRelay(
    NpgsqlDataSource database, KafkaClients kafka, OutboxSignal signal, RelayState state, IOptions<OutboxOptions> options, TimeProvider time, ILogger<OutboxRelay> logger)
    : BackgroundService
{
    private const long LeaderLock = 0x6F7574626F78; // "outbox"
    private readonly OutboxOptions options = options.Value;
    private readonly EventProducer producer = new(kafka, Names.Services.Api, Names.Topics.PaymentEvents, logger);
    private readonly long[] marks = new long[LogicalPartition.Count];
    private readonly long[] written = new long[LogicalPartition.Count];
    private long markedAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var untraced = Untraced.Begin();
        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(stoppingToken);
                try
                {
                    if (await LeadAsync(connection, stoppingToken))
                    {
                        await RelayAsync(connection, () => failures = 0, stoppingToken);
                    }
                }
                finally
                {
                    await SessionTurn.GiveBackAsync(database, connection);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(options.MaxRetryDelayMilliseconds / 5.0), time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it was, it is told and the relay begins again from its marks: it never just ends.
            catch (Exception e)
#pragma warning restore CA1031
            {
                state.Trouble = e.Message;
                var delay = TimeSpan.FromMilliseconds(Math.Min(options.MaxRetryDelayMilliseconds, options.RetryDelayMilliseconds * Math.Pow(2, Math.Min(failures++, 20))));
                OutboxLog.WillRetry(logger, delay, state.Waiting, e);
                await Task.Delay(delay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public override void Dispose()
    {
        producer.Dispose();
        base.Dispose();
    }

    /// <summary>Takes the lock for as long as the connection lives, and reads where the last leader was.</summary>
    private async Task<bool> LeadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (!await SessionTurn.TakeAsync(connection, LeaderLock, cancellationToken))
        {
            state.Trouble = null;
            return false;
        }

        await using var read = new NpgsqlCommand("SELECT partition, seq FROM outbox_produced", connection);
        await using var reader = await read.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            marks[reader.GetInt32(0)] = written[reader.GetInt32(0)] = reader.GetInt64(1);
        }

        OutboxLog.Relays(logger, Names.Topics.PaymentEvents);
        return true;
    }

    private async Task RelayAsync(NpgsqlConnection connection, Action succeeded, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var began = time.GetTimestamp();
                var (epoch, waiting, rows) = await NextAsync(connection, cancellationToken);
                state.Waiting = waiting;
                if (rows.Count > 0)
                {
                    Steps.Reached(Steps.ProduceBefore);
                    var produced = await producer.ProduceAsync(epoch, rows, cancellationToken);
                    Steps.Reached(Steps.ProduceAfter);
                    foreach (var (partition, mark) in produced)
                    {
                        marks[partition] = mark;
                    }

                    if (rows.Any(r => r.Sequence > marks[r.Partition]))
                    {
                        throw new IOException("Kafka did not take every event.");
                    }
                }

                succeeded();
                state.Trouble = null;
                await MarkAsync(connection, cancellationToken);
                if (rows.Count == 0)
                {
                    await signal.WaitAsync(TimeSpan.FromMilliseconds(options.PollMilliseconds), cancellationToken);
                }
                else if (rows.Count >= waiting)
                {
                    await GatherAsync(began, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            markedAt = 0;
            await MarkAsync(connection, CancellationToken.None);
            throw;
        }
    }

    /// <summary>A round costs much the same whatever is in it.</summary>
    private async Task GatherAsync(long began, CancellationToken cancellationToken)
    {
        var left = TimeSpan.FromMilliseconds(options.GatherMilliseconds) - time.GetElapsedTime(began);
        if (left > TimeSpan.Zero)
        {
            await Task.Delay(left, time, cancellationToken);
        }
    }

    /// <summary>The epoch, how many events wait, and the first of them of each partition.</summary>
    private async Task<(Guid Epoch, long Waiting, IReadOnlyList<OutboxRow> Rows)> NextAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var partitions = Enumerable.Range(0, marks.Length).ToArray();
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new("""
            SELECT max(head.epoch::text)::uuid, COALESCE(sum(greatest(0, head.seq - mark.seq)), 0)::bigint
            FROM outbox_heads AS head JOIN unnest($1, $2) AS mark (partition, seq) ON mark.partition = head.partition
            """)
        {
            Parameters = { Integers(partitions), Bigints(marks) },
        });
        batch.BatchCommands.Add(new($"""
            SELECT o.* FROM unnest($1, $2) AS mark (partition, seq)
            CROSS JOIN LATERAL (
                SELECT {OutboxReader.Columns} FROM outbox AS e WHERE e.partition = mark.partition AND e.seq > mark.seq ORDER BY e.seq LIMIT $3) AS o
            """)
        {
            Parameters = { Integers(partitions), Bigints(marks), new() { Value = options.MaxBatchPerPartition } },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (epoch, waiting) = (reader.GetGuid(0), reader.GetInt64(1));
        await reader.NextResultAsync(cancellationToken);
        return (epoch, waiting, await OutboxReader.RowsAsync(reader, cancellationToken));
    }

    /// <summary>Writes the marks down now and then: after a crash the rest is produced again.</summary>
    private async Task MarkAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var due = markedAt == 0 || time.GetElapsedTime(markedAt) >= TimeSpan.FromMilliseconds(options.MarkMilliseconds);
        if (!due || marks.AsSpan().SequenceEqual(written))
        {
            return;
        }

        await using var command = new NpgsqlCommand("""
            UPDATE outbox_produced AS p SET seq = mark.seq FROM unnest($1, $2) AS mark (partition, seq)
            WHERE p.partition = mark.partition AND p.seq < mark.seq
            """, connection)
        {
            Parameters = { Integers([.. Enumerable.Range(0, marks.Length)]), Bigints(marks) },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
        Steps.Reached(Steps.MarkAfter);
        marks.CopyTo(written, 0);
        markedAt = time.GetTimestamp();
    }

    private static NpgsqlParameter Integers(int[] values) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer };

    private static NpgsqlParameter Bigints(long[] values) => new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };
}

/// <summary>What the relay tells about itself.</summary>
internal sealed class RelayState : IHealthCheck
{
    private static readonly Meter Meter = new(EventTelemetry.Name);
    private volatile string? trouble;
    private long waiting;

    public RelayState() =>
        Meter.CreateObservableGauge("payments.outbox.lag", () => Waiting, "{event}", "Events in the log that were not produced yet.");

    public string? Trouble
    {
        get => trouble;
        set => trouble = value;
    }

    public long Waiting
    {
        get => Interlocked.Read(ref waiting);
        set => Interlocked.Exchange(ref waiting, value);
    }

    /// <summary>Never unhealthy: payments go on without Kafka, and consumers read the log itself.</summary>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(Trouble is { } reason
            ? HealthCheckResult.Degraded($"{Waiting} events wait for Kafka: {reason}")
            : HealthCheckResult.Healthy($"{Waiting} events wait for Kafka."));
}
