using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Webhooks.Deliveries;

/// <summary>How attempts went, written down: those that end at the same time share a commit.</summary>
public sealed class Outcomes : IAsyncDisposable
{
    // Only what is pending has a lease. Its status is not asked for: deliveries would be looked for among all that are pending.
    private const string Write = """
        WITH told AS MATERIALIZED (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                WITH ORDINALITY AS t (event_id, lane_id, lease, status, pause, number, duration, status_code, error, response, n)),
        settled AS (
            UPDATE deliveries d
            SET status = t.status, lease = NULL, next_attempt_at = now() + t.pause,
                delivered_at = CASE WHEN t.status = 'delivered' THEN coalesce(d.delivered_at, now()) ELSE d.delivered_at END,
                first_milliseconds = CASE WHEN t.number = 1 AND t.status = 'delivered' THEN t.duration ELSE d.first_milliseconds END,
                first_status_code = CASE WHEN t.number = 1 AND t.status = 'delivered' THEN t.status_code ELSE d.first_status_code END,
                first_response = CASE WHEN t.number = 1 AND t.status = 'delivered' THEN t.response ELSE d.first_response END
            FROM told t
            WHERE d.event_id = t.event_id AND d.lane_id = t.lane_id AND d.lease = t.lease
            RETURNING t.*),
        logged AS (
            INSERT INTO delivery_attempts (event_id, lane_id, number, duration_milliseconds, status_code, error, response)
            SELECT event_id, lane_id, number, duration, status_code, error, response FROM settled WHERE number > 1 OR status <> 'delivered')
        SELECT n FROM settled
        """;

    // A batch that is asked for again after its answer was lost finds its attempts logged: an attempt has its number from its claim alone.
    private const string Known = """
        SELECT t.n
        FROM unnest($1, $2, $3) WITH ORDINALITY AS t (event_id, lane_id, number, n)
        WHERE EXISTS (SELECT FROM delivery_attempts a WHERE a.event_id = t.event_id AND a.lane_id = t.lane_id AND a.number = t.number)
           OR t.number = 1 AND EXISTS (SELECT FROM deliveries d WHERE d.event_id = t.event_id AND d.lane_id = t.lane_id AND d.first_milliseconds IS NOT NULL)
        """;

    /// <summary>Short: what cannot be written down is attempted again when its lease ends.</summary>
    private static readonly GroupWriterOptions Options = new() { Patience = TimeSpan.FromSeconds(5), Gather = TimeSpan.FromMilliseconds(200) };

    private readonly NpgsqlDataSource database;
    private readonly GroupWriter<Outcome, bool> writer;

    public Outcomes(NpgsqlDataSource database, IdSource ids, TimeProvider time)
    {
        this.database = database;
        writer = new("webhooks.outcomes", outcome => KeyOf(outcome.Delivery), WriteAsync, Options, ids, time);
    }

    /// <summary>Writes an attempt's outcome down, unless the claim was taken over meanwhile.</summary>
    /// <param name="pause">Until the next attempt; null where there is none.</param>
    /// <returns>False where the lease had been lost: someone else attempts, and logs, this delivery.</returns>
    /// <exception cref="NpgsqlException">It could not be written down: the lease ends and the delivery is due again.</exception>
    /// <exception cref="WriterOverloadedException">Likewise.</exception>
    public Task<bool> SettleAsync(ClaimedDelivery delivery, AttemptResult result, TimeSpan? pause) => writer.WriteAsync(new Outcome(delivery, result, pause));

    public ValueTask DisposeAsync() => writer.DisposeAsync();

    /// <summary>Two deliveries that share one, which does not happen, would be written one after the other.</summary>
    private static Guid KeyOf(ClaimedDelivery delivery)
    {
        Span<byte> one = stackalloc byte[16];
        Span<byte> other = stackalloc byte[16];
        delivery.EventId.Value.TryWriteBytes(one);
        delivery.LaneId.TryWriteBytes(other);
        for (var i = 0; i < one.Length; i++)
        {
            one[i] ^= other[i];
        }

        return new Guid(one);
    }

    private async Task<IReadOnlyList<bool>> WriteAsync(Guid number, IReadOnlyList<Outcome> outcomes, CancellationToken cancellationToken)
    {
        T[] Each<T>(Func<Outcome, T> part) => [.. outcomes.Select(part)];
        var settled = new bool[outcomes.Count];
        await using (var batch = database.CreateKeyedBatch(
            Write, Each(o => o.Delivery.EventId.Value), Each(o => o.Delivery.LaneId), Each(o => o.Delivery.Lease), Each(o => o.Status), Each(o => o.Pause ?? TimeSpan.Zero), Each(o => o.Delivery.Attempt),
            Each(o => (int)o.Result.Duration.TotalMilliseconds), Each(o => o.Result.StatusCode), Each(o => o.Result.Error), Each(o => o.Result.Response)))
        {
            await MarkAsync(batch);
        }

        if (settled.Contains(false))
        {
            await using var batch = database.CreateKeyedBatch(Known, Each(o => o.Delivery.EventId.Value), Each(o => o.Delivery.LaneId), Each(o => o.Delivery.Attempt));
            await MarkAsync(batch);
        }

        return settled;

        async Task MarkAsync(NpgsqlBatch batch)
        {
            await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                settled[reader.GetInt64(0) - 1] = true;
            }
        }
    }

    private sealed record Outcome(ClaimedDelivery Delivery, AttemptResult Result, TimeSpan? Pause)
    {
        public string Status => Result.Verdict == Verdict.Delivered ? "delivered" : Pause is null ? "failed" : "pending";
    }
}
