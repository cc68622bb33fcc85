using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Outbox;

namespace Payments.Platform.Inbox;

/// <summary>
/// Payments of which an event could not be applied. Their later events wait in <c>dead_letters</c>, so that no payment is seen out
/// of order. The parked row is the lock between the consumer, which adds, and a replay, which takes away.
/// </summary>
internal sealed class ParkedPayments(IdSource ids, string consumer, string publisher)
{
    /// <summary>Asks which of these payments are parked. They stay so until the transaction ends.</summary>
    public NpgsqlBatchCommand Among(IReadOnlyList<OutboxRow> rows) => new("""
        SELECT payment_id FROM parked_payments WHERE consumer = $1 AND publisher = $2 AND payment_id = ANY ($3) ORDER BY payment_id FOR SHARE
        """)
    {
        Parameters = { new() { Value = consumer }, new() { Value = publisher }, new() { Value = rows.Select(r => r.Subject).Distinct().ToArray() } },
    };

    public async Task ParkAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, Guid payment, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "INSERT INTO parked_payments (consumer, publisher, payment_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", connection, transaction);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        command.Parameters.Add(new() { Value = payment });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Keeps events of parked payments.</summary>
    /// <param name="error">Why the event was not applied; null where it only waits behind another.</param>
    public async Task KeepAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, Guid epoch, IReadOnlyList<OutboxRow> rows, string? error, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            INSERT INTO dead_letters (id, consumer, publisher, epoch, partition, seq, event_id, type, payment_id, merchant_id, mode, version,
                occurred_at, data, traceparent, error, attempts)
            SELECT d.id, $1, $2, $3, d.partition, d.seq, d.event_id, d.type, d.payment_id, d.merchant_id, d.mode, d.version,
                d.occurred_at, d.data, d.traceparent, $4, CASE WHEN $4 IS NULL THEN 0 ELSE 1 END
            FROM unnest($5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
                AS d (id, partition, seq, event_id, type, payment_id, merchant_id, mode, version, occurred_at, data, traceparent)
            ON CONFLICT (consumer, publisher, epoch, partition, seq) DO UPDATE
                SET replayed_at = NULL, error = coalesce(excluded.error, dead_letters.error)
            """, connection, transaction);
        command.Parameters.Add(new() { Value = consumer });
        command.Parameters.Add(new() { Value = publisher });
        command.Parameters.Add(new() { Value = epoch });
        command.Parameters.Add(new() { Value = (object?)error ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = rows.Select(_ => ids.New<DeadLetterId>().Value).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(r => r.Partition).ToArray() });
        command.Parameters.Add(new() { Value = rows.Select(r => r.Sequence).ToArray() });
        OutboxColumns.Of(rows).AddTo(command.Parameters);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
