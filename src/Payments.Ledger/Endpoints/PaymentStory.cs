using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <summary><c>GET /internal/ledger/payments/{id}</c>: journals of a payment, the merchant's batches that they are in, and the payouts that paid these.</summary>
internal static class PaymentStory
{
    /// <summary>A payment has a handful; of more the oldest are told.</summary>
    private const int MostJournals = 200;

    private const string Lines = """
        SELECT j.id, j.event_type, j.effective_at, j.mode, j.merchant_id, l.action, l.kind, d.kind, d.owner, c.kind, c.owner, l.amount, l.currency
        FROM (SELECT * FROM ledger.journals WHERE payment_id = $1 ORDER BY effective_at, id LIMIT $2) j
        JOIN LATERAL (
            SELECT line, 'post' AS action, kind, debit_account_id, credit_account_id, amount, currency FROM ledger.movements WHERE journal_id = j.id
            UNION ALL
            SELECT line, action, kind, debit_account_id, credit_account_id, amount, currency FROM ledger.pending_transfers WHERE journal_id = j.id) l ON true
        JOIN ledger.accounts d ON d.id = l.debit_account_id JOIN ledger.accounts c ON c.id = l.credit_account_id
        ORDER BY j.effective_at, j.id, l.line
        """;

    private const string Batches = """
        SELECT b.id, b.mode, b.merchant_id, b.cut_at, b.currency, sum(i.amount)::bigint, coalesce(b.paid_currency, b.currency), b.pay_on
        FROM ledger.settlement_items i JOIN ledger.settlement_batches b ON b.id = i.batch_id WHERE i.payment_id = $1 GROUP BY b.id ORDER BY b.cut_at, b.id
        """;

    // All that is payable is paid at once: a batch is in the first payout from its day on that did not come to nothing, and in those before that did.
    private const string Payouts = """
        SELECT DISTINCT p.id, p.currency, p.amount, p.due_on, c.state, c.at, f.file_id
        FROM unnest($1::text[], $2::uuid[], $3::text[], $4::date[]) AS w (mode, merchant_id, currency, pay_on)
        JOIN LATERAL (
            SELECT o.* FROM ledger.payouts o WHERE o.mode = w.mode AND o.merchant_id = w.merchant_id AND o.currency = w.currency AND o.due_on >= w.pay_on AND o.due_on <= coalesce((
                SELECT min(g.due_on) FROM ledger.payouts g JOIN LATERAL (SELECT n.state FROM ledger.payout_changes n WHERE n.payout_id = g.id ORDER BY n.version DESC LIMIT 1) s ON true
                WHERE g.mode = w.mode AND g.merchant_id = w.merchant_id AND g.currency = w.currency AND g.due_on >= w.pay_on AND s.state NOT IN ('canceled', 'failed', 'returned')), 'infinity')
            ORDER BY o.due_on LIMIT 20) p ON true
        JOIN LATERAL (SELECT n.state, n.at FROM ledger.payout_changes n WHERE n.payout_id = p.id ORDER BY n.version DESC LIMIT 1) c ON true
        LEFT JOIN ledger.payout_file_items f ON f.payout_id = p.id
        ORDER BY p.due_on, p.id
        """;

    private const string Retired = "SELECT EXISTS (SELECT FROM ledger.retired_months WHERE month >= date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC')::date)";

    private sealed record Batch(LedgerStorySettlement Settlement, Mode Mode, MerchantId Merchant);

    public static async Task<IResult> GetAsync(string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<PaymentId>(id, out var payment))
        {
            return Problems.NotFound("payment");
        }

        var (journals, mode, merchant) = await JournalsAsync(database, payment, cancellationToken);
        var batches = await BatchesAsync(database, payment, cancellationToken);
        await using var retired = database.CreateCommand(Retired).With(Id.TimeOf(payment.Value));
        return TypedResults.Ok(new LedgerStory(
            payment, mode ?? batches.FirstOrDefault()?.Mode, merchant ?? batches.FirstOrDefault()?.Merchant, await retired.ExecuteScalarAsync(cancellationToken) is true, journals,
            [.. batches.Select(b => b.Settlement)], await PayoutsAsync(database, batches, cancellationToken)));
    }

    private static async Task<(List<LedgerStoryJournal> Journals, Mode? Mode, MerchantId? Merchant)> JournalsAsync(NpgsqlDataSource database, PaymentId payment, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Lines).With(payment.Value, MostJournals);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var (lines, mode, merchant) = (new List<(Guid Id, string Type, DateTimeOffset At, LedgerStoryLine Line)>(), (Mode?)null, (MerchantId?)null);
        while (await row.ReadAsync(cancellationToken))
        {
            (mode, merchant) = (Words.Parse<Mode>(row.GetString(3)), new MerchantId(row.GetGuid(4)));
            lines.Add((row.GetGuid(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2), new(
                row.GetString(5), row.GetString(6), row.GetString(7), row.GetString(8), row.GetString(9), row.GetString(10), row.GetInt64(11), row.GetString(12))));
        }

        return ([.. lines.GroupBy(l => (l.Id, l.Type, l.At)).Select(g => new LedgerStoryJournal(new(g.Key.Id), g.Key.Type, g.Key.At, [.. g.Select(l => l.Line)]))], mode, merchant);
    }

    private static async Task<List<Batch>> BatchesAsync(NpgsqlDataSource database, PaymentId payment, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Batches).With(payment.Value);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var batches = new List<Batch>();
        while (await row.ReadAsync(cancellationToken))
        {
            batches.Add(new(
                new(new SettlementBatchId(row.GetGuid(0)).ToString(), row.GetFieldValue<DateTimeOffset>(3), row.GetString(4), row.GetInt64(5), row.GetString(6), row.GetFieldValue<DateOnly>(7)),
                Words.Parse<Mode>(row.GetString(1)), new(row.GetGuid(2))));
        }

        return batches;
    }

    private static async Task<List<LedgerStoryPayout>> PayoutsAsync(NpgsqlDataSource database, List<Batch> batches, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Payouts).With(
            batches.Select(b => ModeNames.Of(b.Mode)).ToArray(), batches.Select(b => b.Merchant.Value).ToArray(), batches.Select(b => b.Settlement.PaidCurrency).ToArray(), batches.Select(b => b.Settlement.PayOn).ToArray());
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var payouts = new List<LedgerStoryPayout>();
        while (await row.ReadAsync(cancellationToken))
        {
            payouts.Add(new(
                new(row.GetGuid(0)), row.GetString(1), row.GetInt64(2), row.GetFieldValue<DateOnly>(3), row.GetString(4), row.GetFieldValue<DateTimeOffset>(5),
                await row.IsDBNullAsync(6, cancellationToken) ? null : new PayoutFileId(row.GetGuid(6)).ToString()));
        }

        return payouts;
    }
}
