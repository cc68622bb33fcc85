using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Bookings;

/// <summary>What the ledger is asked for.</summary>
public enum BookingKind
{
    Settlement,
    Correction,
}

/// <summary>A booking that the ledger is to be asked for now.</summary>
/// <param name="Content">As it is sent, but for its id.</param>
public sealed record DueBooking(Guid Subject, BookingKind What, string Provider, string Name, string Content, Guid BookingId, int Tries);

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
            FROM (SELECT subject FROM recon.bookings WHERE due_at <= now() AND ($2::text IS NULL OR name = $2) ORDER BY due_at, subject LIMIT 1 FOR UPDATE SKIP LOCKED) d
            WHERE b.subject = d.subject
            RETURNING b.subject, b.what, b.provider, b.name, b.content::text, b.booking_id, b.tries
            """);
        command.With(atMost, name);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        return await r.ReadAsync(cancellationToken)
            ? new(r.GetGuid(0), Words.Parse<BookingKind>(r.GetString(1)), r.GetString(2), r.GetString(3), r.GetString(4), r.GetGuid(5), r.GetInt32(6))
            : null;
    }

    public Task BookedAsync(DueBooking booking, CancellationToken cancellationToken) =>
        ChangeAsync(booking, "booked_at = now(), due_at = NULL, failure = NULL", cancellationToken);

    /// <summary>The ledger has not booked it and takes its id no more.</summary>
    public Task RenewAsync(DueBooking booking, CancellationToken cancellationToken) =>
        ChangeAsync(booking, "id_made_at = now(), due_at = now()", cancellationToken);

    public async Task FailedAsync(DueBooking booking, string reason, TimeSpan pause, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(booking);
        await using var command = database.CreateCommand("UPDATE recon.bookings SET due_at = now() + $3, failure = $2 WHERE subject = $1 AND booked_at IS NULL");
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

    // Of two who asked with one id both are told the same: the second finds it booked and has nothing to write.
    private async Task ChangeAsync(DueBooking booking, string change, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(booking);
        await using var command = database.CreateCommand($"UPDATE recon.bookings SET {change} WHERE subject = $1 AND booking_id = $2 AND booked_at IS NULL");
        command.With(booking.Subject, booking.BookingId);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
