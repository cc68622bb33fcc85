using Npgsql;
using NpgsqlTypes;
using Payments.Api.Flow;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Postgres;
using Payments.Platform.Secrets;

namespace Payments.Api.Disputes;

/// <summary>Whose dispute, in which mode: what every query by id must carry.</summary>
public readonly record struct DisputeKey(MerchantId MerchantId, Mode Mode, DisputeId Id);

/// <summary>A dispute that a worker has for a while.</summary>
/// <param name="IsLate">The time for evidence is over, by the database's clock.</param>
public sealed record DueDispute(PaymentKey Payment, DisputeId Id, bool IsLate);

/// <summary>A piece of evidence without its content.</summary>
public sealed record LaidEvidence(string Kind, string Type, int Bytes, DateTimeOffset LaidAt);

/// <summary>Disputes by id, in lists and by deadline, and the evidence laid down for them, which is sealed.</summary>
public sealed class DisputeStore(NpgsqlDataSource database, SecretBox box)
{
    /// <summary>The payment of a dispute; null where the merchant has none such in this mode. Late by the database's clock.</summary>
    public async Task<(PaymentKey Payment, bool IsLate)?> LocateAsync(DisputeKey dispute, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT payment_id, coalesce(evidence_due_by <= now(), false) FROM disputes WHERE merchant_id = $1 AND mode = $2 AND id = $3")
            .With(dispute.MerchantId.Value, Words.Of(dispute.Mode), dispute.Id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? (new PaymentKey(dispute.MerchantId, dispute.Mode, PaymentId.From(row.GetGuid(0))), row.GetBoolean(1)) : null;
    }

    /// <summary>Newest first: ids and payments.</summary>
    public async Task<IReadOnlyList<(DisputeId Id, PaymentKey Payment)>> ListAsync(
        MerchantId merchant, Mode mode, DisputeStatus? status, PaymentId? payment, int limit, Guid? after, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT id, payment_id FROM disputes
            WHERE merchant_id = $1 AND mode = $2 AND ($3::text IS NULL OR status = $3) AND ($4::uuid IS NULL OR payment_id = $4) AND ($5::uuid IS NULL OR id < $5)
            ORDER BY id DESC LIMIT $6
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = merchant.Value });
        command.Parameters.Add(new() { Value = Words.Of(mode) });
        command.Parameters.Add(new() { Value = status is { } wanted ? Words.Of(wanted) : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)payment?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = (object?)after ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(new() { Value = limit });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<(DisputeId, PaymentKey)>();
        while (await row.ReadAsync(cancellationToken))
        {
            found.Add((DisputeId.From(row.GetGuid(0)), new PaymentKey(merchant, mode, PaymentId.From(row.GetGuid(1)))));
        }

        return found;
    }

