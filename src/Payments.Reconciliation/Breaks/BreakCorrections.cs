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
        SELECT b.mode, b.leg, b.provider, b.currency, b.state, b.version, b.payment_id, l.gross, l.accrued, l.variance, l.merchant_id, least(l.occurred_at, now()),
            coalesce(sum(k.moved) FILTER (WHERE k.component = 'gross'), 0)::bigint, coalesce(sum(k.moved) FILTER (WHERE k.component = 'accrued'), 0)::bigint,
            coalesce(sum(k.moved) FILTER (WHERE k.component = 'variance'), 0)::bigint
        FROM recon.breaks b LEFT JOIN LATERAL recon.left_by(b) l ON true LEFT JOIN recon.bookings k ON k.break_id = b.break_id AND k.booked_at IS NOT NULL
        WHERE b.break_id = $1 GROUP BY b.break_id, l.gross, l.accrued, l.variance, l.merchant_id, l.occurred_at
        """;

    // What the ledger may have been asked for is never taken back: nobody knows what became of it until it answers.
    // Nor is what the payment path was told of and takes into the books by itself.
    private const string Asked = """
        SELECT EXISTS (SELECT FROM recon.bookings WHERE break_id = $1 AND booked_at IS NULL AND due_at IS NOT NULL)
            OR EXISTS (SELECT FROM recon.told_charges WHERE break_id = $1 AND (verdict IS NULL OR verdict IN ('suspend', 'recover')))
        """;

    private const string Known = "SELECT EXISTS (SELECT FROM recon.merchants WHERE mode = $1 AND merchant_id = $2)";

    private const string Forget = "DELETE FROM recon.bookings WHERE break_id = $1 AND booked_at IS NULL AND due_at IS NULL";

    private const string Propose = """
        UPDATE recon.breaks SET correction = $2, reason = $3, journal = NULL, proposed_by = $4, approved_by = NULL, moves = $5, merchant_id = $6, plan = $7, closing_rule = NULL,
            state = CASE WHEN recon.needs_four_eyes(currency, greatest(abs(amount), $5)) THEN 'proposed' ELSE 'booking' END
        WHERE break_id = $1 RETURNING version, state
        """;

    private const string Lay = """
        INSERT INTO recon.bookings (subject, mode, provider, what, name, content, due_at, break_id, step, component, moved)
        VALUES (md5(concat_ws('|', 'correction', $1, $2, $3))::uuid, $4, $5, 'correction', $6, $7, CASE WHEN $8 THEN now() END, $1, $3, $9, $10)
        """;

    private const string OfRules = """
        SELECT b.break_id, b.version, s.number, s.correction, b.resolved_by, b.reason FROM recon.breaks b
        JOIN recon.resolutions s ON 'rule ' || s.number = b.resolved_by AND s.correction IS NOT NULL
        WHERE b.state = 'resolved' AND b.resolved_how = 'rule' AND b.considered IS DISTINCT FROM b.version ORDER BY b.break_id LIMIT 1000
        """;

    private const string StillClosed = """
        SELECT 1 FROM recon.breaks WHERE break_id = $1 AND version = $2 AND state = 'resolved' AND resolved_how = 'rule' AND resolved_by = $3 FOR UPDATE
        """;

    private const string Consider = "UPDATE recon.breaks SET considered = version WHERE break_id = $1";

    private const string BookForRule = """
        UPDATE recon.breaks SET state = 'booking', correction = $2, moves = $3, merchant_id = $4, plan = $5, closing_rule = $6, resolved_by = NULL, resolved_how = NULL, resolved_at = NULL
        WHERE break_id = $1 RETURNING version, state
        """;

    private sealed record ClosedByRule(ReconciliationBreakId Id, int Version, int Rule, Bearer Bearer, string By, string Reason);

    private sealed record Found(
        Book Book, string Currency, BreakState State, int Version, Guid? Payment, LeftBy? Left, Guid? Merchant, DateTimeOffset? At);

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
        var steps = found?.Left is { } left ? Corrections.Plan(found.Book, left, request.Bearer) : [];
        var merchant = found?.Merchant ?? request.Merchant?.Value;
        switch (found)
        {
            case null:
                return ResolveVerdict.NotFound;
            case { State: BreakState.Booking or BreakState.Resolved }:
            case { } when await IsAsync(connection, transaction, Asked, cancellationToken, id.Value):
                return ResolveVerdict.WrongState;
            case { Version: var version } when version != request.Version:
                return ResolveVerdict.Changed;
            case { } when steps.Count == 0:
                return ResolveVerdict.NothingToBook;
            case { } when merchant is null && Corrections.NeedsMerchant(steps, request.Bearer):
                return ResolveVerdict.MerchantMissing;
            case { Book.Mode: var mode, Merchant: null } when merchant is { } named && !await IsAsync(connection, transaction, Known, cancellationToken, ModeNames.Of(mode), named):
                return ResolveVerdict.MerchantUnknown;
        }

        await ForgetAsync(connection, transaction, id, cancellationToken);
        await using var propose = new NpgsqlCommand(Propose, connection, transaction).With(id.Value, Words.Of(request.Bearer), request.Reason, actor, steps[0].Amount, merchant);
        propose.With(Corrections.Text(steps));
        var (proposed, isDue) = await ProposedAsync(propose, cancellationToken);
        await LayAsync(connection, transaction, id, proposed, found, merchant, steps, request.Reason, actor, isDue, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return ResolveVerdict.Done;
    }

    /// <summary>Lays down what the ledger has to book of breaks that rules closed.</summary>
    public async Task AskForRulesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        foreach (var closed in await ClosedByRulesAsync(connection, cancellationToken))
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await AskForRuleAsync(connection, transaction, closed, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
    }

    // Between being listed and being held a comparison may have made another break of it, which the rule knows nothing of.
    private static async Task AskForRuleAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, ClosedByRule closed, CancellationToken cancellationToken)
    {
        await using (var hold = new NpgsqlCommand(StillClosed, connection, transaction).With(closed.Id.Value, closed.Version, closed.By))
        {
            if (await hold.ExecuteScalarAsync(cancellationToken) is null || await IsAsync(connection, transaction, Asked, cancellationToken, closed.Id.Value))
            {
                return;
            }
        }

        if (await FindAsync(connection, transaction, closed.Id, cancellationToken) is { Left: { } left } found && Corrections.Plan(found.Book, left, closed.Bearer) is { Count: > 0 } steps)
        {
            await ForgetAsync(connection, transaction, closed.Id, cancellationToken);
            await using var book = new NpgsqlCommand(BookForRule, connection, transaction)
                .With(closed.Id.Value, Words.Of(closed.Bearer), steps[0].Amount, found.Merchant, Corrections.Text(steps), closed.Rule);
            var (version, _) = await ProposedAsync(book, cancellationToken);
            await LayAsync(connection, transaction, closed.Id, version, found, found.Merchant, steps, closed.Reason, closed.By, isDue: true, cancellationToken);
            return;
        }

        await using var consider = new NpgsqlCommand(Consider, connection, transaction).With(closed.Id.Value);
        await consider.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<List<ClosedByRule>> ClosedByRulesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(OfRules, connection);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        var closed = new List<ClosedByRule>();
        while (await r.ReadAsync(cancellationToken))
        {
            closed.Add(new(new(r.GetGuid(0)), r.GetInt32(1), r.GetInt32(2), Words.Parse<Bearer>(r.GetString(3)), r.GetString(4), r.GetString(5)));
        }

        return closed;
    }

    private static async Task<bool> IsAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, string question, CancellationToken cancellationToken, params object[] values)
    {
        await using var command = new NpgsqlCommand(question, connection, transaction);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    // What was only proposed would keep what is laid down now from being the last of its break.
    private static async Task ForgetAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, ReconciliationBreakId id, CancellationToken cancellationToken)
    {
        await using var forget = new NpgsqlCommand(Forget, connection, transaction).With(id.Value);
        await forget.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<Found?> FindAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, ReconciliationBreakId id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Read, connection, transaction).With(id.Value);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        if (!await r.ReadAsync(cancellationToken))
        {
            return null;
        }

        var left = r.IsDBNull(7) ? (LeftBy?)null : new LeftBy(r.GetInt64(7), r.GetInt64(8), r.GetInt64(9)) - new LeftBy(r.GetInt64(12), r.GetInt64(13), r.GetInt64(14));
        return new(
            new(Words.Parse<Mode>(r.GetString(0)), Words.Parse<Leg>(r.GetString(1)), r.GetString(2)), r.GetString(3), Words.Parse<BreakState>(r.GetString(4)), r.GetInt32(5),
            r.IsDBNull(6) ? null : r.GetGuid(6), left, r.IsDBNull(10) ? null : r.GetGuid(10), r.IsDBNull(11) ? null : r.GetFieldValue<DateTimeOffset>(11));
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
                default, found.Book.Mode, step.Kind, Words.TryParse<Provider>(found.Book.Provider, out var provider) ? provider : null, found.Currency, step.Amount, found.At!.Value, reason, id, actor, null,
                merchant is { } m ? new MerchantId(m) : null, found.Payment is { } p ? new PaymentId(p) : null);
            await using var lay = new NpgsqlCommand(Lay, connection, transaction)
                .With(id.Value, version, (short)place, ModeNames.Of(found.Book.Mode), found.Book.Provider, id.ToString());
            lay.Parameters.Add(new() { Value = JsonSerializer.Serialize(correction, Json.Options), NpgsqlDbType = NpgsqlDbType.Jsonb });
            lay.With(isDue, Words.Of(step.Part), step.Moved);
            await lay.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
