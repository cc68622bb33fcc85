using System.Text.Json.Serialization;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Breaks;
using Payments.Reconciliation.Imports;

namespace Payments.Reconciliation.Reports;

/// <summary>A line of a statement that belongs to an item, and the bank's entry for its payout.</summary>
public sealed record ExplainedLine(
    string Leg, string Provider, string Kind, string? Reference, DateOnly Day, string Currency, long Gross, string NetCurrency, long Fee, long Net, string? Batch, string File, long Line,
    string? BankClass, ExplainedLine? Bank, ExplainedBooking? Booked);

/// <summary>The journal of the ledger that books a provider's payout.</summary>
public sealed record ExplainedBooking(JournalId Journal, DateTimeOffset At);

/// <param name="Class">What became of it: <c>matched</c> without a difference, or the class of its entry; <c>not_compared</c> before that.</param>
public sealed record ExplainedItem(
    [property: JsonIgnore] Guid Id, string Event, string Provider, string Kind, string Reference, DateOnly Day, string Currency, long Gross, long Fee, DateTimeOffset OccurredAt, string Class, long Difference,
    string? Break, IReadOnlyList<ExplainedLine> Lines);

/// <param name="Item">The item that it is about; null: a line of the provider's, or money in suspense.</param>
public sealed record ExplainedBreak(
    string Id, string Leg, string Class, string Currency, long Difference, string State, string? Correction, string? Reason, string? ProposedBy, string? ResolvedBy, string? Journal, DateTimeOffset At,
    IReadOnlyList<BreakStep> Steps, [property: JsonIgnore] Guid? Item);

/// <summary>The bank's entry for a payout to the merchant.</summary>
public sealed record ExplainedEntry(DateOnly Day, string Class);

public sealed record ExplainedPayout(LedgerStoryPayout Payout, ExplainedEntry? Statement);

/// <summary>One payment's story over all records: what we expect of it, what the provider said, whether the bank has the money, what the ledger did, and whether the merchant was paid.</summary>
/// <param name="Ledger">Null while the ledger does not answer.</param>
/// <param name="Story">The same in sentences.</param>
public sealed record Explanation(
    PaymentId Id, string Object, Mode? Mode, MerchantId? Merchant, IReadOnlyList<ExplainedItem> Items, IReadOnlyList<ExplainedBreak> Breaks, LedgerStory? Ledger, IReadOnlyList<ExplainedPayout> Payouts,
    IReadOnlyList<string> Story);

public sealed class Explanations(NpgsqlDataSource database, LedgerJournals ledger)
{
    private const string BreakSql = """
        SELECT b.break_id, b.leg, b.class, b.currency, b.amount, b.state, b.correction, b.reason, b.proposed_by, b.resolved_by, b.journal, b.opened_at, b.item_id
        FROM recon.breaks b WHERE b.payment_id = $1 ORDER BY b.opened_at, b.break_id
        """;

    private const string EntrySql = """
        SELECT i.day, CASE WHEN e.class IS NOT NULL THEN e.class WHEN d.dirty OR t.explained IS NULL THEN 'not_compared' ELSE 'matched' END
        FROM recon.items i
        LEFT JOIN recon.days d USING (mode, leg, provider, day)
        LEFT JOIN recon.day_totals t USING (mode, leg, provider, day, currency)
        LEFT JOIN LATERAL (SELECT class FROM recon.entries e WHERE e.item_id = i.item_id OR e.settles_item = i.item_id ORDER BY e.day DESC, e.item_id NULLS FIRST LIMIT 1) e ON true
        WHERE i.match_key = $1 ORDER BY i.day DESC LIMIT 1
        """;

    private const string BookedSql = """
        SELECT k.booking_id, k.booked_at FROM recon.settlements s JOIN recon.bookings k ON k.subject = s.settlement_id
        WHERE s.settlement_id = md5(concat_ws('|', 'settlement', $1, $2, $3, $4))::uuid AND k.booked_at IS NOT NULL
        """;

