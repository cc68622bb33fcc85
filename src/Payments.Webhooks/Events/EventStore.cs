using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Webhooks.Deliveries;

namespace Payments.Webhooks.Events;

/// <summary>Writes events and, in the same transaction, one delivery for each endpoint that wants them and one per receipt due.</summary>
public sealed class EventStore(IdSource ids)
{
    /// <summary>Notified at commit; dispatchers listen.</summary>
    public const string Channel = "deliveries_due";

    /// <summary>Does nothing for events that are stored already.</summary>
    public async Task AddAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(events);
        await InsertEventsAsync(connection, transaction, events, cancellationToken);
        var endpoints = await SubscribersAsync(connection, transaction, events, cancellationToken);
        var deliveries = new List<(EventId Event, Guid Lane)>();
        foreach (var stored in events)
        {
            deliveries.AddRange(endpoints.Where(e => e.Wants(stored)).Select(e => (stored.Id, e.Id)));
            if (stored.WantsReceipt)
            {
                deliveries.Add((stored.Id, Lanes.Receipts));
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
            SELECT id, merchant_id, mode, event_types FROM webhook_endpoints
            WHERE merchant_id = ANY ($1) AND status = 'enabled' AND deleted_at IS NULL
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.With(events.Select(e => e.MerchantId.Value).Distinct().ToArray());
        var found = new List<Subscriber>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(new Subscriber(reader.GetGuid(0), reader.GetGuid(1), reader.GetString(2), reader.IsDBNull(3) ? null : reader.GetFieldValue<string[]>(3)));
        }

        return found;
    }

    private async Task InsertDeliveriesAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<(EventId Event, Guid Lane)> deliveries, CancellationToken cancellationToken)
    {
        const string sql = $"""
            WITH added AS (
                INSERT INTO deliveries (event_id, lane_id, id, status)
                SELECT event_id, lane_id, id, 'pending' FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS d (event_id, lane_id, id)
                ON CONFLICT (event_id, lane_id) DO NOTHING
                RETURNING 1)
            SELECT pg_notify('{Channel}', '') FROM added LIMIT 1
            """;
        await using var command = new NpgsqlCommand(sql, connection, transaction);
        command.With(
            deliveries.Select(d => d.Event.Value).ToArray(),
            deliveries.Select(d => d.Lane).ToArray(),
            deliveries.Select(_ => ids.New<DeliveryId>().Value).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed record Subscriber(Guid Id, Guid MerchantId, string Mode, string[]? EventTypes)
    {
        public bool Wants(StoredEvent stored) =>
            MerchantId == stored.MerchantId.Value && Mode == ModeNames.Of(stored.Mode) && (EventTypes is null || EventTypes.Contains(stored.Type, StringComparer.Ordinal));
    }
}
