using Npgsql;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Recovery;

/// <summary>Orders that merchants gave up.</summary>
public sealed class CancelledOrders(NpgsqlDataSource database)
{
    /// <summary>Whether the payment's order was given up after the payment was made: one made later under the same number is wanted again.</summary>
    public async Task<bool> IsCancelledAsync(PaymentState payment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(payment);
        if (payment.Details.OrderId is not { } order)
        {
            return false;
        }

        const string sql = """
            SELECT EXISTS (SELECT FROM cancelled_orders WHERE merchant_id = $1 AND mode = $2 AND order_id = $3 AND cancelled_at >= uuid_time($4))
            """;
        await using var command = database.CreateCommand(sql).With(payment.MerchantId.Value, Words.Of(payment.Mode), order, payment.Id.Value);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
