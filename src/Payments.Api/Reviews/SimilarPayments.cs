using Npgsql;
using Payments.Api.Flow;
using Payments.Core;
using Payments.Platform.Postgres;

namespace Payments.Api.Reviews;

/// <param name="Matches">By what it is like the other: card, customer, email, ip, device.</param>
public sealed record SimilarPayment(
    PaymentId Id, PaymentStatus Status, long Amount, string Currency, IReadOnlyList<string> Matches, int? Score, FraudVerdict? Decision, ReviewStatus? Review, DateTimeOffset CreatedAt);

/// <summary>
/// What else a merchant has of the same card, customer or browser: looked for among its newest payments, so that one look stays cheap
/// however many there are, and no index is paid for by every payment.
/// </summary>
public sealed class SimilarPayments(NpgsqlDataSource database, PaymentStore store)
{
    private const int LookedThrough = 5_000;
    private const int Shown = 20;
    private static readonly TimeSpan Since = TimeSpan.FromDays(30);
    private static readonly string[] Kinds = ["card", "customer", "email", "ip", "device"];

    public async Task<IReadOnlyList<SimilarPayment>> FindAsync(PaymentState payment, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(payment);
        const string sql = """
            WITH recent AS (
                SELECT id, details::jsonb ->> 'card_fingerprint' AS card FROM payments
                WHERE merchant_id = $1 AND mode = $2 AND id >= uuid_floor(now() - $5) AND id <> $3
                ORDER BY id DESC LIMIT $6
            ), compared AS (
                SELECT r.id, coalesce(r.card = $4, false) AS card, coalesce(c.customer = own.customer, false) AS customer, coalesce(c.email = own.email, false) AS email,
                       coalesce(c.ip = own.ip, false) AS ip, coalesce(c.device = own.device, false) AS device
                FROM recent AS r
                LEFT JOIN risk_contexts AS c ON c.merchant_id = $1 AND c.mode = $2 AND c.payment_id = r.id
                LEFT JOIN risk_contexts AS own ON own.merchant_id = $1 AND own.mode = $2 AND own.payment_id = $3
            )
            SELECT id, card, customer, email, ip, device FROM compared WHERE card OR customer OR email OR ip OR device ORDER BY id DESC LIMIT $7
            """;
        var matches = new List<(PaymentId Id, IReadOnlyList<string> By)>();
        await using (var command = database.CreateCommand(sql).With(payment.MerchantId.Value, Words.Of(payment.Mode), payment.Id.Value, payment.Details.CardFingerprint ?? "", Since, LookedThrough, Shown))
        {
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                matches.Add((PaymentId.From(row.GetGuid(0)), [.. Kinds.Where((_, i) => row.GetBoolean(i + 1))]));
            }
        }

        var payments = await store.ReadAsync([.. matches.Select(m => new PaymentKey(payment.MerchantId, payment.Mode, m.Id))], cancellationToken);
        return [.. payments.Select(p => Of(p, matches.First(m => m.Id == p.Id).By))];
    }

    private static SimilarPayment Of(PaymentState payment, IReadOnlyList<string> by) => new(
        payment.Id, payment.Status, payment.Amount.Minor, payment.Amount.Currency.Code, by, payment.Risk?.Score, payment.Risk?.Decision,
        ReviewView.Of(payment, payment.Status)?.Status, Id.TimeOf(payment.Id.Value));
}
