using Npgsql;
using NpgsqlTypes;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Api.Reviews;

/// <summary>A row of the queue. Times are the database's.</summary>
/// <param name="DueAt">When the clock decides; of a decided one, when it is looked whether what follows was done.</param>
/// <param name="ClaimedUntil">Absent, or in the past: nobody has it.</param>
public sealed record ReviewRow(
    PaymentKey Payment, int? Score, DateTimeOffset OpenedAt, DateTimeOffset? DueAt, OperatorKeyId? ClaimedBy, string? ClaimedName, DateTimeOffset? ClaimedUntil, bool IsClaimed,
    ReviewOutcome? Outcome, bool? Automatic, string? DecidedBy, string? Reason, DateTimeOffset? DecidedAt, DateTimeOffset? LapsedAt)
{
    public ReviewId Id => ReviewId.From(Payment.Id.Value);

    public ReviewStatus Status => Outcome switch
    {
        ReviewOutcome.Approved => ReviewStatus.Approved,
        ReviewOutcome.Rejected => ReviewStatus.Rejected,
        ReviewOutcome.ChallengeRequested => ReviewStatus.ChallengeRequested,
        _ => LapsedAt is null ? ReviewStatus.Open : ReviewStatus.Lapsed,
    };
}

public sealed record ReviewFilter(ReviewStatus? Status, MerchantId? Merchant, Mode? Mode, bool? Claimed);

public sealed record ReviewNote(ReviewNoteId Id, DateTimeOffset At, string By, string Note);

/// <summary>Payments that wait, or waited, for a person. Rows are made and decided in the commits of their payments; here they are read, claimed and written about.</summary>
public sealed class ReviewStore(NpgsqlDataSource database)
{
    /// <summary>How long a claim lasts; claiming again makes it last anew.</summary>
    public static readonly TimeSpan ClaimLease = TimeSpan.FromMinutes(15);

    private const string Columns = """
        r.merchant_id, r.mode, r.payment_id, r.score, r.opened_at, r.due_at, r.claimed_by, r.claimed_name, r.claimed_until, coalesce(r.claimed_until > now(), false),
        r.outcome, r.automatic, r.decided_by, r.reason, r.decided_at, r.lapsed_at
        """;

    /// <summary>Oldest first: they are the most urgent.</summary>
    public async Task<IReadOnlyList<ReviewRow>> ListAsync(ReviewFilter filter, Guid? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        const string sql = $"""
            SELECT {Columns} FROM reviews AS r
            WHERE ($1::text IS NULL OR coalesce(r.outcome, CASE WHEN r.lapsed_at IS NULL THEN 'open' ELSE 'lapsed' END) = $1)
              AND ($2::uuid IS NULL OR r.merchant_id = $2) AND ($3::text IS NULL OR r.mode = $3)
              AND ($4::boolean IS NULL OR coalesce(r.claimed_until > now(), false) = $4) AND ($5::uuid IS NULL OR r.payment_id > $5)
            ORDER BY r.payment_id LIMIT $6
            """;
        await using var command = database.CreateCommand(sql);
        Add(command, NpgsqlDbType.Text, filter.Status is { } status ? Words.Of(status) : null);
        Add(command, NpgsqlDbType.Uuid, filter.Merchant?.Value);
        Add(command, NpgsqlDbType.Text, filter.Mode is { } mode ? Words.Of(mode) : null);
        Add(command, NpgsqlDbType.Boolean, filter.Claimed);
        Add(command, NpgsqlDbType.Uuid, after);
        Add(command, NpgsqlDbType.Integer, limit);
        return await ReadAsync(command, cancellationToken);
    }

