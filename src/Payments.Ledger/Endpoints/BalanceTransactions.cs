using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using NpgsqlTypes;
using Payments.Core;
using Payments.Platform.Http;

namespace Payments.Ledger.Endpoints;

/// <summary>What changed a merchant's balance.</summary>
public enum BalanceTransactionType
{
    Charge,
    ChargeFailure,
    Refund,
    RefundFailure,
    Dispute,
    DisputeReversal,
}

/// <summary>One change of a merchant's balance: a capture, a refund, a dispute, or the reversal of either.</summary>
/// <param name="Amount">Gross, signed: refunds, disputes and failed charges are negative.</param>
/// <param name="Fee">The commission, or the fee of a dispute; negative where it is given back.</param>
/// <param name="Net">By how much the balance changed: amount less fee.</param>
public sealed record BalanceTransactionView(
    string Id, string Object, BalanceTransactionType Type, long Amount, long Fee, long Net, string Currency, PaymentId Payment, DateTimeOffset CreatedAt);

/// <summary><c>GET /internal/v1/merchants/{merchant}/{mode}/balance_transactions</c>: newest first.</summary>
internal static class BalanceTransactions
{
    private const string IdPrefix = "txn";

    // A journal that touches the merchant's account has one gross line, and maybe the commission beside it.
    private const string Sql = """
        SELECT j.id, g.kind, g.signed, coalesce(f.signed, 0), g.currency, j.payment_id, j.effective_at
        FROM ledger.journals j
        CROSS JOIN LATERAL (
            SELECT m.kind, m.currency, CASE WHEN m.kind IN ('capture', 'refund_reversal', 'dispute_reversal') THEN m.amount ELSE -m.amount END AS signed
            FROM ledger.movements m WHERE m.journal_id = j.id AND m.kind IN ('capture', 'capture_reversal', 'refund', 'refund_reversal', 'dispute', 'dispute_reversal')) g
        LEFT JOIN LATERAL (
            SELECT CASE WHEN m.kind IN ('commission', 'dispute_fee') THEN m.amount ELSE -m.amount END AS signed
            FROM ledger.movements m WHERE m.journal_id = j.id AND m.kind IN ('commission', 'commission_reversal', 'dispute_fee', 'dispute_fee_return')) f ON true
        WHERE j.merchant_id = $1 AND j.mode = $2 AND j.movements > 0
          AND ($3 IS NULL OR j.id < $3) AND ($4 IS NULL OR j.payment_id = $4) AND ($5 IS NULL OR g.kind = $5) AND ($6 IS NULL OR g.currency = $6)
        ORDER BY j.id DESC LIMIT $7
        """;

    public static async Task<Results<Ok<Page<BalanceTransactionView>>, Problem>> ListAsync(
        HttpContext context, string merchant, string mode, NpgsqlDataSource database, CancellationToken cancellationToken)
    {
        if (!MerchantPath.TryRead(merchant, mode, out var of))
        {
            return Problems.NotFound("merchant", "merchant");
        }

        var query = new RequestQuery(context);
        var (limit, cursor, payment, type, currency) =
            (query.Limit(), query.CursorId(), query.Id<PaymentId>("payment"), query.Choice<BalanceTransactionType>("type"), query.Currency("currency"));
        if (query.Problem is { } problem)
        {
            return problem;
        }

        await using var command = database.CreateCommand(Sql);
        command.Parameters.Add(new() { Value = of.Merchant.Value });
        command.Parameters.Add(new() { Value = ModeNames.Of(of.Mode) });
        command.Parameters.Add(Nullable(NpgsqlDbType.Uuid, cursor));
        command.Parameters.Add(Nullable(NpgsqlDbType.Uuid, payment?.Value));
        command.Parameters.Add(Nullable(NpgsqlDbType.Text, type is { } wanted ? LineOf(wanted) : null));
        command.Parameters.Add(Nullable(NpgsqlDbType.Text, currency));
        command.Parameters.Add(new() { Value = limit + 1 });
        var rows = new List<(Guid Journal, BalanceTransactionView View)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var (id, amount, fee) = (reader.GetGuid(0), reader.GetInt64(2), reader.GetInt64(3));
            rows.Add((id, new(
                Id.Format(IdPrefix, id), "balance_transaction", TypeOf(reader.GetString(1)), amount, fee, amount - fee, reader.GetString(4),
                new PaymentId(reader.GetGuid(5)), reader.GetFieldValue<DateTimeOffset>(6))));
        }

        var page = Page.Of(rows, limit, r => Cursor.Of(r.Journal));
        return TypedResults.Ok(new Page<BalanceTransactionView>([.. page.Data.Select(r => r.View)], page.HasMore, page.NextCursor));
    }

    private static NpgsqlParameter Nullable(NpgsqlDbType type, object? value) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };

    private static string LineOf(BalanceTransactionType type) => type switch
    {
        BalanceTransactionType.Charge => "capture",
        BalanceTransactionType.ChargeFailure => "capture_reversal",
        BalanceTransactionType.Refund => "refund",
        BalanceTransactionType.Dispute => "dispute",
        BalanceTransactionType.DisputeReversal => "dispute_reversal",
        _ => "refund_reversal",
    };

    private static BalanceTransactionType TypeOf(string line) => line switch
    {
        "capture" => BalanceTransactionType.Charge,
        "capture_reversal" => BalanceTransactionType.ChargeFailure,
        "refund" => BalanceTransactionType.Refund,
        "refund_reversal" => BalanceTransactionType.RefundFailure,
        "dispute" => BalanceTransactionType.Dispute,
        "dispute_reversal" => BalanceTransactionType.DisputeReversal,
        _ => throw new InvariantException($"a line of kind {line} changes no merchant's balance alone"),
    };
}
