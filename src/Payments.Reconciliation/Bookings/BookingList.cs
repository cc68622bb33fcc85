using System.Text.Json;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Bookings;

/// <summary>What the ledger is asked for.</summary>
public enum BookingKind
{
    Settlement,
    Correction,

    /// <summary>An entry of the statement about a payout to a merchant.</summary>
    Payout,

    /// <summary>What was accrued for a payment that came after its payout was noted.</summary>
    LateCost,
}

/// <summary>A booking that the ledger is to be asked for now.</summary>
/// <param name="Content">As it is sent, but for its id.</param>
public sealed record DueBooking(Guid Subject, BookingKind What, string Provider, string Name, string Content, Guid BookingId, int Tries, Guid? Break)
{
    internal PayoutEntry Entry => JsonSerializer.Deserialize<PayoutEntry>(Content, Json.Options) ?? throw new InvariantException("what is to be booked has a content");
}

/// <summary>How many bookings wait, how many of them a person should look at, and the oldest of these.</summary>
public sealed record WaitingBookings(long Waiting, long Failing, string? Worst);

/// <summary>What the ledger has to book: durable before it is asked, until it has.</summary>
public sealed class BookingList(NpgsqlDataSource database)
{
    /// <summary>Takes one that is due; it is left alone by others for a while.</summary>
    /// <param name="name">Only of this payout or break; null: whatever is due.</param>
    public async Task<DueBooking?> TakeAsync(string? name, TimeSpan atMost, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            UPDATE recon.bookings b SET due_at = now() + $1, tries = b.tries + 1
            FROM (SELECT subject FROM recon.bookings WHERE due_at <= now() AND ($2::text IS NULL OR name = $2)
                AND NOT EXISTS (SELECT 1 FROM recon.bookings e WHERE e.break_id = bookings.break_id AND e.step < bookings.step AND e.booked_at IS NULL) ORDER BY due_at, subject LIMIT 1 FOR UPDATE SKIP LOCKED) d
            WHERE b.subject = d.subject
            RETURNING b.subject, b.what, b.provider, b.name, b.content::text, b.booking_id, b.tries, b.break_id
            """);
        command.With(atMost, name);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        return await r.ReadAsync(cancellationToken)
            ? new(r.GetGuid(0), Words.Parse<BookingKind>(r.GetString(1)), r.GetString(2), r.GetString(3), r.GetString(4), r.GetGuid(5), r.GetInt32(6), await r.IsDBNullAsync(7, cancellationToken) ? null : r.GetGuid(7))
            : null;
    }

    /// <summary>It is in the books. With the last booking of a break the break is closed, by its largest journal.</summary>
    public async Task BookedAsync(DueBooking booking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(booking);
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var booked = new NpgsqlCommand(
            "UPDATE recon.bookings SET booked_at = now(), due_at = NULL, failure = NULL WHERE subject = $1 AND booking_id = $2 AND booked_at IS NULL", connection, transaction).With(booking.Subject, booking.BookingId))
        {
            await booked.ExecuteNonQueryAsync(cancellationToken);
        }

        if (booking.What == BookingKind.Payout)
        {
            await ExpectAsync(connection, transaction, booking, cancellationToken);
        }

        if (booking.Break is { } ofBreak)
        {
            await using var last = new NpgsqlCommand(
                "SELECT booking_id FROM recon.bookings b WHERE break_id = $1 AND NOT EXISTS (SELECT 1 FROM recon.bookings e WHERE e.break_id = $1 AND e.booked_at IS NULL) ORDER BY noted_at DESC, step LIMIT 1",
                connection, transaction).With(ofBreak);
            if (await last.ExecuteScalarAsync(cancellationToken) is Guid journal)
            {
                await using var close = new NpgsqlCommand("""
                    UPDATE recon.breaks SET state = 'resolved', journal = $2, resolved_by = coalesce(approved_by, proposed_by), resolved_how = CASE WHEN closing_rule IS NULL THEN 'person' ELSE 'rule' END, resolved_at = now()
                    WHERE break_id = $1 AND state = 'booking'
                    """, connection, transaction).With(ofBreak, new JournalId(journal).ToString());
                await close.ExecuteNonQueryAsync(cancellationToken);
            }
        }

        await transaction.CommitAsync(cancellationToken);
    }

    // What the ledger took is what we had expected of the bank.
    private static async Task ExpectAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, DueBooking booking, CancellationToken cancellationToken)
    {
        var entry = booking.Entry;
        await using var expect = new NpgsqlCommand("SELECT recon.expect_payout($1, $2, $3, $4)", connection, transaction)
            .With(booking.Subject, MatchKey.Of(entry.Mode, Leg.Bank, booking.Provider, LineKind.Payout, booking.Name, entry.Currency), entry.AmountMinor, entry.BookedAt.UtcDateTime);
        await expect.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The ledger's own limit asks for a second person: what was agreed by one is a proposal again.</summary>
    public async Task ProposeAgainAsync(DueBooking booking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(booking);
        await using var command = database.CreateCommand("""
            WITH proposed AS (UPDATE recon.breaks SET state = 'proposed', closing_rule = NULL WHERE break_id = $1 AND state = 'booking' AND approved_by IS NULL RETURNING break_id)
            UPDATE recon.bookings b SET due_at = NULL, failure = NULL FROM proposed p WHERE b.break_id = p.break_id AND b.booked_at IS NULL
            """);
        command.With(booking.Break);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The ledger has not booked it and takes its id no more.</summary>
    public async Task RenewAsync(DueBooking booking, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(booking);
        await using var command = database.CreateCommand("UPDATE recon.bookings SET id_made_at = now(), due_at = now() WHERE subject = $1 AND booking_id = $2 AND booked_at IS NULL");
        command.With(booking.Subject, booking.BookingId);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task FailedAsync(DueBooking booking, string reason, TimeSpan pause, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(booking);
        await using var command = database.CreateCommand("UPDATE recon.bookings SET due_at = now() + $3, failure = $2 WHERE subject = $1 AND due_at IS NOT NULL");
        command.With(booking.Subject, reason, pause);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<WaitingBookings> CountAsync(int triesBeforeWorry, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            SELECT count(*), count(*) FILTER (WHERE tries >= $1 AND failure IS NOT NULL),
                (SELECT what || ' ' || provider || ' ' || name || ': ' || failure FROM recon.bookings WHERE due_at IS NOT NULL AND tries >= $1 AND failure IS NOT NULL ORDER BY noted_at LIMIT 1)
            FROM recon.bookings WHERE due_at IS NOT NULL
            """);
        command.With(triesBeforeWorry);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        await r.ReadAsync(cancellationToken);
        return new(r.GetInt64(0), r.GetInt64(1), await r.IsDBNullAsync(2, cancellationToken) ? null : r.GetString(2));
    }
}
