using Payments.Core;
using Payments.Platform;

namespace Payments.Chaos.Judging;

/// <summary>What reconciliation came to once the run was at rest: reports and statements compared, payouts booked, days closed.</summary>
/// <param name="Undone">What did not come in time.</param>
/// <param name="Accounts">The ledger afterwards.</param>
/// <param name="Stuck">What the product found wrong or could not go on with meanwhile.</param>
public sealed record ReconciledRow(
    IReadOnlyList<string> Undone, IReadOnlyList<TotalRow> Totals, IReadOnlyList<BreakRow> Breaks, IReadOnlyList<UnansweredRow> Unanswered, IReadOnlyList<BookRow> Books,
    IReadOnlyList<AccountRow> Accounts, IReadOnlyList<StuckRow> Stuck);

/// <summary>What was compared: how many items of ours with lines of theirs, and what each side sums to.</summary>
/// <param name="Leg"><c>provider</c> or <c>bank</c>.</param>
public sealed record TotalRow(string Leg, string Provider, string Currency, long Ours, long OursGross, long Theirs, long TheirsGross);

/// <param name="Reference">What the line or item is called.</param>
/// <param name="How">Who closed it: <c>rule</c>, <c>comparison</c> or <c>person</c>.</param>
public sealed record BreakRow(string Leg, string Provider, string? Payment, string Reference, string Class, string Currency, long Amount, string State, string? How);

/// <summary>An item or line whose other side may still come, as the product sees it. At rest everything is here, so that none may be.</summary>
public sealed record UnansweredRow(string Leg, string Provider, string? Payment, string Reference, string Currency, long Amount);

/// <param name="LastDay">With anything in it.</param>
public sealed record BookRow(string Leg, string Provider, DateOnly LastDay, DateOnly? ClosedThrough);

/// <summary>Reads what reconciliation came to.</summary>
internal static class ReconciledReader
{
    private const string About = """
        LEFT JOIN LATERAL (SELECT z.payment_id, z.reference FROM recon.items z WHERE z.item_id = {0} LIMIT 1) i ON true
        LEFT JOIN LATERAL (SELECT z.reference FROM recon.lines z WHERE z.line_id = {1} LIMIT 1) l ON true
        """;

    private static readonly string Breaks = $"""
        SELECT b.leg, b.provider, coalesce(b.payment_id, i.payment_id), coalesce(i.reference, l.reference, 'line ' || b.line_id, 'in suspense'), b.class, b.currency, b.amount, b.state, b.resolved_how
        FROM recon.breaks b {About.Replace("{0}", "b.item_id", StringComparison.Ordinal).Replace("{1}", "b.line_id", StringComparison.Ordinal)} ORDER BY b.break_id
        """;

    private static readonly string Unanswered = $"""
        SELECT e.leg, e.provider, i.payment_id, coalesce(i.reference, l.reference, 'line ' || e.line_id), e.currency, e.amount
        FROM recon.entries e {About.Replace("{0}", "e.item_id", StringComparison.Ordinal).Replace("{1}", "e.line_id", StringComparison.Ordinal)}
        WHERE e.class = 'timing' AND NOT EXISTS (SELECT 1 FROM recon.entries s WHERE s.from_class = 'timing' AND (s.settles_item = e.item_id OR s.settles_line = e.line_id)) ORDER BY 4
        """;

    public static async Task<ReconciledRow> ReconciledAsync(this EvidenceReader reader, IReadOnlyList<string> undone, CancellationToken cancellationToken) => new(
        undone,
        await reader.Source.RowsAsync(
            Names.Databases.Reconciliation,
            """
            SELECT leg, provider, currency, sum(ours)::bigint, sum(ours_gross)::bigint, sum(theirs)::bigint, sum(theirs_gross)::bigint FROM (
                SELECT leg, provider, currency, 1 AS ours, gross AS ours_gross, 0 AS theirs, 0 AS theirs_gross FROM recon.items
                UNION ALL SELECT leg, provider, currency, 0, 0, 1, gross FROM recon.lines) s GROUP BY leg, provider, currency ORDER BY 1, 2, 3
            """,
            r => new TotalRow(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt64(3), r.GetInt64(4), r.GetInt64(5), r.GetInt64(6)), cancellationToken),
        await reader.Source.RowsAsync(
            Names.Databases.Reconciliation, Breaks,
            r => new BreakRow(r.GetString(0), r.GetString(1), Payment(r, 2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetInt64(6), r.GetString(7), r.IsDBNull(8) ? null : r.GetString(8)),
            cancellationToken),
        await reader.Source.RowsAsync(
            Names.Databases.Reconciliation, Unanswered, r => new UnansweredRow(r.GetString(0), r.GetString(1), Payment(r, 2), r.GetString(3), r.GetString(4), r.GetInt64(5)), cancellationToken),
        await reader.Source.RowsAsync(
            Names.Databases.Reconciliation,
            """
            SELECT b.leg, b.provider, max(d.day), b.closed_through FROM recon.books b JOIN recon.day_totals d USING (mode, leg, provider) GROUP BY b.leg, b.provider, b.closed_through ORDER BY 1, 2
            """,
            r => new BookRow(r.GetString(0), r.GetString(1), r.GetFieldValue<DateOnly>(2), r.IsDBNull(3) ? null : r.GetFieldValue<DateOnly>(3)), cancellationToken),
        await reader.AccountsAsync(cancellationToken),
        await reader.LeftAsync(cancellationToken));

    /// <summary>How many reports and statements of each are here, and what is wrong with others.</summary>
    public static async Task<(IReadOnlyDictionary<string, int> Done, IReadOnlyList<string> Failures)> FetchedAsync(this EvidenceReader reader, CancellationToken cancellationToken)
    {
        var rows = await reader.Source.RowsAsync(
            Names.Databases.Reconciliation,
            """
            SELECT provider, state = 'done', name || ' ' || state || coalesce(' ' || failure, '') FROM recon.fetches
            UNION ALL SELECT 'bank', state = 'complete' AND lines_quarantined = 0, file_name || ' ' || state || ' ' || lines_quarantined || coalesce(' ' || refused_because, '')
                FROM recon.imports WHERE format IN ('camt053', 'mt940') AND state <> 'superseded'
            """,
            r => (Of: r.GetString(0), IsHere: r.GetBoolean(1), What: r.GetString(2)), cancellationToken);
        return (rows.Where(r => r.IsHere).CountBy(r => r.Of).ToDictionary(), [.. rows.Where(r => !r.IsHere).Select(r => r.What)]);
    }

    /// <summary>Payouts, and what rules close, that the ledger does not have yet.</summary>
    public static Task<List<string>> BookingsLeftAsync(this EvidenceReader reader, CancellationToken cancellationToken) => reader.Source.RowsAsync(
        Names.Databases.Reconciliation,
        """
        SELECT what || ' ' || name || ' not booked' || coalesce(' ' || failure, '') FROM recon.bookings WHERE booked_at IS NULL
        UNION ALL SELECT 'payout ' || i.provider || ' ' || i.reference || ' not noted' FROM recon.items i
            WHERE i.leg = 'bank' AND NOT EXISTS (SELECT 1 FROM recon.settlements s WHERE s.item_id = i.item_id)
        UNION ALL SELECT 'break ' || break_id || ' is being booked' FROM recon.breaks WHERE state = 'booking'
        """,
        r => r.GetString(0), cancellationToken);

    private static string? Payment(Npgsql.NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : EvidenceReader.Of<PaymentId>(row, column);
}
