using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Breaks;

public enum BreakState
{
    Open,

    /// <summary>Somebody says what closes it; because of its amount another person has to agree.</summary>
    Proposed,

    /// <summary>It is agreed, and the ledger is asked for its journals.</summary>
    Booking,
    Resolved,
}

/// <summary>What somebody wrote about a break.</summary>
public sealed record BreakNote(string Author, string Note, DateTimeOffset At);

/// <param name="Kind">Of the ledger's table of corrections.</param>
/// <param name="Journal">Null: it is not booked yet.</param>
public sealed record BreakStep(string Kind, string Currency, long Amount, string? Journal);

/// <param name="Merchant">Whose money a correction moves.</param>
/// <param name="Difference">Ours less theirs, in minor units.</param>
/// <param name="AgeDays">Since the day it belongs to.</param>
public sealed record BreakView(
    ReconciliationBreakId Id, string Object, Mode Mode, Leg Leg, string Provider, DateOnly Day, string Class, string Currency, long Difference, string Priority, BreakState State,
    string? Owner, PaymentId? Payment, string? Journal, string? Reason, string? ProposedBy, string? ResolvedBy, string? Correction, MerchantId? Merchant, int Version, int AgeDays, DateTimeOffset OpenedAt, DateTimeOffset? ResolvedAt);

public enum ResolveVerdict
{
    Done,
    NotFound,

    /// <summary>It was resolved before, or nothing was proposed.</summary>
    WrongState,

    /// <summary>The one who proposed cannot be the one who agrees.</summary>
    SamePerson,

    /// <summary>It is not what was seen any more.</summary>
    Changed,

    /// <summary>The break leaves nothing on the books that a correction could move, or several stand for one.</summary>
    NothingToBook,

    /// <summary>Nothing of ours says whose money it is.</summary>
    MerchantMissing,

    /// <summary>No payment of the merchant that was named was ever seen.</summary>
    MerchantUnknown,

    /// <summary>The ledger has no such journal.</summary>
    JournalUnknown,

    /// <summary>The journal is of the other mode, or moves nothing in the break's currency.</summary>
    JournalElsewhere,
}

/// <summary>Breaks: who cares for them, what was found out, and what closed them.</summary>
public sealed class BreakStore(NpgsqlDataSource database, TimeProvider time)
{
    private const string Columns = """
        SELECT break_id, mode, leg, provider, day, class, currency, amount, priority, state, owner, payment_id, journal, reason, proposed_by, resolved_by, opened_at, resolved_at, correction, version, merchant_id FROM recon.breaks
        """;

