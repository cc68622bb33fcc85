using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Webhooks.Deliveries;

/// <summary>A delivery as merchants see it in the log of an endpoint.</summary>
/// <param name="Status"><c>pending</c>, <c>delivered</c>, <c>failed</c> (the schedule ran out) or <c>canceled</c> (the endpoint was switched off or deleted).</param>
/// <param name="NextAttemptAt">Present while pending.</param>
/// <param name="Attempts">Oldest first.</param>
public sealed record DeliveryView(
    DeliveryId Id,
    string Object,
    WebhookEndpointId EndpointId,
    EventId EventId,
    string EventType,
    string Status,
    DateTimeOffset CreatedAt,
    DateTimeOffset? DeliveredAt,
    DateTimeOffset? NextAttemptAt,
    IReadOnlyList<AttemptView> Attempts);

/// <param name="Error">Why it failed, in snake_case; null where it was delivered.</param>
/// <param name="Response">The first KiB of the answer.</param>
public sealed record AttemptView(int Number, DateTimeOffset FinishedAt, int DurationMilliseconds, int? StatusCode, string? Error, string? Response);

/// <summary>Reads the log.</summary>
internal static class DeliveryLog
{
    /// <summary>Newest first; without a delivery id all of the lane before the cursor.</summary>
    public static async Task<IReadOnlyList<DeliveryView>> ReadAsync(
        NpgsqlDataSource database, WebhookEndpointId endpoint, DeliveryId? only, string? status, Guid? cursor, int limit, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT d.id, d.event_id, e.type, d.status, d.created_at, d.delivered_at, d.next_attempt_at,
                   a.number, a.finished_at, a.duration_milliseconds, a.status_code, a.error, a.response
            FROM (SELECT id, event_id, lane_id, status, created_at, delivered_at, next_attempt_at, first_milliseconds, first_status_code, first_response FROM deliveries
                  WHERE lane_id = $1 AND ($2::uuid IS NULL OR id = $2) AND ($3::uuid IS NULL OR id < $3) AND ($4::text IS NULL OR status = $4)
                  ORDER BY id DESC LIMIT $5) d
            JOIN events e ON e.id = d.event_id
            LEFT JOIN LATERAL (
                SELECT 1 AS number, d.delivered_at AS finished_at, d.first_milliseconds AS duration_milliseconds, d.first_status_code AS status_code, NULL AS error, d.first_response AS response
                WHERE d.first_milliseconds IS NOT NULL
                UNION ALL
                SELECT number, finished_at, duration_milliseconds, status_code, error, response FROM delivery_attempts
                WHERE event_id = d.event_id AND lane_id = d.lane_id) a ON true
            ORDER BY d.id DESC, a.number
            """;
        await using var command = database.CreateCommand(sql);
        command.With(endpoint.Value, only?.Value, cursor, status, limit);
        var deliveries = new List<DeliveryView>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var id = DeliveryId.From(reader.GetGuid(0));
            if (deliveries.Count == 0 || deliveries[^1].Id != id)
            {
                deliveries.Add(ReadDelivery(reader, id, endpoint));
            }

            if (!reader.IsDBNull(7))
            {
                ((List<AttemptView>)deliveries[^1].Attempts).Add(ReadAttempt(reader));
            }
        }

        return deliveries;
    }

    private static DeliveryView ReadDelivery(NpgsqlDataReader row, DeliveryId id, WebhookEndpointId endpoint)
    {
        var status = row.GetString(3);
        return new DeliveryView(
            id, "webhook_delivery", endpoint, EventId.From(row.GetGuid(1)), row.GetString(2), status,
            row.GetFieldValue<DateTimeOffset>(4),
            row.IsDBNull(5) ? null : row.GetFieldValue<DateTimeOffset>(5),
            status == "pending" ? row.GetFieldValue<DateTimeOffset>(6) : null,
            new List<AttemptView>());
    }

    private static AttemptView ReadAttempt(NpgsqlDataReader row) => new(
        row.GetInt32(7), row.GetFieldValue<DateTimeOffset>(8), row.GetInt32(9),
        row.IsDBNull(10) ? null : row.GetInt32(10), row.IsDBNull(11) ? null : row.GetString(11), row.IsDBNull(12) ? null : row.GetString(12));
}
