using System.Text.Json;
using Npgsql;
using Payments.Connectors;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Flow;

/// <summary>Names one notice of a provider.</summary>
public sealed record ProviderNoticeKey(Provider Provider, Mode Mode, string NoticeId);

/// <summary>A notice waiting to be applied.</summary>
public sealed record WaitingNotice(ProviderNoticeKey Key, ProviderFact Fact, int Tries);

/// <summary>Providers' notices and incidents. Notices that come, or are settled, at the same time share a commit.</summary>
public sealed class NoticeStore : IAsyncDisposable
{
    /// <summary>Short: providers tell again what they get no answer to, and what is not settled becomes due again.</summary>
    private static readonly GroupWriterOptions Options = new() { Patience = TimeSpan.FromSeconds(5), Gather = TimeSpan.FromMilliseconds(100) };

    private readonly NpgsqlDataSource database;
    private readonly GroupWriter<Kept, bool> keeping;
    private readonly GroupWriter<Settled, bool> marking;

    public NoticeStore(NpgsqlDataSource database, IdSource ids, TimeProvider time)
    {
        this.database = database;
        keeping = new("notices.kept", _ => ids.New<Core.EventId>().Value, KeepAsync, Options, ids, time);
        marking = new("notices.settled", _ => ids.New<Core.EventId>().Value, MarkAsync, Options, ids, time);
    }

    /// <summary>Durable before the provider gets its answer; a notice that came before changes nothing.</summary>
    public Task KeepAsync(ProviderNotice notice) => KeepAsync(notice, (_, _, _) => null);

    /// <param name="reading">What is judged by it and still holds is kept as settled.</param>
    /// <returns>Whether the worker has to look at it.</returns>
    public Task<bool> KeepAsync(ProviderNotice notice, Func<Provider, Mode, ProviderFact, NoticeVerdict?> reading)
    {
        ArgumentNullException.ThrowIfNull(notice);
        ArgumentNullException.ThrowIfNull(reading);
        return keeping.WriteAsync(new Kept(notice, reading));
    }

    /// <summary>Settles a notice that changes no payment.</summary>
    public Task MarkAsync(ProviderNoticeKey? notice, PaymentId? payment, string verdict) =>
        notice is null ? Task.CompletedTask : marking.WriteAsync(new Settled(notice, payment?.Value, verdict));

    public async ValueTask DisposeAsync()
    {
        await keeping.DisposeAsync();
        await marking.DisposeAsync();
    }

    private async Task<IReadOnlyList<bool>> KeepAsync(Guid number, IReadOnlyList<Kept> notices, CancellationToken cancellationToken)
    {
        // A verdict holds where the name still is that payment's, and the payment is of the version that it was judged by.
        const string sql = """
            INSERT INTO provider_notices (provider, mode, notice_id, fact, payment_id, verdict, applied_at, due_at)
            SELECT n.provider, n.mode, n.id, n.fact, k.payment_id, j.verdict, CASE WHEN j.verdict IS NOT NULL THEN now() END, CASE WHEN j.verdict IS NULL THEN now() END
            FROM (
                SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS told (provider, mode, id, fact, verdict, reference, payment, version)
                ORDER BY provider, mode, id
            ) AS n
            LEFT JOIN LATERAL (
                SELECT r.payment_id FROM provider_references AS r JOIN payments AS p ON p.merchant_id = r.merchant_id AND p.mode = r.mode AND p.id = r.payment_id
                WHERE r.provider = n.provider AND r.mode = n.mode AND r.reference = n.reference AND p.id = n.payment AND p.version = n.version
            ) AS k ON true
            CROSS JOIN LATERAL (SELECT CASE WHEN n.payment IS NULL OR k.payment_id IS NOT NULL THEN n.verdict END AS verdict) AS j
            ON CONFLICT DO NOTHING
            RETURNING provider, mode, notice_id, due_at IS NOT NULL
            """;
        // Judged now and not when it came: most come a moment before what they tell is committed.
        var facts = notices.SelectMany(
            n => n.Notice.Facts,
            (kept, fact) => (Provider: Words.Of(kept.Notice.Provider), Mode: Words.Of(kept.Notice.Mode), Fact: fact, Verdict: kept.Reading(kept.Notice.Provider, kept.Notice.Mode, fact))).ToList();
        await using var batch = database.CreateKeyedBatch(
            sql, Each(f => f.Provider), Each(f => f.Mode), Each(f => f.Fact.NoticeId), Each(f => JsonSerializer.Serialize(StoredFact.Of(f.Fact), Json.Options)),
            Each(f => f.Verdict?.Word), Each(f => f.Fact.PaymentReference), Each(f => f.Verdict?.Payment?.Id.Value), Each(f => f.Verdict?.Payment?.Version));
        var due = new HashSet<(string, string, string)>();
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        await row.NextResultAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            if (row.GetBoolean(3))
            {
                due.Add((row.GetString(0), row.GetString(1), row.GetString(2)));
            }
        }

