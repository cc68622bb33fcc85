using System.Text.Json.Serialization;
using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Platform.Http;
using Payments.Platform.Postgres;
using Payments.Reconciliation.Breaks;
using Payments.Reconciliation.Imports;

namespace Payments.Reconciliation.Reports;

/// <summary>A line of a statement that belongs to an item, and the bank's entry for its payout.</summary>
/// <param name="BankClass">What became of its payout at the bank, as <see cref="ExplainedItem.Class"/>; null where it is in none.</param>
/// <param name="BankItem">The payout that is expected there.</param>
public sealed record ExplainedLine(
    string Leg, string Provider, string Kind, string? Reference, DateOnly Day, string Currency, long Gross, string NetCurrency, long Fee, long Net, string? Batch, string File, long Line,
    string? BankClass, ExplainedLine? Bank, ExplainedBooking? Booked, [property: JsonIgnore] Guid? BankItem);

/// <summary>The journal of the ledger that books a provider's payout.</summary>
public sealed record ExplainedBooking(JournalId Journal, DateTimeOffset At);

/// <param name="Class">What became of it: <c>matched</c> without a difference, or the class of its entry; <c>not_compared</c> before that.</param>
public sealed record ExplainedItem(
    [property: JsonIgnore] Guid Id, string Event, string Provider, string Kind, string Reference, DateOnly Day, string Currency, long Gross, long Fee, DateTimeOffset OccurredAt, string Class, long Difference,
    string? Break, IReadOnlyList<ExplainedLine> Lines);

/// <param name="Reference">What it is about, by its provider's name; of leg <c>bank</c> a whole payout. Null as <paramref name="Item"/>.</param>
/// <param name="Item">The item that it is about; null: a line of the provider's, or money in suspense.</param>
public sealed record ExplainedBreak(
    string Id, string Leg, string? Reference, string Class, string Currency, long Difference, string State, string? Correction, string? Reason, string? ProposedBy, string? ResolvedBy, string? Journal, DateTimeOffset At,
    IReadOnlyList<BreakStep> Steps, [property: JsonIgnore] Guid? Item);

/// <summary>The bank's entry for a payout to the merchant.</summary>
public sealed record ExplainedEntry(DateOnly Day, string Class, [property: JsonIgnore] Guid Item);

public sealed record ExplainedPayout(LedgerStoryPayout Payout, ExplainedEntry? Statement);

/// <summary>One payment's story over all records: what we expect of it, what the provider said, whether the bank has the money, what the ledger did, and whether the merchant was paid.</summary>
/// <param name="Ledger">Null while the ledger does not answer.</param>
/// <param name="Story">The same in sentences.</param>
public sealed record Explanation(
    PaymentId Id, string Object, Mode? Mode, MerchantId? Merchant, IReadOnlyList<ExplainedItem> Items, IReadOnlyList<ExplainedBreak> Breaks, LedgerStory? Ledger, IReadOnlyList<ExplainedPayout> Payouts,
    IReadOnlyList<string> Story);

public sealed class Explanations(NpgsqlDataSource database, LedgerJournals ledger)
{
    // Payouts are of no payment.
    private const string BreakSql = """
        SELECT b.break_id, b.leg, b.class, b.currency, b.amount, b.state, b.correction, b.reason, b.proposed_by, b.resolved_by, b.journal, b.opened_at, b.item_id,
            (SELECT i.reference FROM recon.items i WHERE i.item_id = b.item_id LIMIT 1)
        FROM recon.breaks b WHERE b.payment_id = $1 OR (b.leg = 'bank' AND b.item_id = ANY ($2)) ORDER BY b.opened_at, b.break_id
        """;

    private const string EntrySql = """
        SELECT i.item_id, i.day, e.line_id, CASE WHEN e.class IS NOT NULL THEN e.class WHEN d.dirty OR t.explained IS NULL THEN 'not_compared' ELSE 'matched' END
        FROM recon.items i
        LEFT JOIN recon.days d USING (mode, leg, provider, day)
        LEFT JOIN recon.day_totals t USING (mode, leg, provider, day, currency)
        LEFT JOIN LATERAL (SELECT class, line_id FROM recon.entries e WHERE e.item_id = i.item_id OR e.settles_item = i.item_id ORDER BY e.day DESC, e.item_id NULLS FIRST LIMIT 1) e ON true
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
        LEFT JOIN recon.breaks b ON b.payment_id = i.payment_id AND b.item_id = i.item_id AND b.state <> 'resolved'
        WHERE i.payment_id = $1 ORDER BY i.occurred_at, i.item_id
        """;

