using System.Text.Json;
using Npgsql;
using Payments.Connectors;
using Payments.Core;

namespace Payments.Api.Flow;

/// <summary>Names one notice of a provider.</summary>
public sealed record ProviderNoticeKey(Provider Provider, Mode Mode, string NoticeId);

/// <summary>A notice waiting to be applied.</summary>
public sealed record WaitingNotice(ProviderNoticeKey Key, ProviderFact Fact, int Tries);

/// <summary>Providers' notices and incidents.</summary>
public sealed class NoticeStore(NpgsqlDataSource database)
{
    /// <summary>Durable before the provider gets its answer; a notice that came before changes nothing.</summary>
    public async Task KeepAsync(ProviderNotice notice, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(notice);
        const string sql = """
            INSERT INTO provider_notices (provider, mode, notice_id, fact)
            SELECT $1, $2, id, fact FROM unnest($3, $4) AS n (id, fact) ORDER BY id
            ON CONFLICT DO NOTHING
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = Words.Of(notice.Provider) });
        command.Parameters.Add(new() { Value = Words.Of(notice.Mode) });
        command.Parameters.Add(new() { Value = notice.Facts.Select(f => f.NoticeId).ToArray() });
        command.Parameters.Add(new() { Value = notice.Facts.Select(f => JsonSerializer.Serialize(StoredFact.Of(f), Json.Options)).ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Takes notices that are due, each for half a minute.</summary>
    public async Task<IReadOnlyList<WaitingNotice>> TakeDueAsync(int atMost, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE provider_notices AS n SET due_at = now() + interval '30 seconds', tries = n.tries + 1
            FROM (
                SELECT provider, mode, notice_id FROM provider_notices
                WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ) AS due
            WHERE n.provider = due.provider AND n.mode = due.mode AND n.notice_id = due.notice_id
            RETURNING n.provider, n.mode, n.notice_id, n.fact, n.tries
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = atMost });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var taken = new List<WaitingNotice>();
        while (await row.ReadAsync(cancellationToken))
        {
            var key = new ProviderNoticeKey(Words.Parse<Provider>(row.GetString(0)), Words.Parse<Mode>(row.GetString(1)), row.GetString(2));
            taken.Add(new WaitingNotice(key, JsonSerializer.Deserialize<StoredFact>(row.GetString(3), Json.Options)!.ToFact(key.NoticeId), row.GetInt32(4)));
        }

        return taken;
    }

    /// <summary>Settles a notice that changes no payment.</summary>
    public async Task MarkAsync(ProviderNoticeKey? notice, PaymentId? payment, string verdict, CancellationToken cancellationToken)
    {
        if (notice is null)
        {
            return;
        }

        const string sql = """
            UPDATE provider_notices SET applied_at = now(), verdict = $4, payment_id = $5, due_at = NULL
            WHERE provider = $1 AND mode = $2 AND notice_id = $3
            """;
        await using var command = database.CreateCommand(sql);
        AddKey(command, notice);
        command.Parameters.Add(new() { Value = verdict });
        command.Parameters.Add(new() { Value = (object?)payment?.Value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task PostponeAsync(ProviderNoticeKey notice, TimeSpan delay, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(notice);
        await using var command = database.CreateCommand("UPDATE provider_notices SET due_at = now() + $4 WHERE provider = $1 AND mode = $2 AND notice_id = $3 AND due_at IS NOT NULL");
        AddKey(command, notice);
        command.Parameters.Add(new() { Value = delay });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Notices that found no payment under this name are looked at again: there is one now.</summary>
    public async Task TakeUpAgainAsync(Provider provider, Mode mode, string reference, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE provider_notices SET applied_at = NULL, verdict = NULL, due_at = now(), tries = 0
            WHERE provider = $1 AND mode = $2 AND verdict = 'unknown_reference' AND (fact::jsonb)->>'payment_reference' = $3
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = Words.Of(provider) });
        command.Parameters.Add(new() { Value = Words.Of(mode) });
        command.Parameters.Add(new() { Value = reference });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Raises an incident, or counts it on the row of an open one of the same kind and subject.</summary>
    public async Task RaiseAsync(MerchantId? merchant, Mode mode, PaymentId? payment, Incident incident, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(incident);
        const string sql = """
            INSERT INTO incidents AS i (id, merchant_id, mode, kind, payment_id, attempt_id, detail, subject)
            VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, incident_subject($5, $6, $7)))
            ON CONFLICT (kind, mode, subject) WHERE closed_at IS NULL DO UPDATE SET seen = i.seen + 1, last_seen_at = now(), detail = excluded.detail
            """;
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = incident.Id.Value });
        command.Parameters.Add(Uuid(merchant?.Value));
        command.Parameters.Add(new() { Value = Words.Of(mode) });
        command.Parameters.Add(new() { Value = incident.Kind });
        command.Parameters.Add(Uuid(payment?.Value));
        command.Parameters.Add(Uuid(incident.AttemptId?.Value));
        command.Parameters.Add(new() { Value = incident.Detail });
        command.Parameters.Add(new() { Value = (object?)incident.Subject ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>It settled itself.</summary>
    public async Task CloseAsync(PaymentId payment, Incident incident, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(incident);
        const string sql = "UPDATE incidents SET closed_at = now(), closed_by = $5, close_reason = 'the provider was asked, and that settled it' WHERE closed_at IS NULL AND kind = $1 AND payment_id = $2 AND attempt_id IS NOT DISTINCT FROM $3 AND detail = $4";
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new() { Value = incident.Kind });
        command.Parameters.Add(new() { Value = payment.Value });
        command.Parameters.Add(Uuid(incident.AttemptId?.Value));
        command.Parameters.Add(new() { Value = incident.Detail });
        command.Parameters.Add(new() { Value = Resolver.Actor });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter Uuid(Guid? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid };

    private static void AddKey(NpgsqlCommand command, ProviderNoticeKey notice)
    {
        command.Parameters.Add(new() { Value = Words.Of(notice.Provider) });
        command.Parameters.Add(new() { Value = Words.Of(notice.Mode) });
        command.Parameters.Add(new() { Value = notice.NoticeId });
    }

    /// <summary>A fact as the table keeps it.</summary>
    private sealed record StoredFact(
        ProviderFactKind Kind,
        string PaymentReference,
        string? ModificationReference,
        AttemptId? AttemptId,
        PaymentId? PaymentId,
        long? Amount,
        string? Currency,
        bool Captured,
        Decline? Decline,
        DateTimeOffset? OccurredAt,
        string? RawType,
        ProviderCharge? Charge = null,
        AuthenticationOutcome? Authentication = null,
        DisputeFact? Dispute = null)
    {
        public static StoredFact Of(ProviderFact fact) => new(
            fact.Kind, fact.PaymentReference, fact.ModificationReference, fact.AttemptId, fact.PaymentId, fact.Amount?.Minor, fact.Amount?.Currency.Code,
            fact.Captured, fact.Decline, fact.OccurredAt, fact.RawType, fact.Charge, fact.Authentication, fact.Dispute);

        public ProviderFact ToFact(string noticeId) => new(noticeId, Kind, PaymentReference)
        {
            ModificationReference = ModificationReference,
            AttemptId = AttemptId,
            PaymentId = PaymentId,
            Amount = Amount is { } minor && Currency is { } code ? new Money(minor, Core.Currency.Of(code)) : null,
            Captured = Captured,
            Decline = Decline,
            OccurredAt = OccurredAt,
            RawType = RawType,
            Charge = Charge,
            Authentication = Authentication,
            Dispute = Dispute,
        };
    }
}