        return [.. notices.Select(n => n.Notice.Facts.Any(f => due.Contains((Words.Of(n.Notice.Provider), Words.Of(n.Notice.Mode), f.NoticeId))))];

        T[] Each<T>(Func<(string Provider, string Mode, ProviderFact Fact, NoticeVerdict? Verdict), T> part) => [.. facts.Select(part)];
    }

    // Of several that settle one notice any may be the one that counts: they have looked at the same payment.
    private async Task<IReadOnlyList<bool>> MarkAsync(Guid number, IReadOnlyList<Settled> settled, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE provider_notices AS n SET applied_at = now(), verdict = s.verdict, payment_id = s.payment, due_at = NULL
            FROM (
                SELECT k.provider, k.mode, k.notice_id, w.verdict, w.payment
                FROM unnest($1, $2, $3, $4, $5) AS w (provider, mode, id, verdict, payment)
                JOIN provider_notices AS k ON k.provider = w.provider AND k.mode = w.mode AND k.notice_id = w.id
                ORDER BY k.provider, k.mode, k.notice_id FOR UPDATE OF k) AS s
            WHERE n.provider = s.provider AND n.mode = s.mode AND n.notice_id = s.notice_id
            """;
        await using var batch = database.CreateKeyedBatch(
            sql, settled.Select(s => Words.Of(s.Notice.Provider)).ToArray(), settled.Select(s => Words.Of(s.Notice.Mode)).ToArray(), settled.Select(s => s.Notice.NoticeId).ToArray(),
            settled.Select(s => s.Verdict).ToArray(), settled.Select(s => s.Payment).ToArray());
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return [.. settled.Select(_ => true)];
    }

    /// <summary>Takes notices that are due, each for a lease: whoever dies with one leaves it to the next after that.</summary>
    public async Task<IReadOnlyList<WaitingNotice>> TakeDueAsync(int atMost, TimeSpan lease, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE provider_notices AS n SET due_at = now() + $2, tries = n.tries + 1
            FROM (
                SELECT provider, mode, notice_id FROM provider_notices
                WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ) AS due
            WHERE n.provider = due.provider AND n.mode = due.mode AND n.notice_id = due.notice_id
            RETURNING n.provider, n.mode, n.notice_id, n.fact, n.tries
            """;
        await using var batch = database.CreateKeyedBatch(sql, atMost, lease);
        await using var row = await batch.ExecuteReaderAsync(cancellationToken);
        await row.NextResultAsync(cancellationToken);
        var taken = new List<WaitingNotice>();
        while (await row.ReadAsync(cancellationToken))
        {
            var key = new ProviderNoticeKey(Words.Parse<Provider>(row.GetString(0)), Words.Parse<Mode>(row.GetString(1)), row.GetString(2));
            taken.Add(new WaitingNotice(key, JsonSerializer.Deserialize<StoredFact>(row.GetString(3), Json.Options)!.ToFact(key.NoticeId), row.GetInt32(4)));
        }

        return taken;
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

    private sealed record Kept(ProviderNotice Notice, Func<Provider, Mode, ProviderFact, NoticeVerdict?> Reading);

    private sealed record Settled(ProviderNoticeKey Notice, Guid? Payment, string Verdict);

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