    /// <summary>In the order of their ids, which say nothing.</summary>
    public async Task<IReadOnlyList<BreakView>> ListAsync(BreakState? state, Guid? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"{Columns} WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR break_id < $2) ORDER BY break_id DESC LIMIT $3");
        command.With(state is { } s ? Words.Of(s) : null, after, limit);
        return await ReadAsync(command, cancellationToken);
    }

    public async Task<BreakView?> FindAsync(ReconciliationBreakId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"{Columns} WHERE break_id = $1");
        command.With(id.Value);
        return await ReadAsync(command, cancellationToken) is [var found, ..] ? found : null;
    }

    public async Task<bool> AssignAsync(ReconciliationBreakId id, string owner, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("UPDATE recon.breaks SET owner = $2 WHERE break_id = $1");
        command.With(id.Value, owner);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    public async Task<bool> NoteAsync(ReconciliationBreakId id, string author, string note, CancellationToken cancellationToken)
    {
        // The row of the break lets notes in one by one. The same words again by the same person are the same note.
        await using var command = database.CreateCommand("""
            WITH one AS (SELECT break_id FROM recon.breaks WHERE break_id = $1 FOR UPDATE)
            INSERT INTO recon.break_notes (break_id, number, author, text)
            SELECT break_id, (SELECT count(*) + 1 FROM recon.break_notes n WHERE n.break_id = $1), $2, $3 FROM one
            WHERE NOT EXISTS (SELECT 1 FROM recon.break_notes n WHERE n.break_id = $1 AND n.author = $2 AND n.text = $3)
            """);
        command.With(id.Value, author, note);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return await FindAsync(id, cancellationToken) is not null;
    }

    public async Task<IReadOnlyList<BreakNote>> NotesAsync(ReconciliationBreakId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT author, text, written_at FROM recon.break_notes WHERE break_id = $1 ORDER BY number");
        command.With(id.Value);
        var notes = new List<BreakNote>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            notes.Add(new(reader.GetString(0), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2)));
        }

        return notes;
    }

    /// <summary>What the ledger is asked for, or has booked: what is agreed to with the break's version.</summary>
    public Task<IReadOnlyList<BreakStep>> StepsAsync(ReconciliationBreakId id, CancellationToken cancellationToken) => StepsAsync(database, id, cancellationToken);

    internal static async Task<IReadOnlyList<BreakStep>> StepsAsync(NpgsqlDataSource database, ReconciliationBreakId id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT k.content ->> 'kind', k.content ->> 'currency', (k.content ->> 'amount_minor')::bigint, k.booking_id, k.booked_at IS NOT NULL FROM recon.bookings k JOIN recon.breaks b USING (break_id)
            WHERE k.break_id = $1 AND (k.booked_at IS NOT NULL OR b.correction IS NOT NULL) ORDER BY k.noted_at, k.step
            """);
        command.With(id.Value);
        var steps = new List<BreakStep>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            steps.Add(new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetBoolean(4) ? new JournalId(reader.GetGuid(3)).ToString() : null));
        }

        return steps;
    }

    /// <summary>Says what closes the break. Beyond the limit of its currency that is a proposal, on which somebody else decides.</summary>
    /// <param name="journal">As the ledger says that it has it.</param>
    public async Task<ResolveVerdict> ResolveAsync(ReconciliationBreakId id, LedgerJournal? journal, string? reason, string actor, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            UPDATE recon.breaks SET journal = $2, reason = $3, proposed_by = $4, correction = NULL, moves = 0, merchant_id = NULL, plan = NULL, approved_by = NULL,
                state = CASE WHEN recon.needs_four_eyes(currency, amount) THEN 'proposed' ELSE 'resolved' END,
                resolved_by = CASE WHEN recon.needs_four_eyes(currency, amount) THEN NULL ELSE $4 END,
                resolved_how = CASE WHEN recon.needs_four_eyes(currency, amount) THEN NULL ELSE 'person' END,
                resolved_at = CASE WHEN recon.needs_four_eyes(currency, amount) THEN NULL ELSE $5::timestamptz END
            WHERE break_id = $1 AND state NOT IN ('booking', 'resolved') AND ($2::text IS NULL OR (mode = $6 AND currency = ANY ($7)))
            """);
        command.With(id.Value, journal?.Journal.ToString(), reason, actor, time.GetUtcNow(), ModeNames.Of(journal?.Mode ?? Mode.Test), (string[])[.. journal?.Currencies ?? []]);
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0 ? ResolveVerdict.Done : await WhyNotAsync(id, journal, cancellationToken);
    }

    /// <summary>The second person agrees to what was proposed when the break had this version: it is closed, or the ledger is asked for its journals.</summary>
    /// <param name="key">The person's key: whoever proposed before keys had people is known by it.</param>
    public async Task<ResolveVerdict> ApproveAsync(ReconciliationBreakId id, int version, string person, string key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            WITH agreed AS (
                UPDATE recon.breaks SET approved_by = $2,
                    state = CASE WHEN correction IS NULL THEN 'resolved' ELSE 'booking' END,
                    resolved_by = CASE WHEN correction IS NULL THEN $2 END,
                    resolved_how = CASE WHEN correction IS NULL THEN 'person' END,
                    resolved_at = CASE WHEN correction IS NULL THEN $3::timestamptz END
                WHERE break_id = $1 AND state = 'proposed' AND proposed_by NOT IN ($2, $5) AND version = $4 RETURNING break_id, correction),
            asked AS (
                UPDATE recon.bookings k SET content = k.content || jsonb_build_object('approved_by', $2), due_at = now(), failure = NULL
                FROM agreed a WHERE k.break_id = a.break_id AND a.correction IS NOT NULL AND k.booked_at IS NULL)
            SELECT count(*) FROM agreed
            """);
        command.With(id.Value, person, time.GetUtcNow(), version, key);
        if ((long)(await command.ExecuteScalarAsync(cancellationToken))! > 0)
        {
            return ResolveVerdict.Done;
        }

        return await FindAsync(id, cancellationToken) switch
        {
            null => ResolveVerdict.NotFound,
            { State: not BreakState.Proposed } => ResolveVerdict.WrongState,
            { Version: var now } when now != version => ResolveVerdict.Changed,
            _ => ResolveVerdict.SamePerson,
        };
    }

    public async Task<long> CountOpenAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT count(*) FROM recon.breaks WHERE state <> 'resolved'");
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<ResolveVerdict> WhyNotAsync(ReconciliationBreakId id, LedgerJournal? journal, CancellationToken cancellationToken) =>
        await FindAsync(id, cancellationToken) switch
        {
            null => ResolveVerdict.NotFound,
            { State: not (BreakState.Booking or BreakState.Resolved) } when journal is not null => ResolveVerdict.JournalElsewhere,
            _ => ResolveVerdict.WrongState,
        };

    private async Task<IReadOnlyList<BreakView>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var breaks = new List<BreakView>();
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        while (await r.ReadAsync(cancellationToken))
        {
            var day = r.GetFieldValue<DateOnly>(4);
            breaks.Add(new(
                new(r.GetGuid(0)), "reconciliation_break", Words.Parse<Mode>(r.GetString(1)), Words.Parse<Leg>(r.GetString(2)), r.GetString(3), day, r.GetString(5), r.GetString(6), r.GetInt64(7),
                r.GetString(8), Words.Parse<BreakState>(r.GetString(9)), Text(10), r.IsDBNull(11) ? null : new PaymentId(r.GetGuid(11)), Text(12), Text(13), Text(14), Text(15), Text(18),
                r.IsDBNull(20) ? null : new MerchantId(r.GetGuid(20)), r.GetInt32(19),
                Math.Max(0, today.DayNumber - day.DayNumber), r.GetFieldValue<DateTimeOffset>(16), r.IsDBNull(17) ? null : r.GetFieldValue<DateTimeOffset>(17)));

            string? Text(int column) => r.IsDBNull(column) ? null : r.GetString(column);
        }

        return breaks;
    }
}