    private const string ItemSql = """
        SELECT i.item_id, i.source, i.provider, i.kind, i.reference, i.day, i.currency, i.gross, i.fee, i.occurred_at, i.mode, i.merchant_id, i.match_key,
            CASE WHEN e.class IS NOT NULL THEN e.class WHEN d.dirty OR t.explained IS NULL THEN 'not_compared' ELSE 'matched' END, coalesce(e.amount, 0), b.break_id, e.line_id
        FROM recon.items i
        LEFT JOIN recon.days d USING (mode, leg, provider, day)
        LEFT JOIN recon.day_totals t USING (mode, leg, provider, day, currency)
        LEFT JOIN LATERAL (SELECT class, amount, line_id FROM recon.entries e WHERE e.item_id = i.item_id OR e.settles_item = i.item_id ORDER BY e.day DESC, e.item_id NULLS FIRST LIMIT 1) e ON true
        LEFT JOIN recon.breaks b ON b.item_id = i.item_id AND b.state <> 'resolved'
        WHERE i.payment_id = $1 ORDER BY i.occurred_at, i.item_id
        """;

    private const string LineSql = """
        SELECT l.leg, l.provider, l.kind, l.reference, l.day, l.currency, l.gross, l.net_currency, l.fee, l.net, l.batch, m.file_name, l.line_id & 4294967295, l.mode
        FROM recon.lines l JOIN recon.imports m ON m.number = l.line_id >> 32
        """;

    public async Task<Explanation?> FindAsync(PaymentId payment, CancellationToken cancellationToken)
    {
        var items = new List<(ExplainedItem Item, Guid Key, long? Line)>();
        var (mode, merchant) = (Mode.Test, default(MerchantId));
        await using (var command = database.CreateCommand(ItemSql))
        {
            command.With(payment.Value);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                (mode, merchant) = (Words.Parse<Mode>(reader.GetString(10)), new(reader.GetGuid(11)));
                items.Add((new(
                    reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetFieldValue<DateOnly>(5), reader.GetString(6), reader.GetInt64(7), reader.GetInt64(8),
                    reader.GetFieldValue<DateTimeOffset>(9), reader.GetString(13), reader.GetInt64(14),
                    await reader.IsDBNullAsync(15, cancellationToken) ? null : new ReconciliationBreakId(reader.GetGuid(15)).ToString(), []),
                    reader.GetGuid(12), await reader.IsDBNullAsync(16, cancellationToken) ? null : reader.GetInt64(16)));
            }
        }

        var explained = new List<ExplainedItem>();
        foreach (var (item, key, line) in items)
        {
            explained.Add(item with { Lines = await LinesAsync(key, line, cancellationToken) });
        }

        var (told, breaks) = (await ledger.StoryAsync(payment, cancellationToken), await BreaksAsync(payment, cancellationToken));
        if (explained.Count == 0 && breaks.Count == 0 && told is null or { Journals: [], Settlements: [] })
        {
            return null;
        }

