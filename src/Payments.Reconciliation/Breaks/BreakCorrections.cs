using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Breaks;

/// <param name="Version">Of the break as it was seen.</param>
/// <param name="Merchant">Where nothing of ours says whose it is.</param>
public sealed record CorrectionRequest(Bearer Bearer, string Reason, int Version, MerchantId? Merchant);

/// <summary>
/// Closes breaks by journals: what the ledger has to book is planned from the break's own amounts and laid down with the proposal, due at
/// once or when a second person agrees. The break is closed when the ledger has all of it.
/// </summary>
public sealed class BreakCorrections(NpgsqlDataSource database)
{
    // What was booked for the break before is not booked again; what was only proposed is replaced.
    private const string Read = """
        SELECT b.mode, b.provider, b.currency, b.state, b.version, b.payment_id, l.gross, l.accrued, l.variance, l.merchant_id, least(l.occurred_at, now()),
            coalesce(sum(k.moved) FILTER (WHERE k.component = 'gross'), 0)::bigint, coalesce(sum(k.moved) FILTER (WHERE k.component = 'accrued'), 0)::bigint,
            coalesce(sum(k.moved) FILTER (WHERE k.component = 'variance'), 0)::bigint
        FROM recon.breaks b LEFT JOIN LATERAL recon.left_by(b) l ON true LEFT JOIN recon.bookings k ON k.break_id = b.break_id AND k.booked_at IS NOT NULL
        WHERE b.break_id = $1 GROUP BY b.break_id, l.gross, l.accrued, l.variance, l.merchant_id, l.occurred_at
        """;

    private const string Forget = "DELETE FROM recon.bookings WHERE break_id = $1 AND booked_at IS NULL";

    private const string Propose = """
        UPDATE recon.breaks SET correction = $2, reason = $3, journal = NULL, proposed_by = $4, approved_by = NULL, moves = $5,
            state = CASE WHEN recon.needs_four_eyes(currency, greatest(abs(amount), $5)) THEN 'proposed' ELSE 'booking' END
        WHERE break_id = $1 RETURNING version, state
        """;

    private const string Lay = """
        INSERT INTO recon.bookings (subject, mode, provider, what, name, content, due_at, break_id, step, component, moved)
        VALUES (md5(concat_ws('|', 'correction', $1, $2, $3))::uuid, $4, $5, 'correction', $6, $7, CASE WHEN $8 THEN now() END, $1, $3, $9, $10)
        """;

    private const string OfRules = """
        SELECT b.break_id, b.resolved_by, b.reason, b.version, s.correction FROM recon.breaks b
        JOIN LATERAL (SELECT s.correction FROM recon.resolutions s WHERE 'rule ' || s.number = b.resolved_by) s ON s.correction IS NOT NULL
        WHERE b.resolved_how = 'rule' AND NOT EXISTS (SELECT 1 FROM recon.bookings k WHERE k.break_id = b.break_id) ORDER BY b.break_id LIMIT 1000
        """;

    private sealed record Found(
        Mode Mode, string Provider, string Currency, BreakState State, int Version, Guid? Payment, LeftBy? Left, Guid? Merchant, DateTimeOffset? At);

    public async Task<ResolveVerdict> ResolveAsync(ReconciliationBreakId id, CorrectionRequest request, string actor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var hold = new NpgsqlCommand("SELECT 1 FROM recon.breaks WHERE break_id = $1 FOR UPDATE", connection, transaction).With(id.Value))
        {
            await hold.ExecuteNonQueryAsync(cancellationToken);
        }

        var found = await FindAsync(connection, transaction, id, cancellationToken);
        var steps = found?.Left is { } left ? Corrections.Plan(left, request.Bearer) : [];
        var merchant = found?.Merchant ?? request.Merchant?.Value;
        switch (found)
        {
            case null:
                return ResolveVerdict.NotFound;
            case { State: BreakState.Booking or BreakState.Resolved }:
                return ResolveVerdict.WrongState;
            case { Version: var version } when version != request.Version:
                return ResolveVerdict.Changed;
            case { } when steps.Count == 0:
                return ResolveVerdict.NothingToBook;
            case { } when merchant is null && Corrections.NeedsMerchant(steps, request.Bearer):
                return ResolveVerdict.MerchantMissing;
        }