    private const string LineSql = """
        SELECT l.leg, l.provider, l.kind, l.reference, l.day, l.currency, l.gross, l.net_currency, l.fee, l.net, l.batch, m.file_name, l.line_id & 4294967295, l.mode
        FROM recon.lines l JOIN recon.imports m ON m.number = l.line_id >> 32
        """;

    private sealed record Entry(Guid Item, DateOnly Day, long? Line, string Class);

    /// <summary>Null where nothing is known of the payment; a problem where nothing is but the ledger does not say whether it has it.</summary>
    public async Task<(Explanation? Told, Problem? Away)> FindAsync(PaymentId payment, CancellationToken cancellationToken)
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

        var told = await ledger.StoryAsync(payment, cancellationToken);
        var payouts = await PayoutsAsync(told, cancellationToken);
        var atBank = explained.SelectMany(i => i.Lines).Select(l => l.BankItem).Concat(payouts.Select(p => p.Statement?.Item)).OfType<Guid>().Distinct().ToArray();
        var breaks = await BreaksAsync(payment, atBank, cancellationToken);
        if (explained.Count == 0 && breaks.Count == 0 && told is null or { Journals: [], Settlements: [] })
        {
            return (null, told is null ? Problems.ServiceUnavailable("The ledger") : null);
        }

        var whole = new Explanation(
            payment, "explanation", items.Count > 0 ? mode : told?.Mode, items.Count > 0 ? merchant : told?.Merchant, explained, breaks, told, payouts, []);
        return (whole with { Story = Reports.Story.Of(whole) }, null);
    }

    private async Task<List<ExplainedBreak>> BreaksAsync(PaymentId payment, Guid[] atBank, CancellationToken cancellationToken)
    {
        var breaks = new List<ExplainedBreak>();
        await using (var command = database.CreateCommand(BreakSql).With(payment.Value, atBank))
        await using (var r = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await r.ReadAsync(cancellationToken))
            {
                breaks.Add(new(
                    new ReconciliationBreakId(r.GetGuid(0)).ToString(), r.GetString(1), Text(r, 13), r.GetString(2), r.GetString(3), r.GetInt64(4), r.GetString(5), Text(r, 6), Text(r, 7), Text(r, 8), Text(r, 9), Text(r, 10),
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
            var entry = await EntryAsync(MatchKey.Of(told!.Mode!.Value, Leg.Bank, Book.Merchants, LineKind.Payout, name, payout.Currency), cancellationToken);
            payouts.Add(new(payout, entry is null ? null : new(entry.Day, entry.Class, entry.Item)));
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
        var key = MatchKey.Of(Words.Parse<Mode>(mode), Leg.Bank, line.Provider, LineKind.Payout, line.Batch!, line.NetCurrency);
        if (await EntryAsync(key, cancellationToken) is not { } entry)
        {
            return line with { BankClass = "not_compared" };
        }

        // The one that answers it; of several that come to its sum the first.
        await using var command = database.CreateCommand($"{LineSql} WHERE l.leg = 'bank' AND (l.match_key = $1 OR l.line_id = $2) ORDER BY l.line_id IS DISTINCT FROM $2, l.line_id LIMIT 1").With(key);
        command.Parameters.Add(new() { Value = (object?)entry.Line ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return line with { BankClass = entry.Class, Bank = await reader.ReadAsync(cancellationToken) ? await LineAsync(reader, cancellationToken) : null, BankItem = entry.Item };
    }

    /// <summary>The newest payout of this name, and what became of it at the bank.</summary>
    private async Task<Entry?> EntryAsync(Guid key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(EntrySql).With(key);
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        return await r.ReadAsync(cancellationToken)
            ? new(r.GetGuid(0), r.GetFieldValue<DateOnly>(1), await r.IsDBNullAsync(2, cancellationToken) ? null : r.GetInt64(2), r.GetString(3))
            : null;
    }

    private static async Task<ExplainedLine> LineAsync(NpgsqlDataReader r, CancellationToken cancellationToken) => new(
        r.GetString(0), r.GetString(1), r.GetString(2), await r.IsDBNullAsync(3, cancellationToken) ? null : r.GetString(3), r.GetFieldValue<DateOnly>(4), r.GetString(5), r.GetInt64(6), r.GetString(7),
        r.GetInt64(8), r.GetInt64(9), await r.IsDBNullAsync(10, cancellationToken) ? null : r.GetString(10), r.GetString(11), r.GetInt64(12), null, null, null, null);
}