    /// <summary>Takes what is due, each for a minute. A lease only saves double work.</summary>
    public async Task<IReadOnlyList<DueDispute>> TakeDueAsync(int atMost, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE disputes AS d SET leased_until = now() + interval '60 seconds'
            FROM (
                SELECT merchant_id, mode, id FROM disputes
                WHERE due_at <= now() AND (leased_until IS NULL OR leased_until < now())
                ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ) AS due
            WHERE d.merchant_id = due.merchant_id AND d.mode = due.mode AND d.id = due.id
            RETURNING d.merchant_id, d.mode, d.payment_id, d.id, coalesce(d.evidence_due_by <= now(), false)
            """;
        await using var command = database.CreateCommand(sql).With(atMost);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var taken = new List<DueDispute>();
        while (await row.ReadAsync(cancellationToken))
        {
            taken.Add(new DueDispute(new PaymentKey(MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), PaymentId.From(row.GetGuid(2))), DisputeId.From(row.GetGuid(3)), row.GetBoolean(4)));
        }

        return taken;
    }

    public async Task PostponeAsync(DueDispute taken, TimeSpan delay)
    {
        ArgumentNullException.ThrowIfNull(taken);
        await using var command = database.CreateCommand("UPDATE disputes SET due_at = now() + $4, leased_until = NULL WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND due_at IS NOT NULL")
            .With(taken.Payment.MerchantId.Value, Words.Of(taken.Payment.Mode), taken.Id.Value, delay);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>Lays evidence down, one of each kind; an empty one is taken away. False where the dispute takes none now.</summary>
    public async Task<bool> LayDownAsync(NpgsqlConnection connection, NpgsqlTransaction? transaction, DisputeKey dispute, IReadOnlyList<DisputeEvidence> pieces, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pieces);

        // An answer that is being written locks the row, too: what it sends is what stood before it, for ever.
        const string open = "SELECT FROM disputes WHERE merchant_id = $1 AND mode = $2 AND id = $3 AND takes_evidence AND (evidence_due_by IS NULL OR evidence_due_by > now()) FOR SHARE";
        await using (var lockRow = new NpgsqlCommand(open, connection, transaction).With(dispute.MerchantId.Value, Words.Of(dispute.Mode), dispute.Id.Value))
        {
            await using var row = await lockRow.ExecuteReaderAsync(cancellationToken);
            if (!await row.ReadAsync(cancellationToken))
            {
                return false;
            }
        }

        foreach (var piece in pieces.OrderBy(p => p.Kind, StringComparer.Ordinal))
        {
            await using var command = piece.Content.Length == 0
                ? new NpgsqlCommand("DELETE FROM dispute_evidence WHERE merchant_id = $1 AND mode = $2 AND dispute_id = $3 AND kind = $4", connection, transaction)
                    .With(dispute.MerchantId.Value, Words.Of(dispute.Mode), dispute.Id.Value, piece.Kind)
                : new NpgsqlCommand("""
                    INSERT INTO dispute_evidence (merchant_id, mode, dispute_id, kind, type, bytes, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)
                    ON CONFLICT (merchant_id, mode, dispute_id, kind) DO UPDATE SET type = excluded.type, bytes = excluded.bytes, sealed = excluded.sealed, laid_at = now()
                    """, connection, transaction)
                    .With(dispute.MerchantId.Value, Words.Of(dispute.Mode), dispute.Id.Value, piece.Kind, piece.Type, piece.Content.Length, box.Seal(Convert.ToBase64String(piece.Content.Span), PurposeOf(dispute, piece.Kind)));
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        return true;
    }

    /// <summary>A file by itself: laid down again it takes the former one's place.</summary>
    public async Task<bool> LayDownAsync(DisputeKey dispute, DisputeEvidence file, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await LayDownAsync(connection, transaction, dispute, [file], cancellationToken))
        {
            return false;
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <param name="within">To see what this transaction laid down.</param>
    public async Task<IReadOnlyList<LaidEvidence>> LaidAsync(DisputeKey dispute, NpgsqlTransaction? within, CancellationToken cancellationToken)
    {
        const string sql = "SELECT kind, type, bytes, laid_at FROM dispute_evidence WHERE merchant_id = $1 AND mode = $2 AND dispute_id = $3 ORDER BY kind";
        await using var command = (within is null ? database.CreateCommand(sql) : new NpgsqlCommand(sql, within.Connection, within)).With(dispute.MerchantId.Value, Words.Of(dispute.Mode), dispute.Id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var laid = new List<LaidEvidence>();
        while (await row.ReadAsync(cancellationToken))
        {
            laid.Add(new LaidEvidence(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetFieldValue<DateTimeOffset>(3)));
        }

        return laid;
    }

    /// <summary>With its content, by kind: the same in every repeat.</summary>
    public async Task<IReadOnlyList<DisputeEvidence>> OpenAsync(DisputeKey dispute, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT kind, type, sealed FROM dispute_evidence WHERE merchant_id = $1 AND mode = $2 AND dispute_id = $3 ORDER BY kind")
            .With(dispute.MerchantId.Value, Words.Of(dispute.Mode), dispute.Id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var pieces = new List<DisputeEvidence>();
        while (await row.ReadAsync(cancellationToken))
        {
            pieces.Add(new DisputeEvidence(row.GetString(0), row.GetString(1), Convert.FromBase64String(box.Open(row.GetString(2), PurposeOf(dispute, row.GetString(0))))));
        }

        return pieces;
    }

    private static string PurposeOf(DisputeKey dispute, string kind) => $"dispute-evidence/{dispute.MerchantId}/{Words.Of(dispute.Mode)}/{dispute.Id}/{kind}";
}
