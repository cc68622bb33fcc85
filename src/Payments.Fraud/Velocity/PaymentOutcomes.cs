using Npgsql;
using NpgsqlTypes;
using Payments.Core.Events;
using Payments.Fraud.Scoring;
using Payments.Platform.Http;
using Payments.Platform.Inbox;

namespace Payments.Fraud.Velocity;

/// <summary>
/// What became of payments, from the stream: the consumer <c>fraud</c>, in the transaction that advances its checkpoint. Redis is told
/// afterwards, each outcome once. An outcome of a payment that was decided without this service counts nowhere: nobody knows here who took part.
/// </summary>
internal sealed class PaymentOutcomes(DecisionWriter decisions) : IEventHandler
{
    /// <summary>The name of the consumer, for ever.</summary>
    public const string Consumer = "fraud";

    /// <summary>How long an outcome waits for the row of its decision, which is on its way before the payment path knows the decision.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    //  event, what it counts as
    private static readonly Dictionary<string, string> Kinds = new(StringComparer.Ordinal)
    {
        [PaymentEventTypes.Authorized] = "approvals",
        [PaymentEventTypes.InReview] = "approvals",
        [PaymentEventTypes.Captured] = "approvals",
        [PaymentEventTypes.Declined] = "declines",
        [PaymentEventTypes.Refunded] = "refunds",
    };

    private const string Sql = """
        WITH given AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS g (event_id, mode, payment_id, merchant_id, kind, amount, currency, at)),
        counted AS (
            INSERT INTO outcomes (event_id, mode, payment_id, merchant_id, kind, card, customer, ip, device, email, at)
            SELECT g.event_id, g.mode, g.payment_id, g.merchant_id, g.kind, a.card, a.customer, a.ip, a.device, a.email, g.at
            FROM given AS g JOIN decisions AS d ON d.payment_id = g.payment_id JOIN attempts AS a ON a.attempt = d.attempt
            ORDER BY g.event_id
            ON CONFLICT DO NOTHING
            RETURNING event_id, mode, merchant_id, kind, card, at),
        bought AS (
            INSERT INTO purchases (mode, merchant_id, card, first_at)
            SELECT mode, merchant_id, card, min(at) FROM counted WHERE kind = 'approvals' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            ON CONFLICT DO NOTHING)
        INSERT INTO merchant_amounts AS usual (mode, merchant_id, currency, payments, total, squares)
        SELECT c.mode, c.merchant_id, g.currency, count(*), sum(g.amount), sum(g.amount::numeric * g.amount)
        FROM counted AS c JOIN given AS g USING (event_id) WHERE c.kind = 'approvals' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ON CONFLICT (mode, merchant_id, currency) DO UPDATE
            SET payments = usual.payments + excluded.payments, total = usual.total + excluded.total, squares = usual.squares + excluded.squares
        """;

    public async Task ApplyAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<ReceivedEvent> batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        await Metrics.RiskOutcomes.ApplyAsync(connection, transaction, batch, cancellationToken);
        var told = batch.Select(e => e.Event).Where(e => Kinds.ContainsKey(e.Type)).ToArray();
        if (told.Length == 0)
        {
            return;
        }

        await decisions.CaughtUpAsync(Patience, cancellationToken);
        await using var command = new NpgsqlCommand(Sql, connection, transaction);
        command.Parameters.Add(Of(told, e => e.Id.Value, NpgsqlDbType.Uuid));
        command.Parameters.Add(Of(told, e => ModeNames.Of(e.Mode), NpgsqlDbType.Text));
        command.Parameters.Add(Of(told, e => e.PaymentId.Value, NpgsqlDbType.Uuid));
        command.Parameters.Add(Of(told, e => e.MerchantId.Value, NpgsqlDbType.Uuid));
        command.Parameters.Add(Of(told, e => Kinds[e.Type], NpgsqlDbType.Text));
        command.Parameters.Add(Of(told, e => e.Data.Payment.Amount, NpgsqlDbType.Bigint));
        command.Parameters.Add(Of(told, e => e.Data.Payment.Currency, NpgsqlDbType.Text));
        command.Parameters.Add(Of(told, e => e.OccurredAt.ToUniversalTime(), NpgsqlDbType.TimestampTz));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter Of<T>(PaymentEvent[] events, Func<PaymentEvent, T> value, NpgsqlDbType type) =>
        new NpgsqlParameter<T[]> { TypedValue = [.. events.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | type };
}