    public async Task<ReviewRow?> FindAsync(ReviewId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"SELECT {Columns} FROM reviews AS r WHERE r.payment_id = $1").With(id.Value);
        return await ReadAsync(command, cancellationToken) is [var row] ? row : null;
    }

    public static async Task<ReviewRow?> LockAsync(NpgsqlTransaction transaction, ReviewId id, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        await using var command = new NpgsqlCommand($"SELECT {Columns} FROM reviews AS r WHERE r.payment_id = $1 FOR UPDATE", transaction.Connection, transaction).With(id.Value);
        return await ReadAsync(command, cancellationToken) is [var row] ? row : null;
    }

    /// <summary>Of a locked row that is open and nobody else's.</summary>
    public static async Task ClaimAsync(NpgsqlTransaction transaction, ReviewId id, OperatorIdentity @operator, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(@operator);
        await using var command = new NpgsqlCommand(
            "UPDATE reviews SET claimed_by = $2, claimed_name = $3, claimed_until = now() + $4 WHERE payment_id = $1", transaction.Connection, transaction)
            .With(id.Value, @operator.KeyId.Value, @operator.Name, ClaimLease);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task ReleaseAsync(NpgsqlTransaction transaction, ReviewId id, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        await using var command = new NpgsqlCommand(
            "UPDATE reviews SET claimed_by = NULL, claimed_name = NULL, claimed_until = NULL WHERE payment_id = $1 AND decided_at IS NULL", transaction.Connection, transaction).With(id.Value);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task NoteAsync(NpgsqlTransaction transaction, ReviewRow review, ReviewNote note, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        ArgumentNullException.ThrowIfNull(review);
        ArgumentNullException.ThrowIfNull(note);
        const string sql = "INSERT INTO review_notes (merchant_id, mode, payment_id, id, at, by, note) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(
            review.Payment.MerchantId.Value, Words.Of(review.Payment.Mode), review.Payment.Id.Value, note.Id.Value, note.At, note.By, note.Note);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<IReadOnlyList<ReviewNote>> NotesAsync(ReviewId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT id, at, by, note FROM review_notes WHERE payment_id = $1 ORDER BY id").With(id.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var notes = new List<ReviewNote>();
        while (await row.ReadAsync(cancellationToken))
        {
            notes.Add(new ReviewNote(ReviewNoteId.From(row.GetGuid(0)), row.GetFieldValue<DateTimeOffset>(1), row.GetString(2), row.GetString(3)));
        }

        return notes;
    }

    /// <summary>What the clock has to look at now; taken for a while, so that two replicas do not look at one.</summary>
    public async Task<IReadOnlyList<ReviewRow>> TakeDueAsync(int most, TimeSpan lease, CancellationToken cancellationToken)
    {
        const string sql = $"""
            UPDATE reviews AS r SET leased_until = now() + $2
            FROM (
                SELECT d.merchant_id, d.mode, d.payment_id FROM reviews AS d
                WHERE d.due_at <= now() AND (d.leased_until IS NULL OR d.leased_until < now())
                ORDER BY d.due_at LIMIT $1 FOR UPDATE SKIP LOCKED
            ) AS due
            WHERE r.merchant_id = due.merchant_id AND r.mode = due.mode AND r.payment_id = due.payment_id
            RETURNING {Columns}
            """;
        await using var command = database.CreateCommand(sql).With(most, lease);
        return await ReadAsync(command, cancellationToken);
    }

    /// <param name="after">Absent: nothing is left to do.</param>
    public async Task PostponeAsync(PaymentKey payment, TimeSpan? after, CancellationToken cancellationToken)
    {
        const string sql = "UPDATE reviews SET leased_until = NULL, due_at = now() + $4 WHERE merchant_id = $1 AND mode = $2 AND payment_id = $3";
        await using var command = database.CreateCommand(sql).With(payment.MerchantId.Value, Words.Of(payment.Mode), payment.Id.Value);
        Add(command, NpgsqlDbType.Interval, after);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Nobody will decide any more; nothing where somebody has.</summary>
    public async Task LapseAsync(PaymentKey payment, CancellationToken cancellationToken)
    {
        const string sql = """
            UPDATE reviews SET leased_until = NULL, due_at = NULL, claimed_until = NULL, lapsed_at = now()
            WHERE merchant_id = $1 AND mode = $2 AND payment_id = $3 AND decided_at IS NULL AND lapsed_at IS NULL
            """;
        await using var command = database.CreateCommand(sql).With(payment.MerchantId.Value, Words.Of(payment.Mode), payment.Id.Value);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>How many wait, and how old the oldest is.</summary>
    public async Task<(long Open, TimeSpan Oldest)> MeasureAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT count(*), coalesce(max(now() - opened_at), interval '0') FROM reviews WHERE decided_at IS NULL AND lapsed_at IS NULL AND due_at IS NOT NULL");
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);
        return (row.GetInt64(0), row.GetTimeSpan(1));
    }

    private static void Add(NpgsqlCommand command, NpgsqlDbType type, object? value) =>
        command.Parameters.Add(new() { Value = value ?? DBNull.Value, NpgsqlDbType = type });

    private static async Task<IReadOnlyList<ReviewRow>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<ReviewRow>();
        while (await row.ReadAsync(cancellationToken))
        {
            rows.Add(new ReviewRow(
                new PaymentKey(MerchantId.From(row.GetGuid(0)), Words.Parse<Mode>(row.GetString(1)), PaymentId.From(row.GetGuid(2))),
                row.IsDBNull(3) ? null : row.GetInt32(3), row.Instant(4)!.Value, row.Instant(5), row.IsDBNull(6) ? null : OperatorKeyId.From(row.GetGuid(6)), row.Text(7),
                row.Instant(8), row.GetBoolean(9), row.Text(10) is { } outcome ? Words.Parse<ReviewOutcome>(outcome) : null, row.IsDBNull(11) ? null : row.GetBoolean(11),
                row.Text(12), row.Text(13), row.Instant(14), row.Instant(15)));
        }

        return rows;
    }
}