        await using (var forget = new NpgsqlCommand(Forget, connection, transaction).With(id.Value))
        {
            await forget.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var propose = new NpgsqlCommand(Propose, connection, transaction).With(id.Value, Words.Of(request.Bearer), request.Reason, actor, steps[0].Amount);
        var (proposed, isDue) = await ProposedAsync(propose, cancellationToken);
        await LayAsync(connection, transaction, id, proposed, found, merchant, steps, request.Reason, actor, isDue, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return ResolveVerdict.Done;
    }

    /// <summary>Lays down what the ledger has to book of breaks that rules closed.</summary>
    public async Task AskForRulesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var closed = new List<(ReconciliationBreakId Id, string Rule, string Reason, int Version, Bearer Bearer)>();
        await using (var command = new NpgsqlCommand(OfRules, connection))
        {
            await using var r = await command.ExecuteReaderAsync(cancellationToken);
            while (await r.ReadAsync(cancellationToken))
            {
                closed.Add((new(r.GetGuid(0)), r.GetString(1), r.GetString(2), r.GetInt32(3), Words.Parse<Bearer>(r.GetString(4))));
            }
        }

        foreach (var (id, rule, reason, version, bearer) in closed)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            if (await FindAsync(connection, transaction, id, cancellationToken) is { Left: { } left } found && Corrections.Plan(left, bearer) is { Count: > 0 } steps)
            {
                await LayAsync(connection, transaction, id, version, found, found.Merchant, steps, reason, rule, isDue: true, cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
        }
    }

    private static async Task<Found?> FindAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, ReconciliationBreakId id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Read, connection, transaction).With(id.Value);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        if (!await r.ReadAsync(cancellationToken))
        {
            return null;
        }

        var left = r.IsDBNull(6) ? (LeftBy?)null : new LeftBy(r.GetInt64(6), r.GetInt64(7), r.GetInt64(8)) - new LeftBy(r.GetInt64(11), r.GetInt64(12), r.GetInt64(13));
        return new(
            Words.Parse<Mode>(r.GetString(0)), r.GetString(1), r.GetString(2), Words.Parse<BreakState>(r.GetString(3)), r.GetInt32(4), r.IsDBNull(5) ? null : r.GetGuid(5), left,
            r.IsDBNull(9) ? null : r.GetGuid(9), r.IsDBNull(10) ? null : r.GetFieldValue<DateTimeOffset>(10));
    }

    private static async Task<(int Version, bool IsDue)> ProposedAsync(NpgsqlCommand propose, CancellationToken cancellationToken)
    {
        await using var r = await propose.ExecuteReaderAsync(cancellationToken);
        await r.ReadAsync(cancellationToken);
        return (r.GetInt32(0), r.GetString(1) == Words.Of(BreakState.Booking));
    }

    private static async Task LayAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, ReconciliationBreakId id, int version, Found found, Guid? merchant, IReadOnlyList<CorrectionStep> steps, string reason,
        string actor, bool isDue, CancellationToken cancellationToken)
    {
        foreach (var (step, place) in steps.Select((s, i) => (s, i + 1)))
        {
            var correction = new LedgerCorrection(
                default, found.Mode, step.Kind, Words.Parse<Provider>(found.Provider), found.Currency, step.Amount, found.At!.Value, reason, id, actor, null,
                merchant is { } m ? new MerchantId(m) : null, found.Payment is { } p ? new PaymentId(p) : null);
            await using var lay = new NpgsqlCommand(Lay, connection, transaction)
                .With(id.Value, version, (short)place, ModeNames.Of(found.Mode), found.Provider, id.ToString());
            lay.Parameters.Add(new() { Value = JsonSerializer.Serialize(correction, Json.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
            lay.With(isDue, Words.Of(step.Part), step.Moved);
            await lay.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
