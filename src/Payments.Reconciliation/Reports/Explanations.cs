using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Reconciliation.Reports;

/// <summary>A line of a statement that belongs to an item, and the bank's entry for its payout.</summary>
public sealed record ExplainedLine(
    string Leg, string Provider, string Kind, string? Reference, DateOnly Day, string Currency, long Gross, string NetCurrency, long Fee, long Net, string? Batch, string File, long Line,
    string? BankClass, ExplainedLine? Bank);

/// <param name="Class">What became of it: <c>matched</c> without a difference, or the class of its entry; <c>not_compared</c> before that.</param>
public sealed record ExplainedItem(
    string Event, string Provider, string Kind, string Reference, DateOnly Day, string Currency, long Gross, long Fee, DateTimeOffset OccurredAt, string Class, long Difference,
    string? Break, IReadOnlyList<ExplainedLine> Lines);

/// <summary>One payment's story: what we expect of it, what the provider said, and whether the bank has the money.</summary>
public sealed record Explanation(PaymentId Id, string Object, Mode Mode, MerchantId Merchant, IReadOnlyList<ExplainedItem> Items);

public sealed class Explanations(NpgsqlDataSource database)
{
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
                    reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetFieldValue<DateOnly>(5), reader.GetString(6), reader.GetInt64(7), reader.GetInt64(8),
                    reader.GetFieldValue<DateTimeOffset>(9), reader.GetString(13), reader.GetInt64(14),
                    await reader.IsDBNullAsync(15, cancellationToken) ? null : new ReconciliationBreakId(reader.GetGuid(15)).ToString(), []),
                    reader.GetGuid(12), await reader.IsDBNullAsync(16, cancellationToken) ? null : reader.GetInt64(16)));
            }
        }

        if (items.Count == 0)
        {
            return null;
        }

        var explained = new List<ExplainedItem>();
        foreach (var (item, key, line) in items)
        {
            explained.Add(item with { Lines = await LinesAsync(key, line, cancellationToken) });
        }

        return new(payment, "explanation", mode, merchant, explained);
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
            whole.Add(line.Batch is null ? line : await WithBankAsync(line, mode, cancellationToken));
        }

        return whole;
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
        r.GetInt64(at + 12), null, null);
}