        var whole = new Explanation(
            payment, "explanation", items.Count > 0 ? mode : told?.Mode, items.Count > 0 ? merchant : told?.Merchant, explained, breaks, told, await PayoutsAsync(told, cancellationToken), []);
        return whole with { Story = Reports.Story.Of(whole) };
    }

    private async Task<List<ExplainedBreak>> BreaksAsync(PaymentId payment, CancellationToken cancellationToken)
    {
        var breaks = new List<ExplainedBreak>();
        await using (var command = database.CreateCommand(BreakSql).With(payment.Value))
        await using (var r = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await r.ReadAsync(cancellationToken))
            {
                breaks.Add(new(
                    new ReconciliationBreakId(r.GetGuid(0)).ToString(), r.GetString(1), r.GetString(2), r.GetString(3), r.GetInt64(4), r.GetString(5), Text(r, 6), Text(r, 7), Text(r, 8), Text(r, 9), Text(r, 10),
                    r.GetFieldValue<DateTimeOffset>(11), [], r.IsDBNull(12) ? null : r.GetGuid(12)));
            }
        }

        for (var place = 0; place < breaks.Count; place++)
        {
            breaks[place] = breaks[place] with { Steps = await BreakStore.StepsAsync(database, Id.TryParse<ReconciliationBreakId>(breaks[place].Id, out var id) ? id : default, cancellationToken) };
        }

        return breaks;

        static string? Text(NpgsqlDataReader r, int at) => r.IsDBNull(at) ? null : r.GetString(at);
    }

    private async Task<List<ExplainedPayout>> PayoutsAsync(LedgerStory? told, CancellationToken cancellationToken)
    {
        var payouts = new List<ExplainedPayout>();
        foreach (var payout in told?.Payouts ?? [])
        {
            var name = BankText.ReferenceOf(payout.Id, isReturn: false);
            await using var command = database.CreateCommand(EntrySql).With(MatchKey.Of(told!.Mode!.Value, Leg.Bank, Book.Merchants, LineKind.Payout, name, payout.Currency));
            await using var r = await command.ExecuteReaderAsync(cancellationToken);
            payouts.Add(new(payout, await r.ReadAsync(cancellationToken) ? new(r.GetFieldValue<DateOnly>(0), r.GetString(1)) : null));
        }

        return payouts;
    }

    private async Task<IReadOnlyList<ExplainedLine>> LinesAsync(Guid key, long? paired, CancellationToken cancellationToken)
    {
        var lines = new List<(ExplainedLine Line, string Mode)>();
        await using (var command = database.CreateCommand($"{LineSql} WHERE l.match_key = $1 OR l.line_id = $2 ORDER BY l.line_id LIMIT 100"))
        {
            command.Parameters.Add(new() { Value = key });
            command.Parameters.Add(new() { Value = (object?)paired ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                lines.Add((await LineAsync(reader, cancellationToken), reader.GetString(13)));
            }
        }

        var whole = new List<ExplainedLine>();
        foreach (var (line, mode) in lines)
        {
            whole.Add(line.Batch is null ? line : await WithBankAsync(line, mode, cancellationToken) with { Booked = await BookedAsync(line, mode, cancellationToken) });
        }

        return whole;
    }

    private async Task<ExplainedBooking?> BookedAsync(ExplainedLine line, string mode, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(BookedSql).With(mode, line.Provider, line.Batch!, line.NetCurrency);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        return await r.ReadAsync(cancellationToken) ? new(new(r.GetGuid(0)), r.GetFieldValue<DateTimeOffset>(1)) : null;
    }

    private async Task<ExplainedLine> WithBankAsync(ExplainedLine line, string mode, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            {LineSql.Replace("SELECT ", "SELECT coalesce(e.class, 'matched'), ", StringComparison.Ordinal)}
            JOIN recon.items p ON p.mode = l.mode AND p.leg = 'bank' AND p.provider = l.provider AND p.reference = $2 AND p.currency = l.currency AND p.mode = $1 AND p.currency = $3 AND p.provider = $4
            LEFT JOIN recon.entries e ON e.item_id = p.item_id OR e.settles_item = p.item_id
            WHERE l.leg = 'bank' AND (l.match_key = p.match_key OR l.line_id = e.line_id) ORDER BY e.day DESC NULLS LAST LIMIT 1
            """);
        command.With(mode, line.Batch, line.NetCurrency, line.Provider);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return line with { BankClass = "not_compared" };
        }

        return line with { BankClass = reader.GetString(0), Bank = await LineAsync(reader, cancellationToken, 1) };
    }

    private static async Task<ExplainedLine> LineAsync(NpgsqlDataReader r, CancellationToken cancellationToken, int at = 0) => new(
        r.GetString(at), r.GetString(at + 1), r.GetString(at + 2), await r.IsDBNullAsync(at + 3, cancellationToken) ? null : r.GetString(at + 3), r.GetFieldValue<DateOnly>(at + 4), r.GetString(at + 5),
        r.GetInt64(at + 6), r.GetString(at + 7), r.GetInt64(at + 8), r.GetInt64(at + 9), await r.IsDBNullAsync(at + 10, cancellationToken) ? null : r.GetString(at + 10), r.GetString(at + 11),
        r.GetInt64(at + 12), null, null, null);
}
