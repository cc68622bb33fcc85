using Npgsql;
using Payments.Core;
using Payments.Core.Seams;
using Payments.Ledger.Payouts;
using Payments.Ledger.Settlement;
using Payments.Platform.Http;
using Payments.Platform.Postgres;

namespace Payments.Ledger.Endpoints;

/// <summary><c>GET /internal/ledger/payments/{id}</c>: journals of a payment, the merchant's batches that they are in, and the payouts that hold these.</summary>
internal static class PaymentStory
{
    /// <summary>A payment has a handful; of more the oldest are told.</summary>
    private const int MostJournals = 200;

    /// <summary>Of a currency since its first batch: two years of days. Later ones hold nothing of it, unless all of these came to nothing.</summary>
    private const int MostPayouts = 750;

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
        SELECT b.id, b.mode, b.merchant_id, b.cut_at, b.currency, sum(i.amount)::bigint, coalesce(b.paid_currency, b.currency), b.pay_on, b.closed_at, coalesce(b.paid, b.net)
        FROM ledger.settlement_items i JOIN ledger.settlement_batches b ON b.id = i.batch_id WHERE i.payment_id = $1 GROUP BY b.id ORDER BY b.cut_at, b.id
        """;

    // One a day of a currency.
    private const string Payouts = """
        SELECT p.id, p.currency, p.amount, p.due_on, c.state, c.at, f.file_id, p.created_at
        FROM (
            SELECT w.mode, w.merchant_id, w.currency, min(w.closed_at) AS closed_at FROM unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[]) AS w (mode, merchant_id, currency, closed_at)
            GROUP BY w.mode, w.merchant_id, w.currency) b
        JOIN LATERAL (
            SELECT o.* FROM ledger.payouts o WHERE o.mode = b.mode AND o.merchant_id = b.merchant_id AND o.currency = b.currency AND o.created_at > b.closed_at
            ORDER BY o.due_on LIMIT $5) p ON true
        JOIN LATERAL (SELECT n.state, n.at FROM ledger.payout_changes n WHERE n.payout_id = p.id ORDER BY n.version DESC LIMIT 1) c ON true
        LEFT JOIN ledger.payout_file_items f ON f.payout_id = p.id
        ORDER BY p.due_on, p.id
        """;

    private const string Retired = "SELECT EXISTS (SELECT FROM ledger.retired_months WHERE month >= date_trunc('month', $1::timestamptz AT TIME ZONE 'UTC')::date)";

    private sealed record Batch(LedgerStorySettlement Settlement, Mode Mode, MerchantId Merchant, DateTimeOffset ClosedAt, long Paid);

    private sealed record Payout(LedgerStoryPayout Told, PayoutMade Made);

    public static async Task<IResult> GetAsync(string id, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!Id.TryParse<PaymentId>(id, out var payment))
        {
            return Problems.NotFound("payment");
        }

        var (journals, mode, merchant) = await JournalsAsync(database, payment, cancellationToken);
        var batches = await BatchesAsync(database, payment, cancellationToken);
        var payouts = await PayoutsAsync(database, batches, cancellationToken);
        var settlements = batches.Select(b => b.Settlement with
        {
            Payouts = [.. BatchPayouts.Of(b.ClosedAt, b.Settlement.PayOn, b.Paid, payouts.Where(p => p.Told.Currency == b.Settlement.PaidCurrency).Select(p => p.Made)).Select(p => p.Id)],
        }).ToList();
        var held = settlements.SelectMany(s => s.Payouts).ToHashSet();
        await using var retired = database.CreateCommand(Retired).With(Id.TimeOf(payment.Value));
        return TypedResults.Ok(new LedgerStory(
            payment, mode ?? batches.FirstOrDefault()?.Mode, merchant ?? batches.FirstOrDefault()?.Merchant, await retired.ExecuteScalarAsync(cancellationToken) is true, journals,
            settlements, [.. payouts.Where(p => held.Contains(p.Told.Id)).Select(p => p.Told)]));
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
                new(new SettlementBatchId(row.GetGuid(0)).ToString(), row.GetFieldValue<DateTimeOffset>(3), row.GetString(4), row.GetInt64(5), row.GetString(6), row.GetFieldValue<DateOnly>(7), []),
                Words.Parse<Mode>(row.GetString(1)), new(row.GetGuid(2)), row.GetFieldValue<DateTimeOffset>(8), row.GetInt64(9)));
        }

        return batches;
    }

    private static async Task<List<Payout>> PayoutsAsync(NpgsqlDataSource database, List<Batch> batches, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(Payouts).With(
            batches.Select(b => ModeNames.Of(b.Mode)).ToArray(), batches.Select(b => b.Merchant.Value).ToArray(), batches.Select(b => b.Settlement.PaidCurrency).ToArray(),
            batches.Select(b => b.ClosedAt).ToArray(), MostPayouts);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var payouts = new List<Payout>();
        while (await row.ReadAsync(cancellationToken))
        {
            var told = new LedgerStoryPayout(
                new(row.GetGuid(0)), row.GetString(1), row.GetInt64(2), row.GetFieldValue<DateOnly>(3), row.GetString(4), row.GetFieldValue<DateTimeOffset>(5),
                await row.IsDBNullAsync(6, cancellationToken) ? null : new PayoutFileId(row.GetGuid(6)).ToString());
            payouts.Add(new(told, new(told.Id, told.DueOn, row.GetFieldValue<DateTimeOffset>(7), Words.Parse<PayoutState>(told.Status), told.At)));
        }

        return payouts;
    }
}
