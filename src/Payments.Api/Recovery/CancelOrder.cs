using Npgsql;
using Payments.Core;
using Payments.Platform.Http;
using Payments.Platform.Idempotency;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>
/// <c>POST /v1/orders/{order_id}/cancel</c>: the merchant gives an order up. What is held for it is released by the sweep, never
/// within the first four hours; a capture that comes first wins. To release a hold at once, its payment is voided.
/// </summary>
public static class CancelOrder
{
    private const int LongestOrderId = 100;
    private const int MostPayments = 100;

    /// <summary>An empty object, or no body at all.</summary>
    public sealed record Request;

    /// <param name="Payments">Those that hold money for it now, or whose outcome is not known.</param>
    public sealed record CancelledOrder(string Object, string OrderId, Mode Mode, DateTimeOffset CancelledAt, IReadOnlyList<HeldPayment> Payments);

    /// <param name="ReleasedAfter">Absent while nothing is held.</param>
    public sealed record HeldPayment(PaymentId Id, string Status, string Currency, long AmountHeld, DateTimeOffset? ReleasedAfter);

    public static async Task<IResult> HandleAsync(HttpContext context, string orderId, IdempotentRequests requests, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (!(await RequestBody.ReadOptionalAsync<Request>(context, cancellationToken)).Succeeded(out _, out var problem))
        {
            return problem;
        }

        // A slash within a path segment arrives escaped.
        var order = (orderId ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        if (order.Length is 0 or > LongestOrderId)
        {
            return Problems.NotFound("order", "order_id");
        }

        var caller = context.Caller();
        return await requests.RunAsync(context, IdempotencyScope.Of(caller), async (work, cancellation) =>
        {
            var transaction = await work.BeginAsync(cancellation);
            return await CancelAsync(transaction, caller, order, cancellation) is { } at
                ? IdempotentResponse.Ok(new CancelledOrder("order", order, caller.Mode, at, await HeldAsync(transaction, caller, order, cancellation)))
                : Problems.NotFound("order", "order_id");
        }, cancellationToken);
    }

    /// <summary>Null where the merchant has no payment for such an order. Again: counts from now, so that later payments are covered, too.</summary>
    private static async Task<DateTimeOffset?> CancelAsync(NpgsqlTransaction transaction, Caller caller, string order, CancellationToken cancellationToken)
    {
        const string sql = """
            INSERT INTO cancelled_orders AS c (merchant_id, mode, order_id, cancelled_at)
            SELECT $1, $2, $3, now() WHERE EXISTS (SELECT FROM payments WHERE merchant_id = $1 AND mode = $2 AND order_id = $3)
            ON CONFLICT (merchant_id, mode, order_id) DO UPDATE SET cancelled_at = excluded.cancelled_at
            RETURNING cancelled_at
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction).With(caller.MerchantId.Value, Words.Of(caller.Mode), order);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) ? row.GetFieldValue<DateTimeOffset>(0) : null;
    }

    private static async Task<IReadOnlyList<HeldPayment>> HeldAsync(NpgsqlTransaction transaction, Caller caller, string order, CancellationToken cancellationToken)
    {
        const string sql = """
            SELECT p.id, p.status, p.currency, greatest(0, p.authorized - p.captured - p.released), h.held_since + $4
            FROM payments AS p
            LEFT JOIN holds AS h ON h.merchant_id = p.merchant_id AND h.mode = p.mode AND h.payment_id = p.id
            WHERE p.merchant_id = $1 AND p.mode = $2 AND p.order_id = $3
              AND (p.authorized > p.captured + p.released OR p.status IN ('authorizing', 'processing', 'pending_3ds'))
            ORDER BY p.id DESC LIMIT $5
            """;
        await using var command = new NpgsqlCommand(sql, transaction.Connection, transaction)
            .With(caller.MerchantId.Value, Words.Of(caller.Mode), order, Holding.Grace, MostPayments);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        var held = new List<HeldPayment>();
        while (await row.ReadAsync(cancellationToken))
        {
            held.Add(new HeldPayment(
                new PaymentId(row.GetGuid(0)), row.GetString(1), row.GetString(2), row.GetInt64(3), row.IsDBNull(4) ? null : row.GetFieldValue<DateTimeOffset>(4)));
        }

        return held;
    }
}
