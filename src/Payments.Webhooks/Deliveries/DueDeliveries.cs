using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Webhooks.Deliveries;

/// <summary>
/// The durable queue: claims what is due, lane by lane. How it went is written down by <see cref="Outcomes"/>. All times are the database's, so clocks of
/// machines do not matter.
/// </summary>
public sealed class DueDeliveries(NpgsqlDataSource database, IdSource ids)
{
    // Walks from lane to lane through the index, one probe each, so a lane with a backlog costs as little as any other.
    private const string DueLanes = """
        WITH RECURSIVE lanes AS (
            (SELECT lane_id, next_attempt_at FROM deliveries WHERE status = 'pending' ORDER BY lane_id, next_attempt_at LIMIT 1)
            UNION ALL
            SELECT following.lane_id, following.next_attempt_at
            FROM lanes CROSS JOIN LATERAL (
                SELECT d.lane_id, d.next_attempt_at FROM deliveries d
                WHERE d.status = 'pending' AND d.lane_id > lanes.lane_id ORDER BY d.lane_id, d.next_attempt_at LIMIT 1) following)
        """;

    private const string ClaimFromReady = """
        , claimed AS (
            SELECT due.event_id, due.lane_id
            FROM ready CROSS JOIN LATERAL (
                SELECT d.event_id, d.lane_id FROM deliveries d
                WHERE d.lane_id = ready.lane_id AND d.status = 'pending' AND d.next_attempt_at <= now()
                ORDER BY d.next_attempt_at LIMIT ready.room FOR UPDATE SKIP LOCKED) due
            LIMIT $1)
        UPDATE deliveries d
        SET lease = $2, next_attempt_at = now() + $3, attempts = d.attempts + 1
        FROM claimed JOIN events e ON e.id = claimed.event_id
        """;

    private const string ClaimedColumns = " d.event_id, d.lane_id, d.attempts, d.attempts - d.round_start, e.type, e.body, e.traceparent";

    /// <summary>Claims due deliveries to endpoints: at most <paramref name="slots"/> in all and <paramref name="perLane"/> of one endpoint.</summary>
    /// <param name="failing">Whether to serve the endpoints whose last attempt failed or the others.</param>
    /// <param name="busy">What this process is sending already, by endpoint.</param>
    public async Task<IReadOnlyList<ClaimedDelivery>> ClaimWebhooksAsync(
        int slots, int perLane, bool failing, IReadOnlyDictionary<Guid, int> busy, TimeSpan lease, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(busy);
        const string sql = DueLanes + """
            , ready AS (
                SELECT lanes.lane_id, $4 - coalesce(busy.count, 0) AS room
                FROM lanes
                JOIN webhook_endpoints w ON w.id = lanes.lane_id AND w.status = 'enabled' AND w.deleted_at IS NULL AND (w.failing_since IS NOT NULL) = $5
                LEFT JOIN unnest($6::uuid[], $7::integer[]) AS busy (lane_id, count) ON busy.lane_id = lanes.lane_id
                WHERE lanes.next_attempt_at <= now() AND coalesce(busy.count, 0) < $4
                ORDER BY lanes.next_attempt_at LIMIT $1)
            """ + ClaimFromReady + """
             JOIN webhook_endpoints w ON w.id = claimed.lane_id
            WHERE d.event_id = claimed.event_id AND d.lane_id = claimed.lane_id
            RETURNING
            """ + ClaimedColumns + """
            , w.url, (SELECT array_agg(s.sealed ORDER BY s.number DESC) FROM webhook_secrets s
                      WHERE s.endpoint_id = w.id AND (s.expires_at IS NULL OR s.expires_at > now()))
            """;
        var token = ids.New<DeliveryId>().Value;
        await using var batch = database.CreateKeyedBatch(sql, slots, token, lease, perLane, failing, busy.Keys.ToArray(), busy.Values.ToArray());
        return await ReadClaimedAsync(batch, token, r => new DeliveryTarget(new Uri(r.GetString(7)), r.GetFieldValue<string[]>(8)), cancellationToken);
    }

    /// <summary>Claims due receipts.</summary>
    public async Task<IReadOnlyList<ClaimedDelivery>> ClaimReceiptsAsync(int slots, TimeSpan lease, CancellationToken cancellationToken)
    {
        const string sql = "WITH ready AS (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS lane_id, $1 AS room) "
            + ClaimFromReady + " WHERE d.event_id = claimed.event_id AND d.lane_id = claimed.lane_id RETURNING" + ClaimedColumns;
        var token = ids.New<DeliveryId>().Value;
        await using var batch = database.CreateKeyedBatch(sql, slots, token, lease);
        return await ReadClaimedAsync(batch, token, _ => null, cancellationToken);
    }

    /// <summary>Gives claims back that this process could not finish: due again at once.</summary>
    public async Task ReleaseAsync(IReadOnlyList<ClaimedDelivery> deliveries, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(deliveries);

        // Only what is pending has a lease.
        const string sql = """
            UPDATE deliveries d SET lease = NULL, next_attempt_at = now(), attempts = d.attempts - 1
            FROM unnest($1, $2, $3) AS r (event_id, lane_id, lease)
            WHERE d.event_id = r.event_id AND d.lane_id = r.lane_id AND d.lease = r.lease
            """;
        await using var batch = database.CreateKeyedBatch(
            sql, deliveries.Select(d => d.EventId.Value).ToArray(), deliveries.Select(d => d.LaneId).ToArray(), deliveries.Select(d => d.Lease).ToArray());
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<ClaimedDelivery>> ReadClaimedAsync(
        NpgsqlBatch batch, Guid lease, Func<NpgsqlDataReader, DeliveryTarget?> target, CancellationToken cancellationToken)
    {
        var claimed = new List<ClaimedDelivery>();
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            claimed.Add(new ClaimedDelivery(
                EventId.From(reader.GetGuid(0)), reader.GetGuid(1), lease, reader.GetInt32(2), reader.GetInt32(3), reader.GetString(4),
                reader.GetFieldValue<byte[]>(5), reader.IsDBNull(6) ? null : reader.GetString(6), target(reader)));
        }

        return claimed;
    }
}
