using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Webhooks.Deliveries;

namespace Payments.Webhooks.Events;

/// <summary>
/// Writes events and, in the same transaction, one delivery for each endpoint that wants them and one per receipt due. What this process will
/// send itself is written as claimed by it, and handed over once it is committed.
/// </summary>
public sealed class EventStore(HandOver handOver, IdSource ids)
{
    /// <summary>Notified at commit, with the lease where one was handed over with it; dispatchers listen.</summary>
    public const string Channel = "deliveries_due";

    /// <summary>Does nothing for events that are stored already.</summary>
    public async Task AddAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        await InsertEventsAsync(connection, transaction, events, cancellationToken);
        var endpoints = await SubscribersAsync(connection, transaction, events, cancellationToken);
        var deliveries = new List<Delivery>();
        foreach (var stored in events)
        {
            deliveries.AddRange(endpoints.Where(e => e.Wants(stored)).Select(e => new Delivery(stored, e.Id, e.IsFailing ? null : e.Target)));
            if (stored.WantsReceipt)
            {
                deliveries.Add(new(stored, Lanes.Receipts, null));
            }
        }

        if (deliveries.Count > 0)
        {
            await InsertDeliveriesAsync(connection, transaction, deliveries, cancellationToken);
        }
    }

    private static async Task InsertEventsAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO events (id, merchant_id, mode, type, subject, version, occurred_at, traceparent, body)
            SELECT id, merchant_id, mode, type, subject, version, occurred_at, traceparent, body
            FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::bigint[], $7::timestamptz[], $8::text[], $9::bytea[])
                AS e (id, merchant_id, mode, type, subject, version, occurred_at, traceparent, body)
            ON CONFLICT (id) DO NOTHING
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.With(
            events.Select(e => e.Id.Value).ToArray(),
            events.Select(e => e.MerchantId.Value).ToArray(),
            events.Select(e => ModeNames.Of(e.Mode)).ToArray(),
            events.Select(e => e.Type).ToArray(),
            events.Select(e => e.Subject).ToArray(),
            events.Select(e => e.Version).ToArray(),
            events.Select(e => e.OccurredAt.UtcDateTime).ToArray(),
            events.Select(e => e.TraceParent).ToArray(),
            events.Select(e => e.Body).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<IReadOnlyList<Subscriber>> SubscribersAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT w.id, w.merchant_id, w.mode, w.event_types, w.failing_since IS NOT NULL, w.url,
                   (SELECT array_agg(s.sealed ORDER BY s.number DESC) FROM webhook_secrets s
                    WHERE s.endpoint_id = w.id AND (s.expires_at IS NULL OR s.expires_at > now()))
            FROM webhook_endpoints w
            WHERE w.merchant_id = ANY ($1) AND w.status = 'enabled' AND w.deleted_at IS NULL
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.With(events.Select(e => e.MerchantId.Value).Distinct().ToArray());
        var found = new List<Subscriber>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(new Subscriber(
                reader.GetGuid(0), reader.GetGuid(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetFieldValue<string[]>(3), reader.GetBoolean(4),
                reader.IsDBNull(6) ? null : new DeliveryTarget(new Uri(reader.GetString(5)), reader.GetFieldValue<string[]>(6))));
        }

        return found;
    }

    private async Task InsertDeliveriesAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<Delivery> deliveries, CancellationToken cancellationToken)
    {
        // The lease counts from now, not from when the transaction began.
        const string sql = """
            INSERT INTO deliveries (event_id, lane_id, id, status, lease, attempts, next_attempt_at)
            SELECT event_id, lane_id, id, 'pending', lease, CASE WHEN lease IS NULL THEN 0 ELSE 1 END, CASE WHEN lease IS NULL THEN now() ELSE clock_timestamp() + $5 END
            FROM unnest($1, $2, $3, $4) AS d (event_id, lane_id, id, lease)
            ON CONFLICT (event_id, lane_id) DO NOTHING
            RETURNING event_id, lane_id, lease IS NOT NULL
            """;
        var token = ids.New<DeliveryId>().Value;
        var leased = Leased(token, deliveries);
        var (handedOver, isAnyDue) = (new HashSet<(Guid, Guid)>(), false);
        await using (var command = new NpgsqlCommand(sql, connection, transaction))
        {
            command.With(
                deliveries.Select(d => d.Event.Id.Value).ToArray(),
                deliveries.Select(d => d.Lane).ToArray(),
                deliveries.Select(_ => ids.New<DeliveryId>().Value).ToArray(),
                leased.Select(l => l ? token : (Guid?)null).ToArray(),
                handOver.Lease);
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                isAnyDue |= !row.GetBoolean(2) || !handedOver.Add((row.GetGuid(0), row.GetGuid(1)));
            }
        }

        handOver.Inserted(token, [.. deliveries.Where(d => handedOver.Contains((d.Event.Id.Value, d.Lane))).Select(d => d.ClaimedWith(token))]);
        string[] told = [.. handedOver.Count > 0 ? [token.ToString()] : Array.Empty<string>(), .. isAnyDue ? [""] : Array.Empty<string>()];
        if (told.Length > 0)
        {
            await using var notify = new NpgsqlCommand($"SELECT pg_notify('{Channel}', told) FROM unnest($1) AS told", connection, transaction);
            await notify.With((object)told).ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>Which of them this process sends itself.</summary>
    private bool[] Leased(Guid token, IReadOnlyList<Delivery> deliveries)
    {
        var room = new Queue<bool>(handOver.Reserve(token, [.. deliveries.Where(d => d.Target is not null).Select(d => d.Lane)]));
        return [.. deliveries.Select(d => d.Target is not null && room.Dequeue())];
    }

    /// <param name="Target">Where it goes at once; null where it is the queue's.</param>
    private sealed record Delivery(StoredEvent Event, Guid Lane, DeliveryTarget? Target)
    {
        public ClaimedDelivery ClaimedWith(Guid lease) => new(Event.Id, Lane, lease, 1, 1, Event.Type, Event.Body, Event.TraceParent, Target);
    }

    private sealed record Subscriber(Guid Id, Guid MerchantId, string Mode, string[]? EventTypes, bool IsFailing, DeliveryTarget? Target)
    {
        public bool Wants(StoredEvent stored) =>
            MerchantId == stored.MerchantId.Value && Mode == ModeNames.Of(stored.Mode) && (EventTypes is null || EventTypes.Contains(stored.Type, StringComparer.Ordinal));
    }
}
